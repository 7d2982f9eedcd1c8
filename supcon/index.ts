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

export { encodeDataset } from "./evaluate/features.ts";
export type { Features, LabelledFeatures } from "./evaluate/features.ts";
export { knnTop1, nearestNeighbours } from "./evaluate/knn.ts";
export type { KnnOptions, Neighbour, NeighbourOptions } from "./evaluate/knn.ts";
export { LinearClassifier, linearTop1, trainLinear } from "./evaluate/linear.ts";
export type { LinearClassifierOptions, LinearOptions } from "./evaluate/linear.ts";

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
export type { AugmentPolicy, CropRange, JitterRange, Range } from "./augment/policy.ts";

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
