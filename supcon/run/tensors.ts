import type { Elements } from "../../engine/backend.ts";
import type { StateDict, StateTensor } from "../../nn/index.ts";
import { atomicWrite } from "./atomic.ts";
import { readBytes } from "./files.ts";
import { decodeSafetensors, encodeSafetensors, SafetensorsError } from "./safetensors.ts";

/** Named tensors, and texts that tell of them. */
export interface TensorFile {
  readonly tensors: StateDict<Elements>;
  readonly metadata: Readonly<Record<string, string>>;
}

/** Writes a safetensors file as a whole. Throws the file system's error, leaving an older file as it was. */
export function writeTensors(path: string, file: TensorFile): void {
  atomicWrite(path, encodeSafetensors(file));
}

/** Reads a safetensors file. Throws ValueError if it cannot be read, SafetensorsError if it is damaged or holds 64-bit integers. */
export function readTensors(path: string): TensorFile {
  const { tensors, metadata } = decodeSafetensors(readBytes(path, "a file of the run"), path);
  const found = new Map<string, StateTensor<Elements>>();
  for (const [name, { shape, data }] of tensors) {
    if (data instanceof BigInt64Array) {
      throw new SafetensorsError(`${path}: expected "${name}" in F32, F64 or I32, got I64`);
    }
    found.set(name, { shape, data });
  }
  return { tensors: found, metadata };
}
