/**
 * The binary layout of CIFAR-10 and CIFAR-100 (Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009):
 * one record for each image, its labels (one byte each), then 32 x 32 red, as many green and as many blue bytes, row by row.
 */
import { readContent } from "./content.ts";
import type { DataFile } from "./content.ts";
import type { ImageDataset } from "./dataset.ts";
import { DataError } from "./dataset.ts";

const SIDE = 32;
const PIXELS = SIDE * SIDE;
const CHANNELS = 3;

/** CIFAR-100 has a coarse label (of 20) before the fine one, which is ours. */
const labelBytes = { cifar10: 1, cifar100: 2 } as const;

/** Which of the two layouts. */
export type CifarLayout = keyof typeof labelBytes;

/** Images, pixel after pixel, with their labels. */
export interface CifarRecords {
  /** [count, 32, 32, 3]. */
  readonly images: Uint8Array;
  readonly labels: Int32Array;
}

/**
 * Parses records. `source` is what to call the file in a message.
 * @throws DataError for a length that is not of whole records, no record, or a label that is no class.
 */
export function parseCifar(
  bytes: Uint8Array,
  layout: CifarLayout,
  classes: number,
  source: string,
): CifarRecords {
  const header = labelBytes[layout];
  const record = header + CHANNELS * PIXELS;
  const count = bytes.length / record;
  if (count === 0 || !Number.isInteger(count)) {
    throw new DataError(
      `${source}: expected whole records of ${record} bytes, got ${bytes.length} bytes; fetch the file again`,
    );
  }
  const images = new Uint8Array(count * CHANNELS * PIXELS);
  const labels = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const label = bytes[i * record + header - 1] ?? 0;
    if (label >= classes) {
      throw new DataError(
        `${source}: expected labels in 0..${classes - 1}, got ${label} at image ${i}; is this file of another data set?`,
      );
    }
    labels[i] = label;
    const planes = bytes.subarray(i * record + header, (i + 1) * record);
    interleave(planes, images, i * CHANNELS * PIXELS);
  }
  return { images, labels };
}

/** Planes [3, pixels] to pixels [pixels, 3] in `out`, from `start` on. */
function interleave(planes: Uint8Array, out: Uint8Array, start: number): void {
  for (let channel = 0; channel < CHANNELS; channel++) {
    const plane = channel * PIXELS;
    for (let p = 0; p < PIXELS; p++) out[start + CHANNELS * p + channel] = planes[plane + p] ?? 0;
  }
}

/** What {@link parseCifar} reads as these images [count, 32, 32, 3] with these labels in the layout of CIFAR-10. */
export function formatCifar10(images: Uint8Array, labels: readonly number[]): Uint8Array {
  const size = CHANNELS * PIXELS;
  const records = new Uint8Array(labels.length * (1 + size));
  for (const [i, label] of labels.entries()) {
    const start = i * (1 + size);
    records[start] = label;
    for (let channel = 0; channel < CHANNELS; channel++) {
      const plane = start + 1 + channel * PIXELS;
      for (let p = 0; p < PIXELS; p++) records[plane + p] = images[i * size + CHANNELS * p + channel] ?? 0;
    }
  }
  return records;
}

/** What a CIFAR data set consists of. */
export interface CifarFiles {
  readonly name: string;
  readonly layout: CifarLayout;
  readonly files: readonly DataFile[];
  readonly classes: readonly string[];
}

/** Reads images, file after file. Throws DataError, as readContent and parseCifar do. */
export function loadCifarDataset({ name, layout, files, classes }: CifarFiles): ImageDataset {
  const parts = files.map((file) =>
    parseCifar(readContent(file, "a CIFAR file"), layout, classes.length, file.path),
  );
  const count = parts.reduce((total, { labels }) => total + labels.length, 0);
  const images = new Uint8Array(count * PIXELS * CHANNELS);
  const labels = new Int32Array(count);
  let position = 0;
  for (const part of parts) {
    images.set(part.images, position * PIXELS * CHANNELS);
    labels.set(part.labels, position);
    position += part.labels.length;
  }
  return { name, count, height: SIDE, width: SIDE, channels: CHANNELS, images, labels, classes };
}
