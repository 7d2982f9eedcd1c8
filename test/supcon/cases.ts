/** Random batches for properties of losses, and comparisons of their results. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { Random } from "../../engine/random.ts";
import { normalRows } from "./oracle.ts";

export interface Case {
  readonly rows: number[][];
  readonly labels: number[];
  readonly temperature: number;
  readonly seed: number;
}

const temperatures = fc.constantFrom(0.05, 0.07, 0.1, 0.5, 1, 2);

/** M single rows of length D with labels of C classes. */
export const cases: fc.Arbitrary<Case> = fc
  .record({
    count: fc.integer({ min: 3, max: 14 }),
    length: fc.integer({ min: 2, max: 7 }),
    classes: fc.integer({ min: 1, max: 5 }),
    temperature: temperatures,
    seed: fc.nat(1e6),
  })
  .map(({ count, length, classes, temperature, seed }) => {
    const random = new Random(seed);
    const labels = Array.from({ length: count }, () => random.integer(classes));
    return { rows: normalRows(count, length, seed), labels, temperature, seed };
  });

/** Equal to a relative (below 1: absolute) tolerance. */
export const close = (actual: number, expected: number, tolerance = 1e-9): void => {
  const off = Math.abs(actual - expected);
  assert.ok(off <= tolerance * Math.max(1, Math.abs(expected)), `expected ${expected}, got ${actual}`);
};
export const atLeast = (actual: number, bound: number): void => {
  assert.ok(
    actual >= bound - 1e-10 * Math.max(1, Math.abs(bound)),
    `expected at least ${bound}, got ${actual}`,
  );
};
export const allClose = (
  actual: readonly number[],
  expected: readonly number[],
  tolerance?: number,
): void => {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => { close(value, expected[i]!, tolerance); }); // prettier-ignore
};

/** What the oracles cannot tell is a loss of 0. */
export const orZero = (xs: readonly number[]): number[] => xs.map((x) => (Number.isNaN(x) ? 0 : x));
