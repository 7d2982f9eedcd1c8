import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { gemm } from "../../engine/backends/cpu/gemm/gemm.ts";
import { Machine } from "../../engine/backends/cpu/machine.ts";
import { OutOfMemoryError } from "../../engine/errors.ts";
import { batchedMatmul } from "../../kernels/matmul/batched.kernels.ts";
import { matmul } from "../../kernels/matmul/matmul.kernels.ts";
import { assertWithinRounding, floats, integers, runDefinition, runOnCpu } from "./run-kernel.ts";

type Params = Record<(typeof matmul.params)[number], number>;

/** C = op(A) op(B), from nested arrays. */
function naive({ m, n, k, transposeA, transposeB }: Params, a: Float32Array, b: Float32Array): number[] {
  const matrix = (x: Float32Array, columns: number): number[][] =>
    columns === 0
      ? []
      : Array.from({ length: x.length / columns }, (_, i) => [...x.slice(i * columns, (i + 1) * columns)]);
  const transpose = (x: number[][]): number[][] => (x[0] ?? []).map((_, j) => x.map((row) => row[j]!));
  const left = transposeA ? transpose(matrix(a, m)) : matrix(a, k);
  const right = transposeB ? matrix(b, k) : transpose(matrix(b, n));
  return left.flatMap((row) => right.map((column) => row.reduce((sum, x, i) => sum + x * column[i]!, 0)));
}

const params = (m: number, n: number, k: number, transposeA = 0, transposeB = 0): Params => ({ m, n, k, transposeA, transposeB }); // prettier-ignore

const sizes = fc.record({
  m: fc.integer({ min: 1, max: 80 }),
  n: fc.integer({ min: 1, max: 80 }),
  k: fc.integer({ min: 1, max: 70 }),
  transposeA: fc.integer({ min: 0, max: 1 }),
  transposeB: fc.integer({ min: 0, max: 1 }),
});

describe("matmul kernel", async () => {
  const one = await Machine.create({ threads: 1 });
  const two = await Machine.create({ threads: 2 });
  const plain = await Machine.create({ threads: 1, relaxedSimd: false });
  after(() => { for (const machine of [one, two, plain]) machine.destroy(); }); // prettier-ignore

  it("gives the product of two matrices worked by hand", () => {
    // [1 2; 3 4; 5 6] [1 0 -1; 2 1 0] = [5 2 -1; 11 4 -3; 17 6 -5]
    const c = [5, 2, -1, 11, 4, -3, 17, 6, -5];
    const [a, aT, b, bT] = [[1, 2, 3, 4, 5, 6], [1, 3, 5, 2, 4, 6], [1, 0, -1, 2, 1, 0], [1, 2, 0, 1, -1, 0]]; // prettier-ignore
    for (const machine of [one, two, plain]) {
      assert.deepEqual([...runOnCpu(machine, matmul, params(3, 3, 2), [a, b], 9)], c);
      assert.deepEqual([...runOnCpu(machine, matmul, params(3, 3, 2, 1), [aT, b], 9)], c);
      assert.deepEqual([...runOnCpu(machine, matmul, params(3, 3, 2, 0, 1), [a, bT], 9)], c);
      assert.deepEqual([...runOnCpu(machine, matmul, params(3, 3, 2, 1, 1), [aT, bT], 9)], c);
    }
    assert.deepEqual([...runDefinition(matmul, params(3, 3, 2), [a, b], 9)], c);
    assert.deepEqual([...runDefinition(matmul, params(3, 3, 2, 1, 1), [aT, bT], 9)], c);
  });

  it("is exact on integers of any sizes: the definition, the CPU body and nested loops agree", () => {
    fc.assert(
      fc.property(sizes, fc.nat(), (p, seed) => {
        const [a, b] = [integers(p.m * p.k, seed), integers(p.k * p.n, seed + 1)];
        const expected = naive(p, a, b);
        assert.deepEqual([...runDefinition(matmul, p, [a, b], p.m * p.n)], expected);
        for (const machine of [one, two, plain]) {
          assert.deepEqual([...runOnCpu(machine, matmul, p, [a, b], p.m * p.n)], expected);
        }
      }),
    );
  });

  it("stays within the rounding errors of f32, with and without fused multiply-add", () => {
    fc.assert(
      fc.property(sizes, fc.nat(), (p, seed) => {
        const inputs = [floats(p.m * p.k, seed), floats(p.k * p.n, seed + 1)];
        const exact = runDefinition(matmul, p, inputs, p.m * p.n);
        const absolutes = runDefinition(matmul, p, inputs.map((x) => x.map(Math.abs)), p.m * p.n); // prettier-ignore
        for (const machine of [one, plain]) {
          assertWithinRounding(runOnCpu(machine, matmul, p, inputs, p.m * p.n), exact, absolutes, p.k + 1);
        }
      }),
      { numRuns: 30 },
    );
  });

  it("crosses the borders of blocks in all three sizes", () => {
    for (const p of [
      params(131, 66, 40, 0, 1),
      params(5, 9, 1037),
      params(65, 130, 513, 1, 0),
      params(1, 1, 2000),
    ]) {
      const [a, b] = [integers(p.m * p.k, 1), integers(p.k * p.n, 2)];
      assert.deepEqual([...runOnCpu(two, matmul, p, [a, b], p.m * p.n)], naive(p, a, b));
    }
  });

  it("gives the same bits on one thread and on two", () => {
    for (const p of [params(200, 140, 600), params(67, 300, 1100, 1, 1)]) {
      const inputs = [floats(p.m * p.k, 3), floats(p.k * p.n, 4)];
      assert.deepEqual(
        runOnCpu(one, matmul, p, inputs, p.m * p.n),
        runOnCpu(two, matmul, p, inputs, p.m * p.n),
      );
    }
  });

  it("an empty sum is zero, and empty matrices do nothing", () => {
    assert.deepEqual([...runOnCpu(one, matmul, params(2, 3, 0), [[], []], 6)], [0, 0, 0, 0, 0, 0]);
    assert.deepEqual([...runOnCpu(two, matmul, params(0, 3, 2), [[], [1, 2, 3, 4, 5, 6]], 0)], []);
  });

  it("that finds no room for the packed operands leaves no memory behind", async () => {
    const machine = await Machine.create({ threads: 1 });
    // One gap of 1 GiB: room for either packed operand, not for both.
    const gap = machine.heap.alloc(2 ** 30);
    assert.throws(() => { while (machine.heap.alloc(2 ** 28)); }, OutOfMemoryError); // prettier-ignore
    machine.heap.free(gap);
    const { liveBytes } = machine.heap.stats();
    const sizes = { m: 2 ** 14, n: 2 ** 14, k: 0.75 * 2 ** 14, transposeA: false, transposeB: false };
    assert.throws(() => { gemm(machine, { ...sizes, a: 0, b: 0, c: 0 }); }, OutOfMemoryError); // prettier-ignore
    assert.equal(machine.heap.stats().liveBytes, liveBytes);
  });

  const batchedParams = fc
    .record({
      m: fc.integer({ min: 1, max: 20 }),
      n: fc.integer({ min: 1, max: 20 }),
      k: fc.integer({ min: 1, max: 20 }),
      ...{ outer: fc.integer({ min: 1, max: 5 }), inner: fc.integer({ min: 1, max: 5 }) },
      // Whether each operand has a matrix of its own along each of the two axes.
      own: fc.tuple(fc.nat(1), fc.nat(1), fc.nat(1), fc.nat(1)),
      ...{ transposeA: fc.nat(1), transposeB: fc.nat(1) },
    })
    .map(({ own: [aO, aI, bO, bI], ...p }) => ({
      ...p,
      ...{ aOuter: aO * (aI ? p.inner : 1), aInner: aI, bOuter: bO * (bI ? p.inner : 1), bInner: bI },
    }));

  it("batched: each product is that of the two matrices, whatever is shared", () => {
    fc.assert(
      fc.property(batchedParams, fc.nat(), (p, seed) => {
        const [aSize, bSize] = [p.m * p.k, p.k * p.n];
        const a = integers(25 * aSize, seed);
        const b = integers(25 * bSize, seed + 1);
        const expected = [];
        for (let o = 0; o < p.outer; o++) {
          for (let i = 0; i < p.inner; i++) {
            const [aFirst, bFirst] = [(o * p.aOuter + i * p.aInner) * aSize, (o * p.bOuter + i * p.bInner) * bSize]; // prettier-ignore
            expected.push(...naive(p, a.slice(aFirst, aFirst + aSize), b.slice(bFirst, bFirst + bSize)));
          }
        }
        assert.deepEqual([...runDefinition(batchedMatmul, p, [a, b], expected.length)], expected);
        for (const machine of [two, plain]) {
          assert.deepEqual([...runOnCpu(machine, batchedMatmul, p, [a, b], expected.length)], expected);
        }
      }),
    );
  });

  it("batched: the same bits on one thread and on two, for many small products and for few large ones", () => {
    for (const [outer, size] of [
      [100, 40],
      [3, 150],
      [9, 300],
    ] as const) {
      const p = { ...params(size, size + 3, size + 1, 1, 1), outer, inner: 1, aOuter: 1, aInner: 0, bOuter: 0, bInner: 0 }; // prettier-ignore
      const [a, b] = [integers(outer * p.m * p.k, 5), integers(p.k * p.n, 6)];
      const expected = Array.from({ length: outer }, (_, i) =>
        naive(p, a.slice(i * p.m * p.k, (i + 1) * p.m * p.k), b),
      ).flat();
      assert.deepEqual([...runOnCpu(two, batchedMatmul, p, [a, b], expected.length)], expected);
      const inputs = [floats(a.length, 7), floats(b.length, 8)];
      assert.deepEqual(
        runOnCpu(one, batchedMatmul, p, inputs, expected.length),
        runOnCpu(two, batchedMatmul, p, inputs, expected.length),
      );
    }
  });
});
