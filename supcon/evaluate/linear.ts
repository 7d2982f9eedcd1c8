import { backward, noGrad } from "../../engine/autograd.ts";
import { tensor } from "../../engine/create.ts";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { argMax, crossEntropy, gather } from "../../kernels/index.ts";
import { cosineSchedule, Linear, SGD } from "../../nn/index.ts";
import { checkComparable } from "./features.ts";
import type { LabelledFeatures } from "./features.ts";

/** Options of {@link linearTop1}. */
export interface LinearOptions {
  /** Passes over the training features. Default 20. */
  readonly epochs?: number;
  readonly batchSize?: number;
  /** Greatest learning rate, of a cosine schedule. Default 0.1. */
  readonly lr?: number;
  /** Default 0.9. */
  readonly momentum?: number;
  /** Default 0: the linear stages of the paper have none. */
  readonly weightDecay?: number;
  /** Seed of the initial weights and of the order of the batches. Default 0. */
  readonly seed?: number;
  /** Called after each epoch, with its number from 1. */
  readonly onEpoch?: (epoch: number, meanLoss: number) => void;
}

/**
 * Trains a linear classifier on frozen features and returns its top-1 accuracy on the test features, in [0, 1], after
 * the last epoch. Softmax regression by SGD with momentum. Each feature is first shifted and scaled to mean 0 and
 * standard deviation 1 over the training vectors: an invertible linear map, which changes no classifier but lets one
 * learning rate do for all encoders.
 *
 * Throws ValueError for options out of their range, or features that do not fit each other.
 */
export async function linearTop1(
  train: LabelledFeatures,
  test: LabelledFeatures,
  options: LinearOptions = {},
): Promise<number> {
  const {
    epochs = 20,
    batchSize = 250,
    lr = 0.1,
    momentum = 0.9,
    weightDecay = 0,
    seed = 0,
    onEpoch,
  } = options;
  checkComparable("linearTop1", train, test);
  for (const [name, value] of Object.entries({ epochs, batchSize })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new ValueError(`linearTop1: expected ${name} to be a positive integer, got ${value}`);
  }
  const random = new Random(seed);
  const standardize = standardization(train);
  using features = standardize(train);
  using classifier = new Linear(train.length, train.classes, { random });
  using optimizer = new SGD(classifier.namedParameters(), { lr, momentum, weightDecay });
  const batches = Math.ceil(train.count / batchSize);
  const schedule = cosineSchedule({ peak: lr, steps: epochs * batches });

  for (let epoch = 0; epoch < epochs; epoch++) {
    const order = random.permutation(train.count);
    let total = 0;
    for (let batch = 0; batch < batches; batch++) {
      const indices = order.subarray(batch * batchSize, (batch + 1) * batchSize);
      const labels = indices.map((i) => train.labels[i] ?? 0);
      optimizer.lr = schedule(epoch * batches + batch);
      using loss = scope(() => {
        const value = crossEntropy(classifier.forward(gather(features, indices, 0)), labels);
        backward(value);
        optimizer.step();
        optimizer.zeroGrad();
        return value;
      });
      total += (await loss.item()) * indices.length;
    }
    onEpoch?.(epoch + 1, total / train.count);
  }

  using held = standardize(test);
  using predicted = noGrad(() => scope(() => argMax(classifier.forward(held), 1)));
  const classes = await predicted.data();
  return test.labels.reduce((correct, label, i) => correct + (classes[i] === label ? 1 : 0), 0) / test.count;
}

/** x -> (x - mean) / std, with mean and standard deviation of each feature over `features`; constant ones become 0. */
function standardization({ values, count, length }: LabelledFeatures): (of: LabelledFeatures) => Tensor {
  const [mean, variance] = [new Float64Array(length), new Float64Array(length)];
  const forEach = (f: (value: number, feature: number) => void): void => {
    for (let i = 0; i < count * length; i++) f(values[i] ?? 0, i % length);
  };
  forEach((value, k) => (mean[k] = (mean[k] ?? 0) + value / count));
  forEach((value, k) => (variance[k] = (variance[k] ?? 0) + (value - (mean[k] ?? 0)) ** 2 / count));
  const scale = variance.map((v) => (v > 0 ? 1 / Math.sqrt(v) : 0));
  return (of) => {
    const scaled = of.values.map((value, i) => (value - (mean[i % length] ?? 0)) * (scale[i % length] ?? 0));
    return tensor(scaled, [of.count, length]);
  };
}
