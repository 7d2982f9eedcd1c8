import type { Backend } from "../../engine/backend.ts";
import { init } from "../../engine/backend.ts";
import { CpuBackend } from "../../engine/backends/cpu/backend.ts";
import { Random } from "../../engine/random.ts";
import { digitPolicy } from "../augment/policy.ts";
import type { AugmentPolicy } from "../augment/policy.ts";
import { encodeDataset } from "../evaluate/features.ts";
import { knnTop1 } from "../evaluate/knn.ts";
import { linearTop1 } from "../evaluate/linear.ts";
import { SupConModel } from "../model.ts";
import { loadRunData } from "./data.ts";
import type { RunData } from "./data.ts";
import type { TrainConfig } from "./options.ts";
import { pretrain, stepsPerEpoch } from "./pretrain.ts";
import { progress } from "./progress.ts";
import { count, parameterCount, printEnd, printStart } from "./report.ts";
import { RunFolder } from "./run-folder.ts";

/** What result.json holds. */
export interface TrainResult {
  /** Top-1 accuracies on the test images, in [0, 1]. */
  readonly linearTop1: number;
  readonly knnTop1: number;
  /** Of the whole run, and of stage 1. */
  readonly seconds: number;
  readonly pretrainSeconds: number;
  /** The last epoch's. */
  readonly loss: number;
  readonly imagesPerSecond: number;
  readonly parameters: number;
  readonly seed: number;
  readonly backend: string;
  readonly threads: number;
  readonly relaxedFma: boolean;
}

/** Everything random in a run comes from forks of its seed, so that no part shifts another's numbers. */
const STREAM = { data: 0, model: 1, pretraining: 2 } as const;

/**
 * The whole of `supcon/train.ts`: data, stage 1, stage 2, run folder. Throws DataError for data that is missing or
 * damaged and ValueError for a run folder in use, both before any work; DivergedError if the loss is no number any more.
 */
export async function train(config: TrainConfig): Promise<TrainResult> {
  const started = performance.now();
  const random = new Random(config.seed);
  const data = loadRunData(config.data, config.trainImages, config.testImages, random.fork(STREAM.data));
  using folder = new RunFolder(config.out);
  const backend = await init({
    backend: config.backend,
    ...(config.threads !== undefined && { threads: config.threads }),
  });
  try {
    const machine = machineOf(backend);
    const policy = policyOf(config);
    folder.writeJson("config", { ...config, ...machine, policy });
    using model = new SupConModel({
      random: random.fork(STREAM.model),
      encoder: config.model,
      width: config.width,
      inChannels: data.train.channels,
      dim: config.dim,
    });
    printStart(config, backend, data, model, folder.path);

    const pretraining = await stage1(config, data, policy, model, random.fork(STREAM.pretraining), folder);
    const accuracies = await stage2(config, data, policy, model);
    const result: TrainResult = {
      ...accuracies,
      seconds: secondsSince(started),
      ...pretraining,
      parameters: parameterCount(model),
      seed: config.seed,
      ...machine,
    };
    folder.writeJson("result", result);
    printEnd(config, result, folder.path);
    return result;
  } finally {
    await backend.destroy();
  }
}

const secondsSince = (start: number): number => (performance.now() - start) / 1000;

const policyOf = ({ crop }: TrainConfig): AugmentPolicy => ({
  ...digitPolicy,
  crop: crop < 1 && digitPolicy.crop ? { ...digitPolicy.crop, area: [crop, 1] } : null,
});

async function stage1(
  config: TrainConfig,
  { train: images }: RunData,
  policy: AugmentPolicy,
  model: SupConModel,
  random: Random,
  folder: RunFolder,
): Promise<Pick<TrainResult, "loss" | "imagesPerSecond" | "pretrainSeconds">> {
  const started = performance.now();
  const { epochs, batch, views } = config;
  const bar = progress(epochs * stepsPerEpoch(images.count, batch), epochs, batch * views);
  let last = { loss: NaN, imagesPerSecond: 0 };
  try {
    await pretrain(
      model,
      images,
      { ...config, policy, random },
      {
        onStep: (report) => { bar.onStep(report); }, // prettier-ignore
        onEpoch: async (report) => {
          bar.onEpoch(report);
          folder.appendMetrics({ ...report });
          const { model: encoder, width, dim } = config;
          const metadata = { encoder, width: String(width), dim: String(dim), epoch: String(report.epoch) };
          folder.writeCheckpoint(await model.stateDict(), metadata);
          last = { loss: report.loss, imagesPerSecond: report.imagesPerSecond };
        },
      },
    );
  } finally {
    bar.stop();
  }
  return { ...last, pretrainSeconds: secondsSince(started) };
}

async function stage2(
  { linearEpochs, seed, k }: TrainConfig,
  { train: images, test: testImages }: RunData,
  policy: AugmentPolicy,
  model: SupConModel,
): Promise<Pick<TrainResult, "linearTop1" | "knnTop1">> {
  console.log(`evaluating on ${count(testImages.count)} test images`);
  const known = await encodeDataset(model, images, policy);
  const unknown = await encodeDataset(model, testImages, policy);
  return {
    linearTop1: await linearTop1(known, unknown, { epochs: linearEpochs, seed }),
    knnTop1: await knnTop1(known, unknown, { k }),
  };
}

/** What decides the last bits of a run beside its options. */
function machineOf(backend: Backend): Pick<TrainResult, "backend" | "threads" | "relaxedFma"> {
  const { threads, relaxedSimd } =
    backend instanceof CpuBackend ? backend.machine : { threads: 1, relaxedSimd: false };
  return { backend: backend.name, threads, relaxedFma: relaxedSimd };
}
