import type { Random } from "../../engine/random.ts";
import { SpheregradError, ValueError } from "../../engine/errors.ts";

/**
 * A data file that is missing, cut short or not what it should be. One line: what was expected, what came,
 * what to do.
 */
export class DataError extends SpheregradError {}

/** Height, width and channels of one image. */
export interface ImageShape {
  readonly height: number;
  readonly width: number;
  readonly channels: number;
}

/** Labelled images of one size, held in memory as bytes. */
export interface ImageDataset extends ImageShape {
  readonly name: string;
  readonly count: number;
  /** [count, height, width, channels], intensities 0..255. */
  readonly images: Uint8Array;
  /** [count], each in 0 .. classes.length - 1. */
  readonly labels: Int32Array;
  /** Names of the classes, by label. */
  readonly classes: readonly string[];
}

/** The images at `indices`, copied, in that order. Throws ValueError for an index outside the data set. */
export function selectImages(
  dataset: ImageDataset,
  indices: ArrayLike<number> & Iterable<number>,
): ImageDataset {
  const size = dataset.height * dataset.width * dataset.channels;
  const images = new Uint8Array(indices.length * size);
  const labels = new Int32Array(indices.length);
  let position = 0;
  for (const index of indices) {
    const label = dataset.labels[index];
    if (label === undefined) {
      throw new ValueError(`selectImages: expected indices in [0, ${dataset.count}), got ${index}`);
    }
    images.set(dataset.images.subarray(index * size, (index + 1) * size), position * size);
    labels[position++] = label;
  }
  return { ...dataset, count: indices.length, images, labels };
}

/**
 * Indices of `count` images with every class equally often (the first `count % classes` classes once more),
 * in random order. Subsets drawn with one state of `random` are nested: the smaller is part of the larger.
 * Throws ValueError for a bad count, DataError where a class has too few images.
 */
export function balancedIndices(
  dataset: ImageDataset,
  count: number,
  random: Random,
): Int32Array<ArrayBuffer> {
  if (!Number.isInteger(count) || count < 1 || count > dataset.count) {
    throw new ValueError(`balancedIndices: expected a count in [1, ${dataset.count}], got ${count}`);
  }
  const classes = dataset.classes.length;
  const wanted = dataset.classes.map((_, c) => Math.floor(count / classes) + (c < count % classes ? 1 : 0));
  const chosen = new Int32Array(count);
  let position = 0;
  for (const index of random.permutation(dataset.count)) {
    const label = dataset.labels[index] ?? -1;
    const left = wanted[label] ?? 0;
    if (left === 0) continue;
    wanted[label] = left - 1;
    chosen[position++] = index;
  }
  const short = wanted.findIndex((left) => left > 0);
  if (short >= 0) {
    const name = dataset.classes[short] ?? "";
    const need = wanted[short] ?? 0;
    throw new DataError(
      `${dataset.name}: expected ${count} images over ${classes} classes, class "${name}" lacks ${need}; ask for fewer`,
    );
  }
  return chosen;
}

/** The indices of each class's images, by label, in random order. */
export function shuffledByClass(dataset: ImageDataset, random: Random): number[][] {
  const members = dataset.classes.map((): number[] => []);
  for (const index of random.permutation(dataset.count)) members[dataset.labels[index] ?? -1]?.push(index);
  return members;
}

/**
 * An order of as many images as the data set has in which every class is as frequent as any other: one image of each
 * class in turn, the classes in random order, each class's images in a random order of their own that begins again when
 * it is through. Images of rare classes come several times, some of frequent ones not at all.
 */
export function classBalancedOrder(dataset: ImageDataset, random: Random): Int32Array<ArrayBuffer> {
  const present = shuffledByClass(dataset, random).filter((each) => each.length > 0);
  random.shuffle(present);
  return Int32Array.from({ length: dataset.count }, (_, i) => {
    const own = present[i % present.length] ?? [];
    return own[Math.floor(i / present.length) % own.length] ?? 0;
  });
}

/** How many images each class has, by label. */
export function classCounts({ labels, classes }: Pick<ImageDataset, "labels" | "classes">): number[] {
  const counts = classes.map(() => 0);
  for (const label of labels) counts[label] = (counts[label] ?? 0) + 1;
  return counts;
}

/**
 * Mean and standard deviation of each channel over all images, on the scale [0, 1]: what normalisation
 * subtracts and divides by.
 */
export function channelStatistics(dataset: ImageDataset): { mean: number[]; std: number[] } {
  const { images, channels } = dataset;
  const n = images.length / channels;
  const mean: number[] = [];
  const std: number[] = [];
  for (let channel = 0; channel < channels; channel++) {
    // Sums of integers below 2^53: exact, so the textbook variance loses nothing here.
    let sum = 0;
    let squares = 0;
    for (let i = channel; i < images.length; i += channels) {
      const value = images[i] ?? 0;
      sum += value;
      squares += value * value;
    }
    mean.push(sum / n / 255);
    std.push(Math.sqrt(squares / n - (sum / n) ** 2) / 255);
  }
  return { mean, std };
}
