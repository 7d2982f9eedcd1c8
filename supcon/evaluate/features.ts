import { noGrad } from "../../engine/autograd.ts";
import { tensor } from "../../engine/create.ts";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { scope } from "../../engine/scope.ts";
import { checkPositiveInteger } from "../../nn/check.ts";
import { withoutAugmentation } from "../augment/policy.ts";
import type { AugmentPolicy } from "../augment/policy.ts";
import { makeViews } from "../augment/views.ts";
import type { ImageDataset } from "../data/dataset.ts";
import type { SupConModel } from "../model.ts";

/** Feature vectors on the host. */
export interface Features {
  /** [count, length], row-major. */
  readonly values: Float32Array;
  readonly count: number;
  readonly length: number;
}

/** Feature vectors with their labels. */
export interface LabelledFeatures extends Features {
  /** [count], each in 0 ... classes-1. */
  readonly labels: Int32Array;
  readonly classes: number;
}

/** Options of {@link encodeDataset} and {@link encodeViews}. */
export interface EncodeOptions {
  /** Images that are encoded at a time. Default 250. */
  readonly batchSize?: number;
  /** Called after each batch, with the number of images so far. What it throws ends the work. */
  readonly onBatch?: (done: number) => Promise<void> | void;
}

/** Encodes a data set as it is: normalised by the policy, not augmented. Throws as {@link encodeViews} does. */
export const encodeDataset = (
  model: SupConModel,
  dataset: ImageDataset,
  policy: AugmentPolicy,
  options?: EncodeOptions,
): Promise<LabelledFeatures> =>
  // Nothing is drawn at random where nothing is augmented.
  encodeViews(model, dataset, withoutAugmentation(policy), new Random(0), options);

/**
 * Encodes one view of each image of a data set with the model in evaluation mode. Its modules are left in the modes in which
 * they were. Throws ValueError for a bad batch size or a policy that does not fit the images.
 */
export async function encodeViews(
  model: SupConModel,
  dataset: ImageDataset,
  policy: AugmentPolicy,
  random: Random,
  { batchSize = 250, onBatch }: EncodeOptions = {},
): Promise<LabelledFeatures> {
  checkPositiveInteger("encodeDataset", "batchSize", batchSize);
  const { count, height, width, channels, labels, classes } = dataset;
  const values = new Float32Array(count * model.features);
  const modes = [...model.namedModules().values()].map((module) => [module, module.training] as const);
  model.eval();
  try {
    for (let start = 0; start < count; start += batchSize) {
      const size = Math.min(batchSize, count - start);
      const indices = Int32Array.from({ length: size }, (_, i) => start + i);
      const images = makeViews(dataset, indices, 1, policy, random);
      using features = noGrad(() =>
        scope(() => model.encode(tensor(images, [size, height, width, channels]))),
      );
      values.set(await features.data(), start * model.features);
      await onBatch?.(start + size);
    }
  } finally {
    // Parents come first: each of their modules gets its own mode after them.
    for (const [module, wasTraining] of modes) module.train(wasTraining);
  }
  return { values, count, length: model.features, labels, classes: classes.length };
}

/** Throws ValueError unless there are features, each with a label in its range. `what` names them. */
export function checkFeatures(who: string, what: string, features: LabelledFeatures): void {
  const { count, length, values, labels, classes } = features;
  if (count < 1) throw new ValueError(`${who}: expected at least one of the ${what} features, got ${count}`);
  if (values.length !== count * length || labels.length !== count) {
    throw new ValueError(
      `${who}: expected ${count} ${what} features of ${length} numbers with a label each, ` +
        `got ${values.length} numbers and ${labels.length} labels`,
    );
  }
  const odd = labels.find((label) => !(label >= 0 && label < classes));
  if (odd === undefined) return;
  throw new ValueError(`${who}: expected labels of ${what} features below ${classes}, got ${odd}`);
}

/** Throws ValueError unless both are features of one encoder and one set of classes. */
export function checkComparable(who: string, train: LabelledFeatures, test: LabelledFeatures): void {
  checkFeatures(who, "training", train);
  checkFeatures(who, "test", test);
  if (train.length === test.length && train.classes === test.classes) return;
  throw new ValueError(
    `${who}: expected features of one length and one set of classes, got ${train.length} and ${test.length} numbers, ` +
      `${train.classes} and ${test.classes} classes`,
  );
}
