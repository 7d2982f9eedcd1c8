import type { Random } from "../../engine/random.ts";
import type { ImageShape } from "../data/dataset.ts";
import { adjustBrightness, adjustContrast, adjustSaturation } from "./colour.kernels.ts";
import { adjustSharpness } from "./filter.kernels.ts";
import { affine, fillSquare, rotation } from "./geometry.kernels.ts";
import { autoContrast, equalize, invert, posterize, solarize, solarizeAdd } from "./tone.kernels.ts";

/** Changes an image [H, W, C] of values in [0, 1] in place. What `strength` is, each operation says for itself. */
type Operation = (
  image: Float32Array,
  shape: ImageShape,
  strength: number,
  context: OperationContext,
) => void;

/** What an operation may need beside its strength. */
interface OperationContext {
  /** What comes in where nothing of the image is left, on the scale [0, 1]. */
  readonly fill: number;
  readonly random: Random;
}

/** The operations that AutoAugment and RandAugment draw from, by the papers' names. */
export const operations = {
  /** Slope: rows move by so much of their distance from the top. */
  shearX: (image, shape, slope, { fill }) => { affine(image, shape, [1, slope, 0, 0, 1, 0], fill); },
  shearY: (image, shape, slope, { fill }) => { affine(image, shape, [1, 0, 0, slope, 1, 0], fill); },
  /** Share of the side. */
  translateX: (image, shape, share, { fill }) => { affine(image, shape, [1, 0, share * shape.width, 0, 1, 0], fill); },
  translateY: (image, shape, share, { fill }) => { affine(image, shape, [1, 0, 0, 0, 1, share * shape.height], fill); },
  /** Degrees, counter-clockwise. */
  rotate: (image, shape, degrees, { fill }) => { affine(image, shape, rotation(degrees, shape), fill); },
  autoContrast: (image, { channels }) => { autoContrast(image, channels); },
  invert: (image) => { invert(image); },
  equalize: (image, { channels }) => { equalize(image, channels); },
  /** Threshold, a byte. */
  solarize: (image, _, threshold) => { solarize(image, threshold); },
  /** What is added, a byte. */
  solarizeAdd: (image, _, addition) => { solarizeAdd(image, addition); },
  /** Bits that are kept. */
  posterize: (image, _, bits) => { posterize(image, bits); },
  /** Factor; 1 changes nothing. Here and in the next three. */
  contrast: (image, { channels }, factor) => { adjustContrast(image, channels, factor); },
  /** An image of one channel has no colour to change, and stays as it is, as in PIL and torchvision. */
  color: (image, { channels }, factor) => { if (channels === 3) adjustSaturation(image, factor); },
  brightness: (image, _, factor) => { adjustBrightness(image, factor); },
  sharpness: (image, shape, factor) => { adjustSharpness(image, shape, factor); },
  /** Half the side of the square, as a share of the image's shorter side. */
  cutout: (image, shape, share, { fill, random }) => {
    const channels = new Array<number>(shape.channels).fill(fill);
    cutout(image, shape, Math.round(share * Math.min(shape.height, shape.width)), channels, random);
  },
} as const satisfies Record<string, Operation>; // prettier-ignore

/** Name of an operation. */
export type OperationName = keyof typeof operations;

/** How strong an operation is at a magnitude from 0 to 1. */
export interface StrengthRange {
  /** Whether the magnitude gets a random sign first. */
  readonly signed: boolean;
  readonly at: (magnitude: number) => number;
}

/** Applies an operation as strongly as its range says. */
export function applyOperation(
  image: Float32Array,
  shape: ImageShape,
  name: OperationName,
  { signed, at }: StrengthRange,
  magnitude: number,
  context: OperationContext,
): void {
  const strength = at(signed && context.random.uniform() < 0.5 ? -magnitude : magnitude);
  operations[name](image, shape, strength, context);
}

/**
 * Paints a square of side 2 `half` whose centre is drawn among all pixels, as far as it lies in the image (DeVries and
 * Taylor, "Improved regularization of convolutional neural networks with Cutout", 2017).
 */
export function cutout(
  image: Float32Array,
  shape: ImageShape,
  half: number,
  fill: readonly number[],
  random: Random,
): void {
  const y = random.integer(shape.height);
  const x = random.integer(shape.width);
  fillSquare(image, shape, { x, y, half }, fill);
}
