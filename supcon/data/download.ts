import { createHash } from "node:crypto";
import { closeSync, createReadStream, openSync, renameSync, rmSync, statSync, writeSync } from "node:fs";
import { SpheregradError } from "../../engine/errors.ts";
import { DataError } from "./dataset.ts";
import { reasonOf } from "../reason.ts";

/** A file could not be got, for now: no network, a server that refuses, a connection that broke off. */
export class DownloadError extends SpheregradError {}

/** A file on the web, of which is known what it is. */
export interface Download {
  readonly url: string;
  readonly bytes: number;
  readonly sha256: string;
}

/** Hears how far something has come. */
export type OnProgress = (done: number, total: number) => void;

/** A connection that says nothing for so long has broken off. */
const SILENCE_MS = 30_000;

/**
 * Fetches a file to `path`. What came before a connection broke off is in `path`.part, and the next try goes on from there
 * (HTTP range, RFC 9110 section 14), if the server can. The file has its name only once its SHA-256 is right.
 *
 * @throws DownloadError if it cannot be got, or not all of it; DataError if what came is not the file.
 */
export async function download(file: Download, path: string, onProgress: OnProgress): Promise<void> {
  const part = `${path}.part`;
  if (sizeOf(part) > file.bytes) rmSync(part);
  if (sizeOf(part) < file.bytes) await receive(file, part, onProgress);
  if (sizeOf(part) < file.bytes) {
    throw new DownloadError(
      `${file.url}: expected ${file.bytes} bytes, the connection ended after ${sizeOf(part)}; try again, it goes on from there`,
    );
  }
  const found = await sha256Of(part);
  if (found !== file.sha256) {
    rmSync(part);
    throw new DataError(
      `${file.url}: expected a file of SHA-256 ${file.sha256}, got ${found}; it is damaged or has been replaced`,
    );
  }
  renameSync(part, path);
}

/** SHA-256 of a file, in hexadecimal digits. */
export async function sha256Of(path: string): Promise<string> {
  const hash = createHash("sha256");
  for await (const chunk of createReadStream(path)) hash.update(chunk as Uint8Array);
  return hash.digest("hex");
}

const sizeOf = (path: string): number => statSync(path, { throwIfNoEntry: false })?.size ?? 0;

/** Adds what is missing to `part`, as far as it comes. */
async function receive({ url, bytes }: Download, part: string, onProgress: OnProgress): Promise<void> {
  const silence = new AbortController();
  const timer = setTimeout(() => { silence.abort(new Error("no answer")); }, SILENCE_MS); // prettier-ignore
  try {
    const start = sizeOf(part);
    const headers = start > 0 ? { range: `bytes=${start}-` } : {};
    const response = await fetch(url, { headers, signal: silence.signal });
    const body: AsyncIterable<Uint8Array> | null = response.body;
    if (!response.ok || body === null) {
      throw new DownloadError(`${url}: expected the file, the server answered ${response.status}`);
    }
    // A server without ranges sends all of it again.
    const goesOn = response.status === 206;
    let done = goesOn ? start : 0;
    const output = openSync(part, goesOn ? "a" : "w");
    try {
      for await (const chunk of body) {
        timer.refresh();
        writeSync(output, chunk);
        done += chunk.length;
        if (done > bytes)
          throw new DataError(`${url}: expected ${bytes} bytes, got more; it has been replaced`);
        onProgress(done, bytes);
      }
    } finally {
      closeSync(output);
    }
  } catch (cause) {
    if (cause instanceof SpheregradError) throw cause;
    const reason = cause instanceof Error && cause.cause !== undefined ? cause.cause : cause;
    throw new DownloadError(
      `${url}: expected an answer, got "${reasonOf(reason)}"; try again, it goes on from where it was`,
      { cause },
    );
  } finally {
    clearTimeout(timer);
  }
}
