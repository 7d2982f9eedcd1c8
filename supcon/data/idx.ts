import { sizeOf } from "../../engine/shape.ts";
import { readContent } from "./content.ts";
import type { DataFile } from "./content.ts";
import type { ImageDataset } from "./dataset.ts";
import { DataError } from "./dataset.ts";

/** An array of bytes read from an IDX file: row-major, `data.length` is the product of `dims`. */
export interface IdxArray {
  readonly dims: readonly number[];
  readonly data: Uint8Array;
}

/**
 * Parses an IDX file of unsigned bytes (the format of MNIST and Fashion-MNIST; LeCun, Cortes and Burges, "The
 * MNIST database"): two zero bytes, the element type (0x08 = ubyte), the rank, one big-endian uint32 per
 * dimension, then the elements. The result's `data` is a view of `bytes`.
 *
 * @param source - what to call the file in a message.
 * @throws DataError if it is not such a file, or its length is not what its dimensions say.
 */
export function parseIdx(bytes: Uint8Array, source: string): IdxArray {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fail = (expected: string, got: string): never => {
    throw new DataError(`${source}: expected ${expected}, got ${got}; fetch the file again`);
  };
  if (bytes.length < 4) fail("an IDX file", `${bytes.length} bytes`);
  const magic = view.getUint32(0);
  if (magic >>> 8 !== 0x000008) {
    fail(
      "an IDX file of unsigned bytes (magic 0x000008..)",
      `magic 0x${magic.toString(16).padStart(8, "0")}`,
    );
  }
  const rank = magic & 0xff;
  const header = 4 + 4 * rank;
  if (bytes.length < header) fail(`an IDX header of ${header} bytes`, `${bytes.length} bytes`);
  const dims = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const size = sizeOf(dims);
  if (bytes.length - header !== size) {
    fail(`${size} elements for dimensions ${dims.join(" x ")}`, `${bytes.length - header}`);
  }
  // Not bytes.subarray: of a Buffer that would be a Buffer, whose slice() differs from Uint8Array's.
  return { dims, data: new Uint8Array(bytes.buffer, bytes.byteOffset + header, size) };
}

/** Reads a file that may be compressed. Throws DataError, as readContent and parseIdx do. */
export const readIdx = (file: DataFile): IdxArray => parseIdx(readContent(file, "an IDX file"), file.path);

/** What an IDX data set consists of. */
export interface IdxFiles {
  readonly name: string;
  /** Of rank 3: [count, height, width]. */
  readonly images: DataFile;
  /** Of rank 1: [count]. */
  readonly labels: DataFile;
  readonly classes: readonly string[];
}

/**
 * Reads grey images and their labels. Throws DataError if the two files do not fit each other or the classes.
 */
export function loadIdxDataset(files: IdxFiles): ImageDataset {
  const images = readIdx(files.images);
  const labels = readIdx(files.labels);
  const [count, height, width] = images.dims;
  if (count === undefined || height === undefined || width === undefined || images.dims.length !== 3) {
    throw new DataError(
      `${files.images.path}: expected images of rank 3 (count x height x width), got rank ${images.dims.length}; are images and labels swapped?`,
    );
  }
  if (count * height * width === 0) {
    throw new DataError(
      `${files.images.path}: expected images, got none (${images.dims.join(" x ")}); fetch the file again`,
    );
  }
  if (labels.dims.length !== 1 || labels.dims[0] !== count) {
    throw new DataError(
      `${files.labels.path}: expected ${count} labels, one per image, got dimensions ${labels.dims.join(" x ")}; the two files must be of one split`,
    );
  }
  const wrong = labels.data.find((label) => label >= files.classes.length);
  if (wrong !== undefined) {
    throw new DataError(
      `${files.labels.path}: expected labels in 0..${files.classes.length - 1}, got ${wrong}; is this file of another data set?`,
    );
  }
  return {
    name: files.name,
    count,
    height,
    width,
    channels: 1,
    images: images.data,
    labels: Int32Array.from(labels.data),
    classes: files.classes,
  };
}
