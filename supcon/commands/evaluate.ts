import { Command, Option } from "@commander-js/extra-typings";
import { join } from "node:path";
import { init } from "../../engine/backend.ts";
import { ValueError } from "../../engine/errors.ts";
import type { StateDict } from "../../nn/index.ts";
import type { ImageShape } from "../data/dataset.ts";
import { encodeDataset } from "../evaluate/features.ts";
import type { LabelledFeatures } from "../evaluate/features.ts";
import { judgeFeatures } from "../evaluate/judge.ts";
import type { Judgement, OnWork } from "../evaluate/judge.ts";
import type { LinearClassifier } from "../evaluate/linear.ts";
import { compareRobustness, measureRobustness, robustnessSteps } from "../evaluate/robustness.ts";
import type { SupConModel } from "../model.ts";
import { readCheckpoint } from "../run/checkpoint.ts";
import { evaluationFile, readEvaluation, writeEvaluation } from "../run/evaluation.ts";
import type { CorruptionReport, Evaluation, FineTuned, Transfer } from "../run/evaluation.ts";
import { readFeatures } from "../run/features.ts";
import { count } from "../report/format.ts";
import type { RunData } from "./run-data.ts";
import { formatEvaluation } from "./evaluation-table.ts";
import { fineTune } from "./fine-tune.ts";
import { readFinishedConfig } from "./finished-run.ts";
import { writeReport } from "./html-report.ts";
import type { TrainConfig } from "./options.ts";
import { integer, nonNegative, oneLine, positive } from "./parsers.ts";
import { stopwatch, workBar } from "./progress.ts";
import { describeData } from "./report.ts";
import { runFiles } from "./run-folder.ts";
import { dataOf, linearOf, linearViewsOf, modelOf, policyOf } from "./setup.ts";

const about = `Judges the encoder of a finished run on its test images, by all classifiers that
its frozen features can be given to: linear (by the run's optimiser, and by
L-BFGS to the optimum), k-NN and nearest class mean. Tells top-1 and top-5,
accuracies of classes, what is mistaken for what, and the expected calibration
error.

What takes longer is asked for by --with: fine-tuning (encoder and classifier
trained on together), corruptions (the linear classifier on images damaged in
19 ways and 5 severities, as CIFAR-10-C). --data judges on another data set.

What is found goes to evaluation.json in the run folder, beside what earlier
calls have found there.`;

const examples = `
Examples:
  npx tsx supcon/evaluate.ts runs/a
  npx tsx supcon/evaluate.ts runs/a --with fine-tuning corruptions
  npx tsx supcon/evaluate.ts runs/a --baseline runs/b      mCE of a against b, both measured before
  npx tsx supcon/evaluate.ts runs/a --data DIR --with fine-tuning

Exit codes: 0 done, 1 failed, 2 bad usage or data.`;

const parts = ["fine-tuning", "corruptions"] as const;

// prettier-ignore
const commandLine = () =>
  new Command("npx tsx supcon/evaluate.ts")
    .description(about)
    .addHelpText("after", examples)
    .argument("<run>", "run folder of supcon/train.ts")
    .allowExcessArguments(false)
    .addOption(new Option("--with <parts...>", "what else to do").choices(parts).default([] as readonly (typeof parts)[number][]))
    .option("--data <name>", "another data set, named as in supcon/train.ts, to judge on: transfer")
    .option("--train-images <n>", "with --data: its training images (default: as many as the run's)", integer(10))
    .option("--test-images <n>", "with --data: its test images (default: as many as the run's)", integer(1))
    .option("--baseline <run>", "run to compare errors on damaged images with")
    .option("--corruption-images <n>", "test images to damage", integer(1), 1000)
    .option("--fine-tuning-epochs <n>", "passes over the training images", integer(1), 3)
    .option("--fine-tuning-rate <rate>", "greatest learning rate of fine-tuning", positive, 0.1)
    .option("--l2 <factor>", "penalty on the weights of the classifier by L-BFGS", nonNegative, 1e-4)
    .option("--seed <n>", "of fine-tuning, damage and its images", integer(0), 0)
    .helpOption("-h, --help", "show this and exit")
    .configureOutput({ outputError: oneLine });

/** What is to be judged, and how. */
export type EvaluateCommand = ReturnType<typeof parseEvaluateCommand>;

/** Reads the command line (without node and script). Throws as `parseTrainCommand` does. */
export function parseEvaluateCommand(args: readonly string[]) {
  const command = commandLine().exitOverride();
  command.parse([...args], { from: "user" });
  const options = { run: command.args[0] ?? "", ...command.opts() };
  const refuse = (name: string, why: string) => {
    throw new ValueError(`--${name}: expected ${why}`);
  };
  if (options.data !== undefined) {
    const onOwn = options.baseline !== undefined || options.with.includes("corruptions");
    if (onOwn) refuse("data", "no corruptions and no baseline beside it; those are of the run's own images");
  } else {
    if (options.trainImages !== undefined) refuse("train-images", "--data beside it, whose images it counts");
    if (options.testImages !== undefined) refuse("test-images", "--data beside it, whose images it counts");
  }
  return options;
}

/**
 * The whole of `supcon/evaluate.ts`. Throws ValueError for a folder that holds no finished run or a baseline that was not
 * measured, DataError for data that is missing or damaged, SafetensorsError for damaged files.
 */
export async function evaluate(command: EvaluateCommand): Promise<Evaluation> {
  const { run, data: transferTo, baseline } = command;
  const config = readFinishedConfig("evaluate", run);
  const earlier = readEvaluation(run);
  const isMeasuredNow = command.with.includes("corruptions");
  const other = baseline === undefined ? undefined : measuredErrors(baseline, readEvaluation(baseline));
  if (other && !isMeasuredNow) measuredErrors(run, earlier);
  const { model: weights } = readCheckpoint(join(run, runFiles.checkpoint));
  const own = readFeatures(join(run, runFiles.features));
  const judgesOwn = transferTo === undefined && command.with.length > 0;
  const images = judgesOwn || config.linearPolicy !== "none" ? await dataOf(config) : undefined;
  const others = transferTo === undefined ? undefined : await othersOf(command, config, own, transferTo);

  const { backend: name, threads } = config;
  const backend = await init({ backend: name, ...(threads !== undefined && { threads }) });
  try {
    using model = modelOf(config, own);
    model.loadStateDict(weights);
    const task = { command, config, own, model, weights };
    const { judged, classifier } = await judge(task, own, images);
    using linear = classifier;
    let found: Evaluation = { ...earlier, ...describeData(config.data, own), ...judged };
    if (others && transferTo !== undefined) {
      const onOther = await transfer(task, transferTo, others);
      found = { ...found, transfer: { ...found.transfer, [transferTo]: onOther } };
    } else if (images) {
      const fineTuned = await fineTunedIfAsked(task, images);
      found = { ...found, ...fineTuned };
      if (isMeasuredNow) found = { ...found, corruptions: await corrupted(task, linear, images) };
    }
    if (other && baseline !== undefined && found.corruptions) {
      const comparison = { baseline, ...compareRobustness(found.corruptions, other) };
      found = { ...found, corruptions: { ...found.corruptions, comparison } };
    }
    writeEvaluation(run, found);
    console.log(formatEvaluation(found));
    const report = await writeReport(run, transferTo === undefined ? images : undefined);
    console.log(`\nall of it is in ${join(run, evaluationFile)}, pictures in ${report}`);
    return found;
  } finally {
    await backend.destroy();
  }
}

/** What the parts of an evaluation work with. */
interface Task {
  readonly command: EvaluateCommand;
  readonly config: TrainConfig;
  /** What the run's images are like. */
  readonly own: ImageShape;
  readonly model: SupConModel;
  /** The model's, as they were trained. */
  readonly weights: StateDict;
}

/** Judges features as the run itself was judged. */
async function judge(
  { command, config, model }: Task,
  { train, test }: Record<"train" | "test", LabelledFeatures>,
  images: RunData | undefined,
): Promise<Judgement> {
  using shown = stopwatch("classifiers");
  const onWork: OnWork = (what) => { shown.show(what); }; // prettier-ignore
  return await judgeFeatures(train, test, {
    ...linearOf(config),
    ...(images && linearViewsOf(config, model, images.train, onWork)),
    ...{ k: config.k, l2: command.l2, onWork },
  });
}

function measuredErrors(run: string, evaluation: Evaluation | undefined): CorruptionReport {
  if (evaluation?.corruptions) return evaluation.corruptions;
  throw new ValueError(
    `--baseline: expected errors on damaged images in ${run}, got none; npx tsx supcon/evaluate.ts ${run} --with corruptions measures them`,
  );
}

/** The images of the data set to transfer to. */
async function othersOf(
  command: EvaluateCommand,
  config: TrainConfig,
  own: ImageShape,
  data: string,
): Promise<RunData> {
  const { trainImages = config.trainImages, testImages = config.testImages } = command;
  const images = await dataOf({ ...config, data, trainImages, testImages });
  if (images.train.channels === own.channels) return images;
  throw new ValueError(
    `--data: expected images of ${own.channels} channels, as the run's, got ${images.train.channels} in ${data}`,
  );
}

/** Judges on another data set. */
async function transfer(ofRun: Task, name: string, images: RunData): Promise<Transfer> {
  const task = { ...ofRun, config: { ...ofRun.config, data: name } };
  const { config, model } = task;
  const { train, test } = images;
  console.log(`encoding ${count(train.count + test.count)} images of ${name}`);
  const policy = policyOf(config);
  const features = {
    train: await encodeDataset(model, train, policy),
    test: await encodeDataset(model, test, policy),
  };
  const { judged, classifier } = await judge(task, features, images);
  classifier.dispose();
  return {
    ...describeData(name, { ...images, classes: train.classes }),
    ...judged,
    ...(await fineTunedIfAsked(task, images)),
  };
}

async function fineTunedIfAsked(
  { command, config, own, weights }: Task,
  images: RunData,
): Promise<{ readonly fineTuned?: FineTuned }> {
  if (!command.with.includes("fine-tuning")) return {};
  console.log(`fine-tuning on ${count(images.train.count)} images of ${config.data}`);
  const { fineTuningEpochs: epochs, fineTuningRate: learningRate, seed } = command;
  using model = modelOf(config, own);
  model.loadStateDict(weights);
  return { fineTuned: await fineTune(config, model, images, { epochs, learningRate, seed }) };
}

/** The linear classifier's errors on damaged images. */
async function corrupted(
  { command, config, model }: Task,
  classifier: LinearClassifier,
  { test }: RunData,
): Promise<CorruptionReport> {
  const { corruptionImages: images, seed } = command;
  console.log(`damaging ${count(Math.min(images, test.count))} of ${count(test.count)} test images`);
  using bar = workBar(robustnessSteps(test.channels));
  return await measureRobustness(test, {
    ...{ images, seed },
    classify: async (damaged) =>
      classifier.probabilities(await encodeDataset(model, damaged, policyOf(config))),
    onStep: (name, severity) => { bar.step(`${name}, severity ${severity}`); }, // prettier-ignore
  });
}
