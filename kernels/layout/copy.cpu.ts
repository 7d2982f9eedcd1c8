import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";

/** A call of `copyWithin` takes as long as a loop over this many words (measured on V8: about 20 ns). */
const SHORT_ROW = 16;

/** Rows of 32-bit words, `stride` words apart. */
export interface Rows {
  readonly at: Pointer;
  readonly stride: number;
}

/**
 * Copies `count` rows of `length` words. On this thread: the engine's own memory copy is about as fast as the memory,
 * and there is nothing to compute.
 */
export function copyRows(machine: Machine, count: number, length: number, from: Rows, to: Rows): void {
  const words = machine.i32;
  for (let row = 0; row < count; row++) {
    const source = from.at / 4 + row * from.stride;
    const target = to.at / 4 + row * to.stride;
    if (length > SHORT_ROW) words.copyWithin(target, source, source + length);
    else for (let i = 0; i < length; i++) words[target + i] = words[source + i] ?? 0;
  }
}
