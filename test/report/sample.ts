/** A run that never was: images of one grey each, features near one axis for each class. */
import { Random } from "../../engine/random.ts";
import type { ImageDataset } from "../../supcon/data/dataset.ts";
import type { LabelledFeatures } from "../../supcon/evaluate/features.ts";
import type { CorruptionReport, Evaluation } from "../../supcon/run/evaluation.ts";
import type { RunFeatures } from "../../supcon/run/features.ts";
import type { Metrics } from "../../supcon/run/metrics.ts";
import type { TrainResult } from "../../supcon/run/result.ts";

/** Names that would do harm where they are not escaped. */
export const classes = ["<script>alert(1)</script>", '"><img src=x onerror=alert(2)>', "a & b's"];

const [height, width, channels] = [4, 3, 1];

function dataset(count: number): ImageDataset {
  const labels = Int32Array.from({ length: count }, (_, i) => i % classes.length);
  const size = height * width * channels;
  const images = Uint8Array.from({ length: count * size }, (_, i) => Math.floor(i / size) % 256);
  return { ...{ name: "grey", count, height, width, channels, classes }, images, labels };
}

/** [train, test] images. */
export const images = { train: dataset(60), test: dataset(30) };

function featuresOf({ labels, count }: ImageDataset, random: Random): LabelledFeatures {
  const length = 5;
  const values = Float32Array.from({ length: count * length }, (_, i) => {
    const isAxis = labels[Math.floor(i / length)] === i % length;
    return random.uniform(0, 0.3) + (isAxis ? 1 : 0);
  });
  return { ...{ values, count, length, labels }, classes: classes.length };
}

export const features: RunFeatures = {
  ...{ height, width, channels, classes },
  train: featuresOf(images.train, new Random(1)),
  test: featuresOf(images.test, new Random(2)),
};

export const result: TrainResult = {
  ...{ backend: "cpu", threads: 2, relaxedFma: true },
  ...{ linearTop1: 0.9, linearTop5: 1, ece: 0.05, lbfgsTop1: 0.95, knnTop1: 0.8, nearestMeanTop1: 0.7 },
  ...{ seconds: 75, pretrainSeconds: 60, loss: 2.5, imagesPerSecond: 1000, parameters: 1234, seed: 0 },
};

export const metrics: readonly Metrics[] = [1, 2, 3].map((epoch) => ({
  ...{ epoch, steps: 10 * epoch, loss: 4 - epoch, lossFloor: 1, learningRate: 0.1 / epoch },
  ...{
    alignment: 0.5,
    uniformity: -epoch,
    positiveHardness: 0.2,
    negativeHardness: 0.1,
    neighbourAccuracy: 0.7,
  },
}));

const accuracy = { top1: 0.9, top5: 1, seconds: 0.1 };
const calibrated = { ...accuracy, ece: 0.05 };

export const evaluation: Evaluation = {
  ...{ data: "grey", classes, trainImages: 60, testImages: 30 },
  linear: {
    sgd: { ...calibrated, epochs: 1 },
    lbfgs: { ...calibrated, l2: 1e-4, iterations: 7, gradientNorm: 1e-6, converged: true },
  },
  knn: { ...calibrated, k: 5 },
  ncm: { euclidean: accuracy, cosine: accuracy },
  perClass: [0.7, 1, 1],
  confusion: [[7, 3, 0], [0, 10, 0], [0, 0, 10]], // prettier-ignore
  calibration: {
    value: 0.05,
    bins: [
      { from: 0, to: 0.5, count: 0, accuracy: null, confidence: null },
      { from: 0.5, to: 1, count: 30, accuracy: 0.9, confidence: 0.85 },
    ],
  },
};

/** Errors on damaged images; all kinds have the same. */
export const corruptions = (
  errors: readonly [number, number, number, number, number],
  digest = "d",
): CorruptionReport => {
  const kind = { errors, ece: [0.1, 0.1, 0.1, 0.1, 0.1] };
  const meanError = errors.reduce((sum, error) => sum + error, 0) / 5;
  return {
    ...{ images: 30, digest, seed: 0, clean: { error: 0.1, ece: 0.05 }, seconds: 1 },
    ...{ meanError, meanIncrease: meanError - 0.1 },
    byName: {
      fog: { ...kind, group: "weather", extra: false, nonStandard: "the fog is <b>ours</b>" },
      spatter: { ...kind, group: "weather", extra: true },
    },
    bySeverity: { top1: errors.map((error) => 1 - error), ece: kind.ece },
  };
};
