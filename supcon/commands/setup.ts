/** What a run is made of, by its options. */
import { Random } from "../../engine/random.ts";
import { defaultPolicies } from "../augment/defaults.ts";
import { namedPolicy } from "../augment/policies.ts";
import { scaleJitter } from "../augment/policy.ts";
import type { AugmentPolicy } from "../augment/policy.ts";
import type { ImageDataset, ImageShape } from "../data/dataset.ts";
import { dataKind } from "../data/names.ts";
import { encodeViews } from "../evaluate/features.ts";
import type { OnWork } from "../evaluate/judge.ts";
import type { LinearOptions } from "../evaluate/linear.ts";
import { SupConModel } from "../model.ts";
import { loadRunData } from "./run-data.ts";
import type { RunData } from "./run-data.ts";
import type { TrainConfig } from "./options.ts";
import { Pretraining } from "./pretrain.ts";

/** Everything random in a run comes from forks of its seed, so that no part shifts another's numbers. */
const STREAM = { data: 0, model: 1, training: 2, linearViews: 3 } as const;

const streamOf = ({ seed }: TrainConfig, stream: keyof typeof STREAM): Random =>
  new Random(seed).fork(STREAM[stream]);

/** The images. Throws DataError for data that is missing or damaged, or too few images. */
export const dataOf = (config: TrainConfig): Promise<RunData> =>
  loadRunData(config, streamOf(config, "data"));

/** Images with a shorter side have no pixels to lose before the first stage. */
const IMAGENET_STEM_FROM = 64;

/** The model, with initial weights. */
export const modelOf = (config: TrainConfig, { height, width, channels }: ImageShape): SupConModel =>
  new SupConModel({
    random: streamOf(config, "model"),
    encoder: config.model,
    width: config.width,
    stem: config.stem ?? (Math.min(height, width) < IMAGENET_STEM_FROM ? "cifar" : "imagenet"),
    inChannels: channels,
    dim: config.dim,
    head: config.head,
    normalizeRepresentation: config.normalizeRepresentation,
  });

/** How images are augmented and normalised. */
export function policyOf(config: TrainConfig, policy = config.policy): AugmentPolicy {
  const { data, crop, jitter, randLayers, randMagnitude } = config;
  const usual = defaultPolicies[dataKind(data)];
  const own = {
    ...usual,
    crop: crop < 1 && usual.crop ? { ...usual.crop, area: [crop, 1] as const } : null,
    jitter: usual.jitter && scaleJitter(usual.jitter, jitter),
  };
  return namedPolicy(policy, own, { layers: randLayers, magnitude: randMagnitude });
}

/** How the linear classifier of stage 2 is trained. */
export const linearOf = (config: TrainConfig) => ({
  ...{ epochs: config.linearEpochs, batchSize: config.linearBatch, seed: config.seed },
  ...{ optimizer: config.linearOptimizer, lr: config.linearLearningRate, momentum: config.linearMomentum },
  ...{ weightDecay: config.linearWeightDecay, schedule: config.linearSchedule, warmup: config.linearWarmup },
  ...{ labelSmoothing: config.linearLabelSmoothing, standardize: !config.linearRawFeatures },
});

/** And on which views, where not on the images as they are. */
export function linearViewsOf(
  config: TrainConfig,
  model: SupConModel,
  images: ImageDataset,
  onWork: OnWork,
): Pick<LinearOptions, "views"> {
  if (config.linearPolicy === "none") return {};
  const policy = policyOf(config, config.linearPolicy);
  const random = streamOf(config, "linearViews");
  const onBatch = (epoch: number) => (done: number) =>
    onWork(`linear classifier, epoch ${epoch + 1}: ${done} of ${images.count} images`);
  return {
    views: (epoch) => encodeViews(model, images, policy, random.fork(epoch), { onBatch: onBatch(epoch) }),
  };
}

/** Stage 1. Throws ValueError for options that do not fit each other. */
export const trainingOf = (config: TrainConfig, model: SupConModel, images: ImageDataset): Pretraining =>
  new Pretraining(model, images, {
    ...config,
    scale: typeof config.scale === "number" ? { base: config.scale } : config.scale,
    policy: policyOf(config),
    random: streamOf(config, "training"),
    makeModel: () => modelOf(config, images),
  });
