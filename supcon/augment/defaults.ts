import type { DataKind } from "../data/names.ts";
import { cifar100Policy, cifar10Policy, digitPolicy } from "./policy.ts";
import type { AugmentPolicy } from "./policy.ts";

/**
 * How images are augmented and normalised, by what data set they are of. Means and standard deviations are those of the
 * training images, as `npx tsx supcon/data.ts NAME` tells them, but for CIFAR, which has SupContrast's, and for folders.
 */
export const defaultPolicies: Readonly<Record<DataKind, AugmentPolicy>> = {
  mnist: digitPolicy,
  idx: digitPolicy,
  // Clothes may be turned over, unlike digits.
  "fashion-mnist": { ...digitPolicy, flip: 0.5, mean: [0.286], std: [0.353] },
  cifar10: cifar10Policy,
  cifar100: cifar100Policy,
  shapes: {
    ...cifar10Policy,
    // Smaller crops would often miss the shape.
    crop: { area: [0.5, 1], aspect: [3 / 4, 4 / 3] },
    mean: [0.5, 0.499, 0.498],
    std: [0.237, 0.238, 0.237],
  },
  // Photographs: the statistics of ImageNet.
  folder: { ...cifar10Policy, mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225] },
};
