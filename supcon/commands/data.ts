import { join } from "node:path";
import { Random } from "../../engine/random.ts";
import { balancedIndices, DataError, selectImages } from "../data/dataset.ts";
import type { ImageDataset } from "../data/dataset.ts";
import { loadIdxDataset } from "../data/idx.ts";
import { loadMnist } from "../data/mnist.ts";

/** The images of a run, and of how many they were taken. */
export interface RunData {
  readonly train: ImageDataset;
  readonly test: ImageDataset;
  readonly trainAvailable: number;
  readonly testAvailable: number;
}

/**
 * Loads `mnist`, or a folder with four IDX files named as MNIST's, and takes as many images of each split, every class
 * equally often where not all are taken. Throws DataError for files that are missing or damaged, or too few images.
 */
export function loadRunData(name: string, trainImages: number, testImages: number, random: Random): RunData {
  const load = name === "mnist" ? loadMnist : (split: Split) => loadFolder(name, split);
  const [train, test] = [load("train"), load("test")];
  return {
    train: subset(train, trainImages, random.fork(0)),
    test: subset(test, testImages, random.fork(1)),
    trainAvailable: train.count,
    testAvailable: test.count,
  };
}

type Split = "train" | "test";

function loadFolder(folder: string, split: Split): ImageDataset {
  const prefix = split === "train" ? "train" : "t10k";
  return loadIdxDataset({
    name: `${folder} (${split})`,
    images: join(folder, `${prefix}-images-idx3-ubyte`),
    labels: join(folder, `${prefix}-labels-idx1-ubyte`),
    classes: Array.from({ length: 10 }, (_, i) => String(i)),
  });
}

function subset(dataset: ImageDataset, count: number, random: Random): ImageDataset {
  if (count > dataset.count) {
    throw new DataError(
      `${dataset.name}: expected at least ${count} images, got ${dataset.count}; ask for fewer`,
    );
  }
  return count === dataset.count ? dataset : selectImages(dataset, balancedIndices(dataset, count, random));
}
