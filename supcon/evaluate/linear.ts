import { backward, noGrad } from "../../engine/autograd.ts";
import type { Elements } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import type { Numbers } from "../../engine/kernel.ts";
import { Random } from "../../engine/random.ts";
import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { argMax, crossEntropy, gather, mul, softmax, sub } from "../../kernels/index.ts";
import { checkPositiveInteger } from "../../nn/check.ts";
import { buffer, Linear, Module } from "../../nn/index.ts";
import type { Schedule } from "../../nn/index.ts";
import { optimizers } from "../training/optimizers.ts";
import type { OptimizerName } from "../training/optimizers.ts";
import { scheduleOf } from "../training/schedules.ts";
import { checkFeatures } from "./features.ts";
import type { Features, LabelledFeatures } from "./features.ts";

/** Options of {@link trainLinear}. */
export interface LinearOptions {
  /** Passes over the training features. Default 20. */
  readonly epochs?: number;
  /** Default 250; the last one of an epoch may be smaller. */
  readonly batchSize?: number;
  /** Default sgd. */
  readonly optimizer?: OptimizerName;
  /** Greatest learning rate: that after the warm-up. Default 0.1. */
  readonly lr?: number;
  /** Of those that have one. Default 0.9. */
  readonly momentum?: number;
  /** Default 0. */
  readonly weightDecay?: number;
  /** What the learning rate does: see `scheduleOf`. Default cosine. */
  readonly schedule?: string;
  /** Epochs of linear warm-up from 0; may be a fraction. Default 0. */
  readonly warmup?: number;
  /** Of the cross-entropy. Default 0. */
  readonly labelSmoothing?: number;
  /** Whether features are brought to mean 0 and standard deviation 1. Default true. */
  readonly standardize?: boolean;
  /** Features of other views of the training images, for each epoch from 0 on. Default: the same ones in all epochs. */
  readonly views?: (epoch: number) => Promise<LabelledFeatures>;
  /** Seed of the initial weights and of the order of the batches. Default 0. */
  readonly seed?: number;
  /** Called after each epoch, with its number from 1. What it throws ends the training. */
  readonly onEpoch?: (epoch: number, meanLoss: number) => Promise<void> | void;
}

/** Options of {@link LinearClassifier}. */
export interface LinearClassifierOptions {
  /** Length of a feature vector. */
  readonly features: number;
  readonly classes: number;
  /** Where the initial weights are drawn from. */
  readonly random: Random;
  /** [features] each: what is subtracted from a feature vector, and what it is then multiplied with. Default 0 and 1. */
  readonly mean?: Numbers;
  readonly scale?: Numbers;
}

/** Softmax regression on feature vectors that are first shifted and scaled. */
export class LinearClassifier extends Module {
  readonly mean: Tensor;
  readonly scale: Tensor;
  readonly linear: Linear;

  /** Throws ValueError for sizes that are not positive integers. */
  constructor({ features, classes, random, mean, scale }: LinearClassifierOptions) {
    super();
    this.linear = new Linear(features, classes, { random });
    this.mean = buffer([features], mean ?? new Float32Array(features));
    this.scale = buffer([features], scale ?? new Float32Array(features).fill(1));
  }

  /** The features [count, features] that the linear layer sees. */
  standardize(x: Tensor): Tensor {
    return mul(sub(x, this.mean), this.scale);
  }

  /** Logits [count, classes] of features [count, features]. */
  override forward(x: Tensor): Tensor {
    return this.linear.forward(this.standardize(x));
  }

  /** The probability of each class, as {@link classProbabilities}. */
  probabilities(features: Features): Promise<Elements> {
    return classProbabilities(this, features);
  }
}

/**
 * The probability of each class, [count, classes], row-major, by a module that makes logits of features. Throws ShapeError
 * for features of another length.
 */
export async function classProbabilities(classifier: Module, features: Features): Promise<Elements> {
  using result = noGrad(() => scope(() => softmax(classifier.forward(toTensor(features)), 1)));
  return await result.data();
}

const defaults = {
  ...{ epochs: 20, batchSize: 250, optimizer: "sgd" as const, lr: 0.1, momentum: 0.9, weightDecay: 0 },
  ...{ schedule: "cosine", warmup: 0, labelSmoothing: 0, standardize: true, seed: 0 },
};

/** The learning rate of step 0, 1, ... of {@link trainLinear} on `count` vectors. Throws ValueError as `scheduleOf` does. */
export function linearSchedule(count: number, options: LinearOptions): Schedule {
  const { epochs, batchSize, lr: peak, schedule, warmup } = { ...defaults, ...options };
  const stepsPerEpoch = Math.ceil(count / batchSize);
  return scheduleOf(schedule, { peak, epochs, stepsPerEpoch, warmup, start: 0, firstStep: 0 });
}

/**
 * Trains a linear classifier on frozen features. Each feature is first brought to mean 0 and standard deviation 1 over the
 * training vectors: an invertible linear map, which changes no classifier but lets one learning rate do for all encoders.
 *
 * Throws ValueError for options out of their range, or features that do not fit their labels.
 */
export async function trainLinear(
  train: LabelledFeatures,
  options: LinearOptions = {},
): Promise<LinearClassifier> {
  const { epochs, batchSize, lr, momentum, weightDecay, ...rest } = { ...defaults, ...options };
  const { optimizer: name, labelSmoothing, standardize, seed, onEpoch } = rest;
  const { views = () => Promise.resolve(train) } = options;
  checkFeatures("trainLinear", "training", train);
  checkPositiveInteger("trainLinear", "epochs", epochs);
  checkPositiveInteger("trainLinear", "batchSize", batchSize);
  const random = new Random(seed);
  const { length: features, classes } = train;
  const shifts = standardize ? standardization(train) : {};
  const classifier = new LinearClassifier({ features, classes, random, ...shifts });
  try {
    using optimizer = optimizers[name](classifier.namedParameters(), { lr, momentum, weightDecay });
    const batches = Math.ceil(train.count / batchSize);
    const schedule = linearSchedule(train.count, options);

    for (let epoch = 0; epoch < epochs; epoch++) {
      const seen = await views(epoch);
      using x = noGrad(() => scope(() => classifier.standardize(toTensor(seen))));
      const order = random.permutation(train.count);
      let total = 0;
      for (let batch = 0; batch < batches; batch++) {
        const indices = order.subarray(batch * batchSize, (batch + 1) * batchSize);
        const labels = indices.map((i) => seen.labels[i] ?? 0);
        optimizer.lr = schedule(epoch * batches + batch);
        using loss = scope(() => {
          const logits = classifier.linear.forward(gather(x, indices, 0));
          const value = crossEntropy(logits, labels, { labelSmoothing });
          backward(value);
          optimizer.step();
          optimizer.zeroGrad();
          return value;
        });
        total += (await loss.item()) * indices.length;
      }
      await onEpoch?.(epoch + 1, total / train.count);
    }
    return classifier;
  } catch (error) {
    classifier.dispose();
    throw error;
  }
}

/**
 * Top-1 accuracy, in [0, 1], of a module that makes logits of features: how often the greatest is the label's. Throws
 * ValueError for features that do not fit their labels, ShapeError if they do not fit the classifier.
 */
export async function linearTop1(classifier: Module, test: LabelledFeatures): Promise<number> {
  checkFeatures("linearTop1", "test", test);
  using predicted = noGrad(() => scope(() => argMax(classifier.forward(toTensor(test)), 1)));
  const classes = await predicted.data();
  return test.labels.reduce((correct, label, i) => correct + (classes[i] === label ? 1 : 0), 0) / test.count;
}

/** [count, length] */
export const toTensor = ({ values, count, length }: Features): Tensor => tensor(values, [count, length]);

/** Mean and 1 / standard deviation of each feature; of constant ones the scale is 0. */
export function standardization({ values, count, length }: Features): { mean: Numbers; scale: Numbers } {
  const [mean, variance] = [new Float64Array(length), new Float64Array(length)];
  const forEach = (f: (value: number, feature: number) => void): void => {
    for (let i = 0; i < count * length; i++) f(values[i] ?? 0, i % length);
  };
  forEach((value, k) => (mean[k] = (mean[k] ?? 0) + value / count));
  forEach((value, k) => (variance[k] = (variance[k] ?? 0) + (value - (mean[k] ?? 0)) ** 2 / count));
  return { mean, scale: variance.map((v) => (v > 0 ? 1 / Math.sqrt(v) : 0)) };
}
