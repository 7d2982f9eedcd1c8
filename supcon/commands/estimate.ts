/** What a run would cost: operations by counting, time and memory by trying. */
import type { Backend } from "../../engine/backend.ts";
import { formatSummary, summary } from "../../nn/index.ts";
import { selectImages } from "../data/dataset.ts";
import { encodeDataset } from "../evaluate/features.ts";
import { timed } from "../evaluate/timed.ts";
import type { SupConModel } from "../model.ts";
import { count } from "../report/format.ts";
import type { RunData } from "./run-data.ts";
import type { TrainConfig } from "./options.ts";
import type { Pretraining } from "./pretrain.ts";
import { modelOf, policyOf } from "./setup.ts";

/** The first steps compile kernels; the ones that follow are timed, until there are enough or it has taken long. */
const warmUpSteps = 2;
const timedSteps = 10;
const enoughSeconds = 10;

/** Prints the options, the model's layers, and estimates of time and memory after a few steps of `training`. */
export async function printEstimate(
  config: TrainConfig,
  backend: Backend,
  data: RunData,
  model: SupConModel,
  training: Pretraining,
): Promise<void> {
  const { train: images, test } = data;
  const { batch, views } = config;
  const shape = [batch * views, images.height, images.width, images.channels];
  const layers = summary(() => modelOf(config, images), shape);
  const step = await stepSeconds(training);
  const { peakBytes } = backend.stats();
  const some = selectImages(
    images,
    Array.from({ length: Math.min(250, images.count) }, (_, i) => i),
  );
  const encode = () => timed(() => encodeDataset(model, some, policyOf(config)));
  await encode();
  const { seconds } = await encode();
  const features = (seconds / some.count) * (images.count + test.count);
  console.log(`
${JSON.stringify(config, null, 2)}

${formatSummary(layers)}
MFLOPs and activations are of the forward pass of one step, ${batch} x ${views} images.

stage 1   ${count(training.steps)} steps of ${(1000 * step).toFixed(0)} ms (measured): about ${duration(training.steps * step)}
stage 2   features of ${count(images.count + test.count)} images: about ${duration(features)}; then ${config.linearEpochs} epochs of the linear classifier, and k-NN
memory    ${(peakBytes / 2 ** 20).toFixed(0)} MiB of tensors at the peak of a step (measured), ${((images.images.length + test.images.length) / 2 ** 20).toFixed(0)} MiB of images`);
}

/** Median time of a step. */
async function stepSeconds(training: Pretraining): Promise<number> {
  const controller = new AbortController();
  const ends: number[] = [];
  const start = performance.now();
  await training.run({
    onStep: ({ step }) => {
      ends.push(performance.now());
      const long = performance.now() - start > 1000 * enoughSeconds;
      if (step === warmUpSteps + timedSteps || (long && step > warmUpSteps)) controller.abort();
    },
    signal: controller.signal,
  });
  const times = ends.slice(1).map((end, i) => end - (ends[i] ?? 0));
  // A training of so few steps is measured whole.
  const timed = times.length > warmUpSteps ? times.slice(warmUpSteps - 1) : [performance.now() - start];
  return (timed.sort((a, b) => a - b)[timed.length >> 1] ?? NaN) / 1000;
}

/** 83 as 1 min 23 s. */
function duration(seconds: number): string {
  const whole = Math.round(seconds);
  const [hours, minutes] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60];
  if (hours > 0) return `${hours} h ${minutes} min`;
  return minutes > 0 ? `${minutes} min ${whole % 60} s` : `${whole} s`;
}
