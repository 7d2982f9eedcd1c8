import { ValueError } from "../../engine/errors.ts";
import type { Random } from "../../engine/random.ts";
import { checkPositiveInteger } from "../../nn/check.ts";
import type { ImageDataset, ImageShape } from "../data/dataset.ts";
import { autoAugment } from "./auto-augment.ts";
import {
  adjustBrightness,
  adjustContrast,
  adjustHue,
  adjustSaturation,
  bytesToUnit,
  normalize,
  toGrayscale,
} from "./colour.kernels.ts";
import { sampleCrop } from "./crop.ts";
import { gaussianBlur } from "./filter.kernels.ts";
import { flipHorizontal, resizedCrop } from "./geometry.kernels.ts";
import { cutout } from "./operations.ts";
import type { AugmentPolicy, BlurRange, JitterRange } from "./policy.ts";
import { checkPolicy } from "./policy.ts";
import { randAugment } from "./rand-augment.ts";

/**
 * Draws `views` random views of each image at `indices`: [N, V, H, W, C], row-major, normalised.
 *
 * View v of image i depends only on (random's state, i, v), and `random` is not advanced: pass one fork per
 * epoch, and the result is the same whatever the batch size and the order of the batches. Throws ValueError
 * for a policy that does not fit the images, an index outside the data set, or fewer than 1 view.
 */
export function makeViews(
  dataset: ImageDataset,
  indices: ArrayLike<number> & Iterable<number>,
  views: number,
  policy: AugmentPolicy,
  random: Random,
): Float32Array<ArrayBuffer> {
  checkPolicy(policy, dataset.channels);
  checkPositiveInteger("makeViews", "views", views);
  const size = dataset.height * dataset.width * dataset.channels;
  const output = new Float32Array(indices.length * views * size);
  const image = new Float32Array(size);
  let offset = 0;
  for (const index of indices) {
    if (!Number.isInteger(index) || index < 0 || index >= dataset.count) {
      throw new ValueError(`makeViews: expected indices in [0, ${dataset.count}), got ${index}`);
    }
    bytesToUnit(dataset.images.subarray(index * size, (index + 1) * size), image);
    const ofImage = random.fork(index);
    for (let v = 0; v < views; v++, offset += size) {
      augment(image, dataset, policy, ofImage.fork(v), output.subarray(offset, offset + size));
    }
  }
  return output;
}

/** One random view of `image` ([H, W, C] in [0, 1], left as it is), written to `output` of the same shape. */
export function augment(
  image: Float32Array,
  shape: ImageShape,
  policy: AugmentPolicy,
  random: Random,
  output: Float32Array,
): void {
  if (policy.crop) {
    const box = sampleCrop(shape.height, shape.width, policy.crop, random);
    resizedCrop(image, shape, box, output, shape);
  } else {
    output.set(image);
  }
  if (random.uniform() < policy.flip) flipHorizontal(output, shape);
  if (policy.jitter && random.uniform() < policy.jitter.probability) {
    jitter(output, shape.channels, policy.jitter, random);
  }
  if (policy.autoAugment) autoAugment(output, shape, policy.autoAugment.fill, random);
  if (policy.randAugment) randAugment(output, shape, policy.randAugment, random);
  if (random.uniform() < policy.grayscale) toGrayscale(output);
  if (policy.blur && random.uniform() < policy.blur.probability) blur(output, shape, policy.blur, random);
  if (policy.cutout) {
    const side = policy.cutout.side * Math.min(shape.height, shape.width);
    cutout(output, shape, Math.round(side / 2), policy.mean, random);
  }
  normalize(output, policy.mean, policy.std);
}

const JITTERS = ["brightness", "contrast", "saturation", "hue"] as const;

/** ColorJitter: the operations of non-zero strength, each once, in random order. */
function jitter(image: Float32Array, channels: number, range: JitterRange, random: Random): void {
  const order = [...JITTERS];
  random.shuffle(order);
  for (const operation of order) {
    const strength = range[operation];
    if (strength === 0) continue;
    const factor = random.uniform(Math.max(0, 1 - strength), 1 + strength);
    switch (operation) {
      case "brightness":
        adjustBrightness(image, factor);
        break;
      case "contrast":
        adjustContrast(image, channels, factor);
        break;
      case "saturation":
        adjustSaturation(image, factor);
        break;
      case "hue":
        adjustHue(image, factor - 1); // strength <= 1/2, so this is uniform on [-strength, strength]
        break;
    }
  }
}

function blur(image: Float32Array, shape: ImageShape, { sigma }: BlurRange, random: Random): void {
  const radius = Math.floor(Math.floor(Math.min(shape.height, shape.width) / 10) / 2);
  gaussianBlur(image, shape, radius, random.uniform(...sigma));
}
