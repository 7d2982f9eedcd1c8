/**
 * RandAugment (Cubuk et al., 2020) as TensorFlow's official models have it, which is what the authors' SupCon runs used:
 * 16 operations and the identity, equally often, each at the same magnitude.
 */
import type { Random } from "../../engine/random.ts";
import type { ImageShape } from "../data/dataset.ts";
import { applyOperation } from "./operations.ts";
import type { OperationName, StrengthRange } from "./operations.ts";

/** How RandAugment is applied. */
export interface RandAugmentOptions {
  /** Operations in a row, each drawn anew. The paper's N. */
  readonly layers: number;
  /** Strength of all operations, from 0 to 10. The paper's M. */
  readonly magnitude: number;
  /** What comes in at the borders, and into cut-out squares, on the scale [0, 1]. */
  readonly fill: number;
}

/** The greatest magnitude. */
export const MAX_MAGNITUDE = 10;

/**
 * Strengths, from magnitude 0 to 1 (10), or -1 where the sign is random. Distances are the official ones, which are pixels
 * of 224, as shares of the side. Posterize and solarize grow weaker with the magnitude, and solarize does nothing at 10: so
 * it is in the official code.
 */
const enhance: StrengthRange = { signed: false, at: (m) => 1.8 * m + 0.1 };
const shear: StrengthRange = { signed: true, at: (m) => 0.3 * m };
const translate: StrengthRange = { signed: true, at: (m) => (100 / 224) * m };
const none: StrengthRange = { signed: false, at: () => 0 };
export const randAugmentOperations = [
  ["autoContrast", none],
  ["equalize", none],
  ["invert", none],
  ["rotate", { signed: true, at: (m) => 30 * m }],
  ["posterize", { signed: false, at: (m) => Math.floor(4 * m) }],
  ["solarize", { signed: false, at: (m) => Math.floor(256 * m) }],
  ["color", enhance],
  ["contrast", enhance],
  ["brightness", enhance],
  ["sharpness", enhance],
  ["shearX", shear],
  ["shearY", shear],
  ["translateX", translate],
  ["translateY", translate],
  ["cutout", { signed: false, at: (m) => (40 / 224) * m }],
  ["solarizeAdd", { signed: false, at: (m) => Math.floor(110 * m) }],
] as const satisfies readonly (readonly [OperationName, StrengthRange])[];

/** Applies as many operations in a row as there are layers. */
export function randAugment(
  image: Float32Array,
  shape: ImageShape,
  { layers, magnitude, fill }: RandAugmentOptions,
  random: Random,
): void {
  for (let layer = 0; layer < layers; layer++) {
    const drawn = randAugmentOperations[random.integer(randAugmentOperations.length + 1)];
    if (drawn === undefined) continue; // one more than there are: the identity
    const [name, range] = drawn;
    applyOperation(image, shape, name, range, magnitude / MAX_MAGNITUDE, { fill, random });
  }
}
