import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { init } from "../../engine/backend.ts";
import { ValueError } from "../../engine/errors.ts";
import type { AugmentPolicy } from "../augment/policy.ts";
import type { ImageDataset } from "../data/dataset.ts";
import { encodeDataset } from "../evaluate/features.ts";
import { judgeFeatures } from "../evaluate/judge.ts";
import type { OnWork } from "../evaluate/judge.ts";
import { linearSchedule, linearTop1 } from "../evaluate/linear.ts";
import type { SupConModel } from "../model.ts";
import { readCheckpoint } from "../run/checkpoint.ts";
import type { Checkpoint } from "../run/checkpoint.ts";
import type { RunMachine, TrainAccuracies, TrainResult } from "../run/result.ts";
import { readTorchvision } from "../run/torchvision.ts";
import { count } from "../report/format.ts";
import { RESOLVED } from "./config.ts";
import type { RunData } from "./run-data.ts";
import { printEstimate } from "./estimate.ts";
import { writeReport } from "./html-report.ts";
import { InterruptedError, interruption } from "./interruption.ts";
import type { Interruption } from "./interruption.ts";
import { describeMachine, machineOf } from "./machine.ts";
import type { TrainCommand, TrainConfig } from "./options.ts";
import type { Pretraining } from "./pretrain.ts";
import { StepProfile } from "./profile.ts";
import { progress, stopwatch } from "./progress.ts";
import { describeData, parameterCount, printEnd, printStart } from "./report.ts";
import { isDone, refuseUsed, RunFolder, runFiles } from "./run-folder.ts";
import { dataOf, linearOf, linearViewsOf, modelOf, policyOf, trainingOf } from "./setup.ts";

/**
 * The whole of `supcon/train.ts`: data, stage 1, stage 2, run folder. Returns what result.json holds, nothing of a dry run.
 * Throws DataError for data that is missing or damaged and ValueError for a run folder that does not fit, both before any
 * work; DivergedError if the loss is no number any more; InterruptedError after SIGINT or SIGTERM.
 */
export async function train({
  config,
  out,
  resume,
  dryRun,
  profile,
}: TrainCommand): Promise<TrainResult | undefined> {
  const started = performance.now();
  if (out !== undefined && !resume && !dryRun) refuseUsed(out);
  const data = await dataOf(config);
  const earlier = resume && out !== undefined ? readEarlier(out) : undefined;
  const { backend: name, threads } = config;
  const backend = await init({ backend: name, ...(threads !== undefined && { threads }) });
  try {
    using model = modelOf(config, data.train);
    if (config.encoderWeights !== undefined && !resume) readTorchvision(config.encoderWeights, model.encoder);
    const policy = policyOf(config);
    using training = trainingOf(config, model, data.train);
    linearSchedule(data.train.count, linearOf(config)); // What stage 2 would refuse is told before stage 1.
    if (dryRun) {
      printStart(config, backend, data, model, training, "none: a dry run writes nothing");
      await printEstimate(config, backend, data, model, training);
      return undefined;
    }
    const machine = machineOf(backend);
    using folder =
      earlier && out !== undefined
        ? RunFolder.reopen(out, epochsDone(earlier, training))
        : RunFolder.create(out);
    printStart(config, backend, data, model, training, folder.path);
    if (earlier) {
      model.loadStateDict(earlier.model);
      training.resume(earlier.position, earlier.training);
      printResumed(earlier, training, machine);
    } else {
      folder.writeConfig({ ...config, [RESOLVED]: { ...machine, policy } });
    }
    using interrupted = interruption();
    const run = { config, data, policy, model, training, folder, machine, interrupted };
    const timed = profile === undefined ? undefined : new StepProfile(backend, profile);
    const pretraining = await stage1(run, earlier?.seconds ?? 0, timed);
    const accuracies = await stage2(run);
    const result: TrainResult = {
      ...accuracies,
      seconds: (earlier?.seconds ?? 0) + secondsSince(started),
      ...pretraining,
      parameters: parameterCount(model),
      seed: config.seed,
      ...machine,
    };
    folder.writeResult(result);
    await writeReport(folder.path, data);
    printEnd(config, result, folder.path);
    return result;
  } finally {
    await backend.destroy();
  }
}

/** What the stages of a run work on. */
interface Run {
  readonly config: TrainConfig;
  readonly data: RunData;
  readonly policy: AugmentPolicy;
  readonly model: SupConModel;
  readonly training: Pretraining;
  readonly folder: RunFolder;
  readonly machine: RunMachine;
  readonly interrupted: Interruption;
}

const secondsSince = (start: number): number => (performance.now() - start) / 1000;

function readEarlier(folder: string): Checkpoint {
  if (isDone(folder)) {
    throw new ValueError(`--resume: expected a run that was interrupted, got ${folder}, which is done`);
  }
  return readCheckpoint(join(folder, runFiles.checkpoint));
}

const epochsDone = ({ position }: Checkpoint, { stepsPerEpoch }: Pretraining): number =>
  Math.floor(position.step / stepsPerEpoch);

function printResumed({ position, machine }: Checkpoint, { steps }: Pretraining, now: RunMachine): void {
  console.log(`resumed   after step ${count(position.step)} of ${count(steps)}`);
  if (machine === describeMachine(now)) return;
  console.log(`          begun on ${machine}, goes on on ${describeMachine(now)}: the last bits may differ`);
}

/** Trains from where the run is, and leaves a checkpoint after each epoch and on interruption. */
async function stage1(
  { config, model, training, folder, machine, interrupted }: Run,
  earlierSeconds: number,
  profile?: StepProfile,
): Promise<Pick<TrainResult, "loss" | "imagesPerSecond" | "pretrainSeconds">> {
  const started = performance.now();
  const seconds = () => earlierSeconds + secondsSince(started);
  const checkpoint = async () => {
    folder.writeCheckpoint({
      model: await model.stateDict(),
      training: await training.state(),
      position: training.position,
      seconds: seconds(),
      machine: describeMachine(machine),
    });
  };
  const { epochs, batch, views } = config;
  const { steps, position } = training;
  const bar = progress({ steps, epochs, viewsPerStep: batch * views, done: position.step });
  try {
    await training.run({
      onStep: async (report) => {
        bar.onStep(report);
        await profile?.onStep();
      },
      onEpoch: async (report) => {
        bar.onEpoch(report);
        const { diagnostics, ...rest } = report;
        const { warning, ...numbers } = diagnostics;
        folder.appendMetrics({ ...rest, ...numbers });
        await checkpoint();
      },
      signal: interrupted.signal,
    });
    if (training.position.step < training.steps) await checkpoint();
  } finally {
    bar.stop();
  }
  if (training.position.step < training.steps) {
    throw new InterruptedError(
      `interrupted after step ${count(training.position.step)} of ${count(training.steps)}; ` +
        `npx tsx supcon/train.ts --resume ${folder.path} goes on`,
    );
  }
  if (profile?.report) {
    console.log(profile.report.table);
    folder.writeTrace(profile.report.trace);
  }
  const [loss, imagesPerSecond] = [folder.lastMetric("loss"), folder.lastMetric("imagesPerSecond")];
  return { loss, imagesPerSecond, pretrainSeconds: seconds() };
}

/** Judges the frozen encoder. An interruption leaves stage 1 as it is. */
async function stage2(run: Run): Promise<TrainAccuracies> {
  const { config, data, policy, model, training, folder, interrupted } = run;
  const { train: images, test: testImages } = data;
  console.log(`evaluating on ${count(testImages.count)} test images`);
  using shown = stopwatch("features");
  const onWork: OnWork = async (what) => {
    shown.show(what);
    // As in stage 1: else a signal would not be heard.
    await setImmediate();
    if (!interrupted.signal.aborted) return;
    throw new InterruptedError(
      `interrupted in stage 2, of which nothing is kept; npx tsx supcon/train.ts --resume ${folder.path} begins it again`,
    );
  };
  const encode = (dataset: ImageDataset) =>
    encodeDataset(model, dataset, policy, {
      onBatch: (done) => onWork(`features of ${count(done)} of ${count(dataset.count)} images`),
    });
  const [known, unknown] = [await encode(images), await encode(testImages)];
  const linear = { ...linearOf(config), ...linearViewsOf(config, model, images, onWork) };
  const { judged, classifier: trained } = await judgeFeatures(known, unknown, { ...linear, k: config.k, onWork }); // prettier-ignore
  using classifier = trained;
  const { height, width, channels, classes } = images;
  const features = { height, width, channels, classes, train: known, test: unknown };
  await folder.writeEvaluation(classifier, features, { ...describeData(config.data, features), ...judged });
  const { sgd, lbfgs } = judged.linear;
  return {
    linearTop1: sgd.top1,
    linearTop5: sgd.top5,
    ece: sgd.ece,
    lbfgsTop1: lbfgs.top1,
    knnTop1: judged.knn.top1,
    nearestMeanTop1: judged.ncm.cosine.top1,
    ...(training.classifier && { classifierTop1: await linearTop1(training.classifier, unknown) }),
  };
}
