import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { tensor, zeros } from "../../engine/create.ts";
import { DTypeError, ShapeError } from "../../engine/errors.ts";
import * as k from "../../kernels/index.ts";
import {
  assertRefused,
  assertTensor,
  checkGradients,
  distinct,
  seeds,
  useReference,
  values,
} from "./helpers.ts";

beforeEach(useReference);

const side = fc.integer({ min: 1, max: 4 });

describe("matmul", () => {
  it("by hand, each operand stored either way", async () => {
    const [a, at] = [
      tensor([
        [1, 2, 3],
        [4, 5, 6],
      ]),
      tensor([
        [1, 4],
        [2, 5],
        [3, 6],
      ]),
    ];
    const [b, bt] = [
      tensor([
        [1, 0],
        [-1, 2],
        [0, 3],
      ]),
      tensor([
        [1, -1, 0],
        [0, 2, 3],
      ]),
    ];
    const expected = [-1, 13, -1, 28];
    await assertTensor(k.matmul(a, b), [2, 2], expected);
    await assertTensor(k.matmul(at, b, { transposeA: true }), [2, 2], expected);
    await assertTensor(k.matmul(a, bt, { transposeB: true }), [2, 2], expected);
    await assertTensor(k.matmul(at, bt, { transposeA: true, transposeB: true }), [2, 2], expected);
  });
  it("is the sum of products, with its gradients, for any shape and storage", async () => {
    await fc.assert(
      fc.asyncProperty(
        side,
        side,
        side,
        fc.boolean(),
        fc.boolean(),
        seeds,
        async (m, n, inner, transposeA, transposeB, seed) => {
          const options = { transposeA, transposeB };
          const [a, b] = distinct(
            seed,
            transposeA ? [inner, m] : [m, inner],
            transposeB ? [n, inner] : [inner, n],
          );
          const [av, bv] = [await values(a!), await values(b!)];
          const expected = [];
          for (let i = 0; i < m; i++) {
            for (let j = 0; j < n; j++) {
              let total = 0;
              for (let l = 0; l < inner; l++) {
                total +=
                  av[transposeA ? l * m + i : i * inner + l]! * bv[transposeB ? j * inner + l : l * n + j]!;
              }
              expected.push(total);
            }
          }
          await assertTensor(k.matmul(a!, b!, options), [m, n], expected);
          await checkGradients((x, y) => k.matmul(x, y, options), [a!, b!]);
        },
      ),
      { numRuns: 20 },
    );
  });
  it("over nothing is 0", async () => {
    await assertTensor(k.matmul(zeros([2, 0]), zeros([0, 2])), [2, 2], [0, 0, 0, 0]);
  });
  it("refuses what does not fit", () => {
    assertRefused(() => k.matmul(zeros([2, 3]), zeros([2, 3])), ShapeError, /^matmul: expected shapes \[\.\.\., m, k\] and \[\.\.\., k, n\], or vectors \[k\], got \[2, 3\] and \[2, 3\]$/); // prettier-ignore
    assertRefused(() => k.matmul(zeros([2, 3]), zeros([3, 2]), { transposeB: true }), ShapeError, /^matmul: expected shapes \[\.\.\., m, k\] and \[\.\.\., n, k\]/); // prettier-ignore
    assertRefused(() => k.matmul(zeros([]), zeros([3, 2])), ShapeError, /^matmul: expected shapes/);
    assertRefused(() => k.matmul(zeros([3]), zeros([2])), ShapeError, /^matmul: expected shapes/);
    assertRefused(() => k.matmul(zeros([3]), zeros([3, 2]), { transposeA: true }), ShapeError, /a vector has no transpose$/); // prettier-ignore
    assertRefused(() => k.matmul(zeros([2, 2, 3]), zeros([3, 3, 2])), ShapeError, /^matmul: expected shapes that broadcast, got \[2\] and \[3\]/); // prettier-ignore
    assertRefused(() => k.matmul(tensor(Int32Array.of(1), [1, 1]), zeros([1, 1])), DTypeError, /^matmul: expected f32 for a, got i32/); // prettier-ignore
  });
});

describe("matmul over batch axes", () => {
  it("by hand: batch axes broadcast, vectors are rows and columns", async () => {
    const a = tensor([[[1, 2]], [[3, 4]]]); // [2, 1, 2]
    const b = tensor([[1, 0], [1, 1]]); // prettier-ignore
    await assertTensor(k.matmul(a, b), [2, 1, 2], [3, 2, 7, 4]);
    await assertTensor(k.matmul(b, k.transpose(a, [0, 2, 1])), [2, 2, 1], [1, 3, 3, 7]);
    await assertTensor(k.matmul(tensor([1, 2]), tensor([3, 4])), [], [11]);
    await assertTensor(k.matmul(b, tensor([3, 4])), [2], [3, 7]);
    await assertTensor(k.matmul(tensor([3, 4]), b), [2], [7, 4]);
    await assertTensor(k.matmul(a, tensor([1, 1])), [2, 1], [3, 7]);
    await assertTensor(k.matmul(tensor([1, 10]), k.transpose(a, [0, 2, 1])), [2, 1], [21, 43]);
  });

  /** Batch axes of two operands: of a common shape, some dropped at the front, some made 1; up to four. */
  const batches = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 4 }).chain((common) => {
    const own = fc
      .tuple(fc.nat(common.length), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }))
      .map(([drop, ones]) => common.slice(drop).map((length, i) => (ones[i] ? 1 : length)));
    return fc.tuple(own, own);
  });

  it("is the product of the matrices at each index, with its gradients", async () => {
    await fc.assert(
      fc.asyncProperty(
        batches,
        fc.tuple(side, side, side),
        fc.boolean(),
        fc.boolean(),
        seeds,
        async ([aBatch, bBatch], [m, n, inner], transposeA, transposeB, seed) => {
          const options = { transposeA, transposeB };
          const [a, b] = distinct(
            seed,
            [...aBatch, ...(transposeA ? [inner, m] : [m, inner])],
            [...bBatch, ...(transposeB ? [n, inner] : [inner, n])],
          );
          const [av, bv] = [await values(a!), await values(b!)];
          const rank = Math.max(aBatch.length, bBatch.length);
          const aligned = (own: number[]) => [...new Array<number>(rank - own.length).fill(1), ...own];
          const [aLengths, bLengths] = [aligned(aBatch), aligned(bBatch)];
          const batch = aLengths.map((length, axis) => Math.max(length, bLengths[axis]!));
          // Of the matrix at an index, its number among those of an operand: axes of length 1 do not count.
          const numberOf = (index: number[], lengths: number[]) =>
            index.reduce((at, i, axis) => at * lengths[axis]! + (lengths[axis] === 1 ? 0 : i), 0);
          const indices = batch.reduce<number[][]>(
            (list, length) => list.flatMap((index) => Array.from({ length }, (_, i) => [...index, i])),
            [[]],
          );
          const expected = indices.flatMap((index) => {
            const [aFirst, bFirst] = [numberOf(index, aLengths) * m * inner, numberOf(index, bLengths) * inner * n]; // prettier-ignore
            return Array.from({ length: m * n }, (_, at) => {
              const [i, j] = [Math.floor(at / n), at % n];
              let total = 0;
              for (let l = 0; l < inner; l++) {
                const aAt = transposeA ? l * m + i : i * inner + l;
                total += av[aFirst + aAt]! * bv[bFirst + (transposeB ? j * inner + l : l * n + j)]!;
              }
              return total;
            });
          });
          await assertTensor(k.matmul(a!, b!, options), [...batch, m, n], expected);
          if (a!.size + b!.size < 60) await checkGradients((x, y) => k.matmul(x, y, options), [a!, b!]);
        },
      ),
      { numRuns: 40 },
    );
  });
  it("of vectors, with its gradients", async () => {
    const [row, matrices, column] = distinct(7, [3], [2, 3, 4], [4]);
    await checkGradients((x, y) => k.matmul(x, y), [row!, matrices!]);
    await checkGradients((x, y) => k.matmul(x, y), [matrices!, column!]);
    await checkGradients((x, y) => k.matmul(x, y), [row!, k.mul(row!, 2)]);
  });
  it("over an empty batch, and over nothing", async () => {
    await assertTensor(k.matmul(zeros([0, 2, 3]), zeros([3, 4])), [0, 2, 4], []);
    await assertTensor(k.matmul(zeros([0, 2, 3]), zeros([1, 3, 4])), [0, 2, 4], []);
    await assertTensor(k.matmul(zeros([2, 1, 0]), zeros([2, 0, 2])), [2, 1, 2], [0, 0, 0, 0]);
  });
});
