/** The search for a maximum and its position, in four lanes: what argMax and max pooling do on the CPU. */
import { f32x4, i32x4, v128 } from "../engine/backends/cpu/assembler.ts";
import type { FunctionBuilder, Local, Value } from "../engine/backends/cpu/assembler.ts";

/** The largest value so far in each lane, and where it was. */
export interface Largest {
  readonly value: Local<"v128">;
  readonly position: Local<"v128">;
}

/** Begins a search at a position, which stays the answer if nothing is larger than -Infinity. */
export function beginSearch(f: FunctionBuilder, position: Value<"i32">): Largest {
  return { value: f.let(f32x4.const(-Infinity)), position: f.let(i32x4.splat(position)) };
}

/**
 * Takes `value` where it is larger. Of equal values the first stays; NaN is larger than every number, and the first NaN
 * stays: !(value <= largest) holds for larger values and if either is NaN.
 */
export function takeLarger(
  f: FunctionBuilder,
  largest: Largest,
  value: Local<"v128">,
  position: Value<"v128">,
): void {
  const isNumber = f32x4.eq(largest.value, largest.value);
  const isLarger = f.let(v128.andnot(isNumber, f32x4.le(value, largest.value)));
  f.set(largest.value, v128.bitselect(value, largest.value, isLarger));
  f.set(largest.position, v128.bitselect(position, largest.position, isLarger));
}
