import type { Random } from "../../engine/random.ts";
import { cacheFolder } from "../data/cache.ts";
import { balancedIndices, DataError, selectImages } from "../data/dataset.ts";
import type { ImageDataset } from "../data/dataset.ts";
import { longTail, noisyLabels, reduceClasses } from "../data/training-set.ts";
import { loadShowing } from "./data-progress.ts";

/** The images of a run, and of how many they were taken. */
export interface RunData {
  readonly train: ImageDataset;
  readonly test: ImageDataset;
  readonly trainAvailable: number;
  readonly testAvailable: number;
}

/** Which images a run has. */
export interface RunDataOptions {
  readonly data: string;
  /** Of folders of images only. */
  readonly imageSize: number | undefined;
  /** Images of each split, every class equally often where not all are taken. */
  readonly trainImages: number | "all";
  readonly testImages: number | "all";
  /** What is then done to the training images, in this order: see `data/training-set.ts`. */
  readonly trainShare: number;
  readonly imbalance: number;
  readonly labelNoise: number;
}

/** Loads the images of a run. Throws DataError for data that is missing or damaged, or too few images. */
export async function loadRunData(options: RunDataOptions, random: Random): Promise<RunData> {
  const { data, imageSize, trainImages, testImages } = options;
  const { train, test } = await loadShowing(data, { cache: cacheFolder(), imageSize });
  return {
    train: harder(subset(train, trainImages, random.fork(0)), options, random),
    test: subset(test, testImages, random.fork(1)),
    trainAvailable: train.count,
    testAvailable: test.count,
  };
}

function subset(dataset: ImageDataset, count: number | "all", random: Random): ImageDataset {
  if (count === "all" || count === dataset.count) return dataset;
  if (count > dataset.count) {
    throw new DataError(
      `${dataset.name}: expected at least ${count} images, got ${dataset.count}; ask for fewer`,
    );
  }
  return selectImages(dataset, balancedIndices(dataset, count, random));
}

function harder(
  dataset: ImageDataset,
  { trainShare, imbalance, labelNoise }: RunDataOptions,
  random: Random,
): ImageDataset {
  const fewer = trainShare < 1 ? reduceClasses(dataset, trainShare, random.fork(2)) : dataset;
  const tailed = imbalance > 1 ? longTail(fewer, imbalance, random.fork(3)) : fewer;
  return labelNoise > 0 ? noisyLabels(tailed, labelNoise, random.fork(4)) : tailed;
}
