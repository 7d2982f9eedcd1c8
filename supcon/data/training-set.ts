/** Training sets made harder on purpose: fewer images, rarer classes, wrong labels. Test images are never touched. */
import { ValueError } from "../../engine/errors.ts";
import type { Random } from "../../engine/random.ts";
import { selectImages, shuffledByClass } from "./dataset.ts";
import type { ImageDataset } from "./dataset.ts";

/**
 * A random share of each class's images, rounded, at least one of each, in the order in which they stand. With one state of
 * `random` the smaller set is part of the larger. Throws ValueError for a share outside of (0, 1].
 */
export function reduceClasses(dataset: ImageDataset, share: number, random: Random): ImageDataset {
  if (!(share > 0 && share <= 1)) {
    throw new ValueError(`reduceClasses: expected a share in (0, 1], got ${share}`);
  }
  return keepOfEach(dataset, (size) => Math.max(1, Math.round(share * size)), random);
}

/**
 * A long tail: of C classes, the one of label c keeps n_c r^(-c / (C - 1)) of its n_c images, rounded down, at least one, so
 * that of equal classes the first has r times as many as the last (Cui et al., "Class-Balanced Loss Based on Effective Number
 * of Samples", CVPR 2019, section 5.1). Throws ValueError for a ratio r < 1.
 */
export function longTail(dataset: ImageDataset, ratio: number, random: Random): ImageDataset {
  if (!(ratio >= 1 && ratio < Infinity)) {
    throw new ValueError(
      `longTail: expected a ratio of the largest to the smallest class >= 1, got ${ratio}`,
    );
  }
  const last = Math.max(1, dataset.classes.length - 1);
  const kept = (size: number, label: number): number =>
    // Rounding errors must not turn 50 into 49.
    Math.max(1, Math.floor(size * ratio ** (-label / last) + 1e-6));
  return keepOfEach(dataset, kept, random);
}

/**
 * Symmetric label noise: with probability `share`, a label is replaced by one that is drawn from all classes alike, the right
 * one included (as the paper's code has it), so that about share (1 - 1/C) of the labels are wrong. With one state of `random`
 * whatever is replaced at a smaller share is at a larger one. Throws ValueError for a share outside of [0, 1].
 */
export function noisyLabels(dataset: ImageDataset, share: number, random: Random): ImageDataset {
  if (!(share >= 0 && share <= 1)) {
    throw new ValueError(`noisyLabels: expected a share in [0, 1], got ${share}`);
  }
  const labels = dataset.labels.map((label) => {
    const [chance, other] = [random.uniform(), random.integer(dataset.classes.length)];
    return chance < share ? other : label;
  });
  return { ...dataset, labels };
}

/** Of each class as many images as `kept` says, drawn at random, in the order in which they stand. */
function keepOfEach(
  dataset: ImageDataset,
  kept: (size: number, label: number) => number,
  random: Random,
): ImageDataset {
  const indices = shuffledByClass(dataset, random).flatMap((own, label) =>
    own.slice(0, own.length && kept(own.length, label)),
  );
  return selectImages(
    dataset,
    indices.sort((a, b) => a - b),
  );
}
