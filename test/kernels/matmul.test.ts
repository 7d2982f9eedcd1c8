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
    assertRefused(() => k.matmul(zeros([2, 3]), zeros([2, 3])), ShapeError, /^matmul: expected shapes \[m, k\] and \[k, n\], got \[2, 3\] and \[2, 3\]$/); // prettier-ignore
    assertRefused(() => k.matmul(zeros([2, 3]), zeros([3, 2]), { transposeB: true }), ShapeError, /^matmul: expected shapes \[m, k\] and \[n, k\]/); // prettier-ignore
    assertRefused(() => k.matmul(zeros([3]), zeros([3, 2])), ShapeError, /^matmul: expected shapes/);
    assertRefused(() => k.matmul(zeros([1, 2, 3]), zeros([3, 2])), ShapeError, /^matmul: expected shapes/);
    assertRefused(() => k.matmul(tensor(Int32Array.of(1), [1, 1]), zeros([1, 1])), DTypeError, /^matmul: expected f32 for a, got i32/); // prettier-ignore
  });
});
