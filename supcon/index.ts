/**
 * Supervised contrastive learning: the loss, what it is computed on, the model that it trains and how that is evaluated.
 * Nothing here needs Node; what reads files (MNIST, checkpoints) is in `supcon/data` and `supcon/run`.
 */
export * from "./losses/index.ts";
export { chunkedBackward } from "./negatives/chunked-backward.ts";
export { MemoryQueue } from "./negatives/memory-queue.ts";
export type { MemoryQueueOptions } from "./negatives/memory-queue.ts";
export { MomentumEncoder } from "./negatives/momentum-encoder.ts";
export type { MomentumEncoderOptions } from "./negatives/momentum-encoder.ts";
export { SupConModel } from "./model.ts";
export type { EncoderName, SupConModelOptions } from "./model.ts";

export { encodeDataset, encodeViews } from "./evaluate/features.ts";
export type { EncodeOptions, Features, LabelledFeatures } from "./evaluate/features.ts";
export { knnProbabilities, knnTop1, nearestNeighbours } from "./evaluate/knn.ts";
export type { KnnOptions, Neighbour, NeighbourOptions } from "./evaluate/knn.ts";
export { classProbabilities, LinearClassifier, linearTop1, trainLinear } from "./evaluate/linear.ts";
export type { LinearClassifierOptions, LinearOptions } from "./evaluate/linear.ts";
export { trainLogistic } from "./evaluate/logistic.ts";
export type { LogisticOptions, LogisticResult } from "./evaluate/logistic.ts";
export { minimize } from "./evaluate/lbfgs.ts";
export type { Evaluated, LBFGSOptions, Minimum } from "./evaluate/lbfgs.ts";
export { nearestClassMean } from "./evaluate/nearest-mean.ts";
export type { MeanDistance } from "./evaluate/nearest-mean.ts";
export { confusionMatrix, perClassAccuracy, topK } from "./evaluate/scores.ts";
export type { Predictions } from "./evaluate/scores.ts";
export { calibration } from "./evaluate/calibration.ts";
export type { Calibration, ReliabilityBin } from "./evaluate/calibration.ts";

export {
  balancedIndices,
  channelStatistics,
  classBalancedOrder,
  DataError,
  selectImages,
} from "./data/dataset.ts";
export type { ImageDataset, ImageShape } from "./data/dataset.ts";
export { makeViews } from "./augment/views.ts";
export { cifar100Policy, cifar10Policy, digitPolicy, withoutAugmentation } from "./augment/policy.ts";
export type {
  AugmentPolicy,
  BlurRange,
  CropRange,
  CutoutSize,
  JitterRange,
  Range,
} from "./augment/policy.ts";
export { namedPolicy, policyNames } from "./augment/policies.ts";
export type { PolicyName, RandAugmentStrength } from "./augment/policies.ts";
export type { RandAugmentOptions } from "./augment/rand-augment.ts";

export {
  contrastiveLoss,
  defaultTemperatures,
  needsCentres,
  takesKeys,
  takesQueue,
} from "./training/contrastive.ts";
export type { ContrastiveLoss, ContrastiveOptions, LossContext } from "./training/contrastive.ts";
export { Objective, trainingForms } from "./training/objective.ts";
export type { ObjectiveOptions, TrainingForm, Views } from "./training/objective.ts";
