/** Runs kernels outside of any tensor: their definition in f64, and their CPU body on a machine. */
import assert from "node:assert/strict";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Kernel, Numbers, Params } from "../../engine/kernel.ts";

/** Evaluates the `js` body of a kernel with one output of `length` elements, in double precision. */
export function runDefinition<P extends string>(
  kernel: Kernel<P>,
  params: Params<P>,
  inputs: readonly Numbers[],
  length: number,
): Float64Array {
  const [body] = Object.values(kernel.js);
  assert.ok(body);
  const doubles = inputs.map((input) => Float64Array.from(input));
  return Float64Array.from({ length }, (_, x) => body.call({ thread: { x }, constants: params }, ...doubles));
}

/** What surrounds the operands in memory: NaN would show up in any result that uses it. */
const GUARD_BYTES = 64;

/**
 * Runs the `cpu` body of a kernel with one output of `length` elements. Inputs are surrounded by NaN, the output is
 * full of NaN before, and it is an error to write outside of it.
 */
export function runOnCpu<P extends string>(
  machine: Machine,
  kernel: Kernel<P>,
  params: Params<P>,
  inputs: readonly Numbers[],
  length: number,
): Float32Array {
  assert.ok(kernel.cpu);
  const live = machine.heap.stats().liveBlocks;
  const blocks = [...inputs.map((input) => input.length), length].map((size) =>
    machine.heap.alloc(4 * size + 2 * GUARD_BYTES),
  );
  const addresses = blocks.map((block) => block + GUARD_BYTES);
  const guarded = (block: number, size: number): Float32Array =>
    machine.f32.subarray(block / 4, block / 4 + size + GUARD_BYTES / 2);
  inputs.forEach((input, i) => {
    guarded(blocks[i]!, input.length)
      .fill(Number.NaN)
      .set(Float32Array.from(input), GUARD_BYTES / 4);
  });
  guarded(blocks.at(-1)!, length).fill(Number.NaN);
  kernel.cpu(machine, params, addresses.slice(0, -1), addresses.slice(-1));
  const all = guarded(blocks.at(-1)!, length).slice();
  const result = all.slice(GUARD_BYTES / 4, GUARD_BYTES / 4 + length);
  assert.equal(all.filter((x) => !Number.isNaN(x)).length, result.filter((x) => !Number.isNaN(x)).length);
  for (const block of blocks) machine.heap.free(block);
  assert.equal(machine.heap.stats().liveBlocks, live, "the kernel frees what it allocates");
  return result;
}

/**
 * Checks f32 sums of products against exact ones by the bound of their rounding errors: each is off by at most
 * n * 2^-24 times the sum of the absolute values of its products, n being the number of roundings that a product goes
 * through (Higham, Accuracy and Stability of Numerical Algorithms, section 3.1).
 */
export function assertWithinRounding(
  actual: Float32Array,
  exact: Float64Array,
  sumsOfAbsolutes: Float64Array,
  roundings: number,
): void {
  assert.equal(actual.length, exact.length);
  const unit = 2 ** -24;
  exact.forEach((value, i) => {
    const bound = ((roundings * unit) / (1 - roundings * unit)) * sumsOfAbsolutes[i]!;
    const error = Math.abs(actual[i]! - value);
    assert.ok(error <= bound, `element ${i}: ${actual[i]} is ${error} off ${value}, more than ${bound}`);
  });
}

/** Small integers, cycling through a seeded sequence: sums of their products are exact in f32. */
export function integers(length: number, seed: number): Float32Array {
  return floats(length, seed).map((x) => Math.round(4 * x));
}

/** Numbers from -1 to 1. */
export function floats(length: number, seed: number): Float32Array {
  let state = (seed * 2654435761 + 12345) >>> 0;
  return Float32Array.from({ length }, () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 31 - 1;
  });
}
