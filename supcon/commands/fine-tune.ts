import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { encodeDataset } from "../evaluate/features.ts";
import { calibratedAccuracy, detailsOf } from "../evaluate/judge.ts";
import { classProbabilities } from "../evaluate/linear.ts";
import { timed } from "../evaluate/timed.ts";
import type { SupConModel } from "../model.ts";
import type { FineTuned } from "../run/evaluation.ts";
import type { RunData } from "./run-data.ts";
import type { TrainConfig } from "./options.ts";
import { Pretraining } from "./pretrain.ts";
import { progress } from "./progress.ts";
import { policyOf } from "./setup.ts";

/** How a trained encoder is trained further. */
export interface FineTuneOptions {
  readonly epochs: number;
  /** Greatest one: without warm-up it is that of the first step. */
  readonly learningRate: number;
  readonly seed: number;
}

/**
 * Fine-tuning: the encoder, from its weights on, and a new linear classifier on its features are trained together
 * with cross-entropy, on single views of the run's augmentation, by SGD and a cosine schedule. Judges the result on the test
 * images.
 */
export async function fineTune(
  config: TrainConfig,
  model: SupConModel,
  { train: images, test }: RunData,
  { epochs, learningRate, seed }: FineTuneOptions,
): Promise<FineTuned> {
  const policy = policyOf(config);
  const batch = Math.min(config.batch, images.count);
  using training = new Pretraining(model, images, {
    ...{ form: "cross-entropy", optimizer: "sgd", views: 1, policy, batch, warmup: 0 },
    ...{ epochs, learningRate, momentum: config.momentum, weightDecay: config.weightDecay },
    random: new Random(seed),
  });
  const bar = progress({ steps: training.steps, epochs, viewsPerStep: batch, done: 0 });
  const { seconds } = await timed(async () => {
    try {
      await training.run({
        onStep: (report) => { bar.onStep(report); }, // prettier-ignore
        onEpoch: (report) => { bar.onEpoch(report); }, // prettier-ignore
      });
    } finally {
      bar.stop();
    }
  });
  const { classifier } = training;
  if (!classifier) throw new ValueError("fineTune: expected a classifier beside the encoder, got none");
  const features = await encodeDataset(model, test, policy);
  const predictions = { ...features, scores: await classProbabilities(classifier, features) };
  return { ...calibratedAccuracy(predictions, seconds), ...detailsOf(predictions), epochs, learningRate };
}
