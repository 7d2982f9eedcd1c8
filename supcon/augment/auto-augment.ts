/** AutoAugment (Cubuk et al., CVPR 2019), the policy that was found for CIFAR-10. */
import type { Random } from "../../engine/random.ts";
import type { ImageShape } from "../data/dataset.ts";
import { applyOperation } from "./operations.ts";
import type { OperationName, StrengthRange } from "./operations.ts";

/** Levels of the table go from 0 to this. */
const MAX_LEVEL = 9;

/** Strengths, from magnitude 0 to 1 (level 9), or -1 where the sign is random. */
const enhance: StrengthRange = { signed: true, at: (m) => 1 + 0.9 * m };
const shear: StrengthRange = { signed: true, at: (m) => 0.3 * m };
const translate: StrengthRange = { signed: true, at: (m) => (150 / 331) * m };
const none: StrengthRange = { signed: false, at: () => 0 };
const ranges = {
  shearX: shear,
  shearY: shear,
  translateX: translate,
  translateY: translate,
  rotate: { signed: true, at: (m) => 30 * m },
  color: enhance,
  contrast: enhance,
  brightness: enhance,
  sharpness: enhance,
  posterize: { signed: false, at: (m) => Math.round(8 - 4 * m) },
  solarize: { signed: false, at: (m) => 256 - 256 * m },
  autoContrast: none,
  equalize: none,
  invert: none,
} as const satisfies Partial<Record<OperationName, StrengthRange>>;

/** Operation, probability, level (left out where the operation has no strength). */
type Step = readonly [operation: keyof typeof ranges, probability: number, level?: number];

/** The 25 sub-policies of CIFAR-10 (table 7 of the paper, as in the public codes). */
export const cifar10SubPolicies = [
  [["invert", 0.1], ["contrast", 0.2, 6]],
  [["rotate", 0.7, 2], ["translateX", 0.3, 9]],
  [["sharpness", 0.8, 1], ["sharpness", 0.9, 3]],
  [["shearY", 0.5, 8], ["translateY", 0.7, 9]],
  [["autoContrast", 0.5], ["equalize", 0.9]],
  [["shearY", 0.2, 7], ["posterize", 0.3, 7]],
  [["color", 0.4, 3], ["brightness", 0.6, 7]],
  [["sharpness", 0.3, 9], ["brightness", 0.7, 9]],
  [["equalize", 0.6], ["equalize", 0.5]],
  [["contrast", 0.6, 7], ["sharpness", 0.6, 5]],
  [["color", 0.7, 7], ["translateX", 0.5, 8]],
  [["equalize", 0.3], ["autoContrast", 0.4]],
  [["translateY", 0.4, 3], ["sharpness", 0.2, 6]],
  [["brightness", 0.9, 6], ["color", 0.2, 8]],
  [["solarize", 0.5, 2], ["invert", 0]],
  [["equalize", 0.2], ["autoContrast", 0.6]],
  [["equalize", 0.2], ["equalize", 0.6]],
  [["color", 0.9, 9], ["equalize", 0.6]],
  [["autoContrast", 0.8], ["solarize", 0.2, 8]],
  [["brightness", 0.1, 3], ["color", 0.7, 0]],
  [["solarize", 0.4, 5], ["autoContrast", 0.9]],
  [["translateY", 0.9, 9], ["translateY", 0.7, 9]],
  [["autoContrast", 0.9], ["solarize", 0.8, 3]],
  [["equalize", 0.8], ["invert", 0.1]],
  [["translateY", 0.7, 9], ["autoContrast", 0.9]],
] as const satisfies readonly (readonly [Step, Step])[]; // prettier-ignore

/** Draws a sub-policy and applies its two steps, each with its probability. `fill` is what comes in at the borders. */
export function autoAugment(image: Float32Array, shape: ImageShape, fill: number, random: Random): void {
  const steps: readonly Step[] = cifar10SubPolicies[random.integer(cifar10SubPolicies.length)] ?? [];
  for (const [name, probability, level = 0] of steps) {
    if (random.uniform() >= probability) continue;
    applyOperation(image, shape, name, ranges[name], level / MAX_LEVEL, { fill, random });
  }
}
