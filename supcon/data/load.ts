import { existsSync } from "node:fs";
import { join } from "node:path";
import { digitClasses } from "./classes.ts";
import type { ImageDataset } from "./dataset.ts";
import { DataError } from "./dataset.ts";
import type { OnProgress } from "./download.ts";
import { loadIdxDataset } from "./idx.ts";
import { loadImageFolder } from "./image-folder.ts";
import { dataKind, datasetNames, FOLDER_MARK } from "./names.ts";
import { loadPublished } from "./published.ts";
import type { Split } from "./published.ts";
import { loadShapes } from "./shapes.ts";

/** How data sets are loaded. */
export interface LoadOptions {
  /** The folder of fetched data sets. */
  readonly cache: string;
  /** Height and width that images of folders are brought to; others have a size. */
  readonly imageSize: number | undefined;
  /** Hears how many images of a folder are decoded. */
  readonly onProgress?: OnProgress;
}

/**
 * Loads a data set: one of {@link datasetNames}, `folder:PATH` with images, or the path of a folder with four IDX files named
 * as MNIST's. Throws DataError for data that is missing or damaged.
 */
export async function loadDataset(
  data: string,
  { cache, imageSize, onProgress }: LoadOptions,
): Promise<Readonly<Record<Split, ImageDataset>>> {
  const kind = dataKind(data);
  if (kind === "folder") return loadImageFolder(data.slice(FOLDER_MARK.length), imageSize, onProgress);
  const load = (split: Split): ImageDataset => {
    if (kind === "idx") return loadIdxFolder(data, split);
    return kind === "shapes" ? loadShapes(split) : loadPublished(kind, split, cache);
  };
  return { train: load("train"), test: load("test") };
}

function loadIdxFolder(folder: string, split: Split): ImageDataset {
  if (!existsSync(folder)) {
    throw new DataError(
      `--data: expected ${datasetNames.join(", ")}, ${FOLDER_MARK}PATH or a folder of IDX files, got ${folder}`,
    );
  }
  const prefix = split === "train" ? "train" : "t10k";
  return loadIdxDataset({
    name: `${folder} (${split})`,
    images: { path: join(folder, `${prefix}-images-idx3-ubyte`) },
    labels: { path: join(folder, `${prefix}-labels-idx1-ubyte`) },
    classes: digitClasses,
  });
}
