import { backward } from "../../engine/autograd.ts";
import { tensor } from "../../engine/create.ts";
import { SpheregradError, ValueError } from "../../engine/errors.ts";
import type { Random } from "../../engine/random.ts";
import { scope } from "../../engine/scope.ts";
import { reshape } from "../../kernels/index.ts";
import { cosineSchedule, SGD } from "../../nn/index.ts";
import type { AugmentPolicy } from "../augment/policy.ts";
import { makeViews } from "../augment/views.ts";
import type { ImageDataset } from "../data/dataset.ts";
import { supConLoss } from "../losses/index.ts";
import type { SupConModel } from "../model.ts";

/** The loss is no number any more: the weights are lost. */
export class DivergedError extends SpheregradError {}

/** How stage 1 is run. */
export interface PretrainOptions {
  readonly epochs: number;
  /** Images in a batch. What an epoch has left over waits for another one, whose order is another. */
  readonly batch: number;
  /** Random views of each image. */
  readonly views: number;
  readonly policy: AugmentPolicy;
  /** Greatest learning rate: that at the end of the warm-up. */
  readonly learningRate: number;
  readonly momentum: number;
  readonly weightDecay: number;
  /** Epochs of linear warm-up, before the cosine; may be a fraction. */
  readonly warmup: number;
  readonly temperature: number;
  /** Where the order of the images and the views are drawn from. */
  readonly random: Random;
}

/** What is known after a step. */
export interface StepReport {
  /** From 1. */
  readonly step: number;
  readonly epoch: number;
  readonly loss: number;
}

/** What is known after an epoch. */
export interface EpochReport {
  /** From 1. */
  readonly epoch: number;
  /** Steps so far. */
  readonly steps: number;
  /** Mean over the epoch's steps. */
  readonly loss: number;
  /** Of the last step. */
  readonly learningRate: number;
  /** Views that went forward and back in a second. */
  readonly imagesPerSecond: number;
  readonly seconds: number;
}

/** Called as the training goes on. */
export interface PretrainHooks {
  readonly onStep?: (report: StepReport) => void;
  readonly onEpoch?: (report: EpochReport) => Promise<void> | void;
}

/** Steps in an epoch: whole batches only, since the loss of a small batch means something else. */
export const stepsPerEpoch = (images: number, batch: number): number => Math.floor(images / batch);

/**
 * Stage 1: trains encoder and head with the supervised contrastive loss. The same random state gives the same weights,
 * whatever the number of threads. Throws DivergedError at the first loss that is not finite, ValueError if the data set
 * has fewer images than a batch.
 */
export async function pretrain(
  model: SupConModel,
  dataset: ImageDataset,
  options: PretrainOptions,
  { onStep, onEpoch }: PretrainHooks = {},
): Promise<void> {
  const { epochs, batch, views, policy, temperature, random, learningRate, warmup } = options;
  const steps = stepsPerEpoch(dataset.count, batch);
  if (steps === 0) {
    throw new ValueError(`pretrain: expected a batch of at most ${dataset.count} images, got ${batch}`);
  }
  // Steps 1 ... T of a schedule that is 0 at 0 and at T + 1, so that no step is in vain.
  const schedule = cosineSchedule({
    peak: learningRate,
    steps: epochs * steps + 1,
    warmupSteps: Math.min(epochs * steps, Math.round(warmup * steps)),
  });
  const { momentum, weightDecay } = options;
  using optimizer = new SGD(model.namedParameters(), { lr: learningRate, momentum, weightDecay });
  const { height, width, channels } = dataset;
  model.train();

  for (let epoch = 0; epoch < epochs; epoch++) {
    const started = performance.now();
    const ofEpoch = random.fork(epoch);
    // Not from ofEpoch itself: what is drawn from it would change the views, which fork from its state.
    const order = random.fork(epoch).permutation(dataset.count);
    let total = 0;
    for (let i = 0; i < steps; i++) {
      const step = epoch * steps + i;
      const indices = order.subarray(i * batch, (i + 1) * batch);
      const images = makeViews(dataset, indices, views, policy, ofEpoch);
      const labels = indices.map((index) => dataset.labels[index] ?? 0);
      optimizer.lr = schedule(step + 1);
      using loss = scope(() => {
        const projections = model.forward(tensor(images, [batch * views, height, width, channels]));
        const value = supConLoss(reshape(projections, [batch, views, model.dim]), labels, { temperature });
        backward(value);
        optimizer.step();
        optimizer.zeroGrad();
        return value;
      });
      const value = await loss.item();
      if (!Number.isFinite(value)) throw diverged(value, step + 1, epoch + 1, options);
      total += value;
      onStep?.({ step: step + 1, epoch: epoch + 1, loss: value });
    }
    const seconds = (performance.now() - started) / 1000;
    await onEpoch?.({
      epoch: epoch + 1,
      steps: (epoch + 1) * steps,
      loss: total / steps,
      learningRate: optimizer.lr,
      imagesPerSecond: (steps * batch * views) / seconds,
      seconds,
    });
  }
}

function diverged(loss: number, step: number, epoch: number, options: PretrainOptions): DivergedError {
  const { learningRate, warmup, temperature } = options;
  return new DivergedError(
    `train: expected a finite loss, got ${loss} at step ${step} (epoch ${epoch}); likely causes: a learning rate too high ` +
      `(${learningRate}), a warm-up too short (${warmup} epochs), a temperature too low (${temperature})`,
  );
}
