import { createHash } from "node:crypto";
import { existsSync, readFileSync } from "node:fs";
import { gunzipSync } from "node:zlib";
import { DataError } from "./dataset.ts";
import { reasonOf } from "../reason.ts";

/** A file of a data set. */
export interface DataFile {
  /** Of the plain file; the compressed one has `.gz` at its end. */
  readonly path: string;
  /** SHA-256 of the content, not compressed, in hexadecimal digits; left out where any content will do. */
  readonly sha256?: string;
}

/** The path under which a file is there, plain or compressed. */
export const existing = ({ path }: DataFile): string | undefined =>
  [path, `${path}.gz`].find((candidate) => existsSync(candidate));

/** The content of a file that may be compressed. Throws DataError if it is missing, cut short, or not the one expected. */
export function readContent(file: DataFile, what = "a data file"): Uint8Array {
  const found = existing(file);
  if (found === undefined) {
    throw new DataError(
      `${file.path}: expected ${what} (plain or .gz), found none; check the path or install the data`,
    );
  }
  const content = inflate(readFileSync(found), found);
  if (file.sha256 !== undefined) verify(content, file.sha256, found);
  return content;
}

/** Throws DataError unless `content` has this SHA-256. `source` names it. */
export function verify(content: Uint8Array, sha256: string, source: string): void {
  const found = createHash("sha256").update(content).digest("hex");
  if (found === sha256) return;
  throw new DataError(
    `${source}: expected content of SHA-256 ${sha256}, got ${found}; the file is damaged or another one, fetch it again`,
  );
}

/** Compression is told by gzip's magic number, not by the name: downloads often carry the wrong one. */
export const isGzip = (bytes: Uint8Array): boolean => bytes[0] === 0x1f && bytes[1] === 0x8b;

function inflate(bytes: Uint8Array, source: string): Uint8Array {
  if (!isGzip(bytes)) return bytes;
  try {
    return gunzipSync(bytes);
  } catch (cause) {
    throw new DataError(
      `${source}: expected a whole gzip file, got "${reasonOf(cause)}"; fetch the file again`,
      { cause },
    );
  }
}
