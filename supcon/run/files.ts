/** Files of a run, read or refused, and written whole. */
import { readFileSync } from "node:fs";
import { ValueError } from "../../engine/errors.ts";
import { reasonOf } from "../reason.ts";
import { atomicWrite } from "./atomic.ts";

/** The content of a file. Throws ValueError if it cannot be read, saying that `what` was expected, with a hint if there is one. */
export function readBytes(path: string, what: string, hint?: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const advice = hint === undefined ? "" : `; ${hint}`;
    throw new ValueError(`${path}: expected ${what}, got none (${reasonOf(cause)})${advice}`, { cause });
  }
}

/** The JSON in a file. Throws ValueError as {@link readBytes} does, and if it is none. */
export function readJson(path: string, what: string, hint?: string): unknown {
  const text = new TextDecoder().decode(readBytes(path, what, hint));
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ValueError(`${path}: expected JSON, got something else (${reasonOf(cause)})`, { cause });
  }
}

/** Writes a file of JSON as a whole. */
export function writeJson(path: string, content: object): void {
  atomicWrite(path, JSON.stringify(content, null, 2) + "\n");
}
