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
import type { EvaluateCommand } from "./evaluate-command-line.ts";
import { formatEvaluation } from "./evaluation-table.ts";
import { fineTune } from "./fine-tune.ts";
import { readFinishedConfig } from "./finished-run.ts";
import { writeReport } from "./html-report.ts";
import type { TrainConfig } from "./options.ts";
import { stopwatch, workBar } from "./progress.ts";
import { describeData } from "./report.ts";
import { runFiles } from "./run-folder.ts";
import { dataOf, linearOf, linearViewsOf, modelOf, policyOf } from "./setup.ts";

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
