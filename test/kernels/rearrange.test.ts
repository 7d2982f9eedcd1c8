/** Ops that move elements: squeeze, flip, broadcastTo, split, pad, stack, takeAlongAxis, oneHot; transposed integers. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { grad } from "../../engine/autograd.ts";
import { init } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import * as k from "../../kernels/index.ts";
import { assertTensor, distinct, seeds, shapes, useReference, values } from "./helpers.ts";

beforeEach(useReference);

const matrix = () => tensor([1, 2, 3, 4, 5, 6], [2, 3]);
const integers = (...xs: number[]) => tensor(Int32Array.from(xs));

describe("squeeze and unsqueeze", () => {
  it("drop and add axes of length 1, without a copy", () => {
    const x = tensor([1, 2, 3], [1, 3, 1]);
    assert.deepEqual(k.squeeze(x).shape, [3]);
    assert.deepEqual(k.squeeze(x, -1).shape, [1, 3]);
    assert.deepEqual(k.squeeze(x, [0, 2]).shape, [3]);
    for (const [axis, shape] of [[0, [1, 2, 3]], [1, [2, 1, 3]], [-1, [2, 3, 1]]] as const) assert.deepEqual(k.unsqueeze(matrix(), axis).shape, shape); // prettier-ignore
    assert.equal(k.squeeze(x).storage, x.storage);
  });
});

describe("flip", () => {
  it("by hand, floats and integers", async () => {
    await assertTensor(k.flip(matrix(), 1), [2, 3], [3, 2, 1, 6, 5, 4]);
    await assertTensor(k.flip(matrix()), [2, 3], [6, 5, 4, 3, 2, 1]);
    await assertTensor(k.flip(matrix(), []), [2, 3], [1, 2, 3, 4, 5, 6]);
    const y = k.flip(integers(1, 2, 3));
    await assertTensor(y, [3], [3, 2, 1]);
    assert.deepEqual([y.dtype, y.bounds], ["i32", { min: 1, max: 3 }]);
  });
});

describe("transposed integers", () => {
  it("are the transposed floats, and keep type and bounds", async () => {
    await fc.assert(
      fc.asyncProperty(shapes(1, 4), seeds, async (shape, seed) => {
        const axes = shape.map((_, axis) => axis).sort((a, b) => ((a * 7 + seed) % 5) - ((b * 7 + seed) % 5));
        const xs = Int32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, (_, i) => i);
        const expected = k.transpose(tensor(Float64Array.from(xs), shape), axes);
        const y = k.transpose(tensor(xs, shape), axes);
        await assertTensor(y, expected.shape, await values(expected));
        assert.deepEqual([y.dtype, y.bounds], ["i32", { min: 0, max: xs.length - 1 }]);
      }),
      { numRuns: 20 },
    );
  });
});

describe("broadcastTo", () => {
  it("by hand; its gradient sums what was repeated", async () => {
    const x = tensor([1, 2], [2, 1], { requiresGrad: true });
    const y = k.broadcastTo(x, [2, 2, 3]);
    await assertTensor(y, [2, 2, 3], [1, 1, 1, 2, 2, 2, 1, 1, 1, 2, 2, 2]);
    await assertTensor(grad(k.sum(y), [x])[0], [2, 1], [6, 6]);
  });
});

describe("split", () => {
  it("into equal parts, the last one shorter, or into given lengths", async () => {
    const shapesOf = (parts: { shape: readonly number[] }[]) => parts.map(({ shape }) => shape);
    assert.deepEqual(shapesOf(k.split(matrix(), 2, 1)), [[2, 2], [2, 1]]); // prettier-ignore
    assert.deepEqual(shapesOf(k.split(matrix(), [0, 2])), [[0, 3], [2, 3]]); // prettier-ignore
    const [a, b] = k.split(matrix(), [1, 2], -1);
    await assertTensor(a!, [2, 1], [1, 4]);
    await assertTensor(b!, [2, 2], [2, 3, 5, 6]);
  });
  it("is undone by concat", async () => {
    const [x] = distinct(1, [3, 5]);
    await assertTensor(k.concat(k.split(x!, 2, 1), 1), [3, 5], await values(x!));
  });
});

describe("pad", () => {
  it("with a constant, by hand", async () => {
    await assertTensor(k.pad(tensor([1, 2]), [[1, 2]], { value: 7 }), [5], [7, 1, 2, 7, 7]);
    await assertTensor(k.pad(tensor([[1]]), [[1, 0], [0, 1]]), [2, 2], [0, 0, 1, 0]); // prettier-ignore
    await assertTensor(k.pad(tensor([], [0]), [[1, 1]], { value: 3 }), [2], [3, 3]);
  });
  it("reflecting, by hand, with its gradient", async () => {
    const x = tensor([1, 2, 3], [3], { requiresGrad: true });
    const y = k.pad(x, [[2, 2]], { mode: "reflect" });
    await assertTensor(y, [7], [3, 2, 1, 2, 3, 2, 1]);
    await assertTensor(grad(k.sum(y), [x])[0], [3], [2, 3, 2]);
    const corners = k.pad(matrix(), [[0, 1], [1, 0]], { mode: "reflect" }); // prettier-ignore
    await assertTensor(corners, [3, 4], [2, 1, 2, 3, 5, 4, 5, 6, 2, 1, 2, 3]);
  });
});

describe("stack", () => {
  it("by hand, along each axis", async () => {
    const [a, b] = [tensor([1, 2]), tensor([3, 4])];
    await assertTensor(k.stack([a, b]), [2, 2], [1, 2, 3, 4]);
    await assertTensor(k.stack([a, b], -1), [2, 2], [1, 3, 2, 4]);
    await assertTensor(k.stack([tensor(1), tensor(2)]), [2], [1, 2]);
  });
});

describe("takeAlongAxis", () => {
  it("by hand, with its gradient", async () => {
    const x = tensor([10, 20, 30, 40, 50, 60], [2, 3], { requiresGrad: true });
    const y = k.takeAlongAxis(x, tensor(Int32Array.of(2, 2, 0, 1), [2, 2]), 1);
    await assertTensor(y, [2, 2], [30, 30, 40, 50]);
    await assertTensor(grad(y, [x], { gradient: tensor([1, 10, 100, 1000], [2, 2]) })[0], [2, 3], [0, 0, 11, 100, 1000, 0]); // prettier-ignore
    await assertTensor(k.takeAlongAxis(x, tensor(Int32Array.of(1, 0, 1), [1, 3]), 0), [1, 3], [40, 20, 60]);
  });
  for (const name of ["reference", "cpu"] as const) {
    it(`is a loop over all places, and so is its gradient (${name})`, async () => {
      const backend = await init({ backend: name, threads: 1 });
      await fc.assert(
        fc.asyncProperty(
          shapes(1, 3),
          fc.nat(2),
          fc.integer({ min: 1, max: 5 }),
          seeds,
          async (shape, at, count, seed) => {
            const axis = at % shape.length;
            const target = shape.with(axis, count);
            const [length, inner] = [shape[axis]!, shape.slice(axis + 1).reduce((a, b) => a * b, 1)];
            const outer = shape.slice(0, axis).reduce((a, b) => a * b, 1);
            const xs = Array.from({ length: outer * length * inner }, (_, i) => i + 1);
            const picks = Int32Array.from(
              { length: outer * count * inner },
              (_, i) => (i * 5 + seed) % length,
            );
            const [taken, added] = [new Array<number>(picks.length), new Array<number>(xs.length).fill(0)];
            for (let o = 0; o < outer; o++) {
              for (let j = 0; j < count; j++) {
                for (let c = 0; c < inner; c++) {
                  const to = (o * count + j) * inner + c;
                  const from = (o * length + picks[to]!) * inner + c;
                  taken[to] = xs[from]!;
                  added[from]! += to % 7;
                }
              }
            }
            const x = tensor(xs, shape, { requiresGrad: true });
            const y = k.takeAlongAxis(x, tensor(picks, target), axis);
            assert.deepEqual([y.shape, await values(y)], [target, taken]);
            const dy = tensor(
              taken.map((_, i) => i % 7),
              target,
            );
            assert.deepEqual(await values(grad(y, [x], { gradient: dy })[0]), added);
          },
        ),
        { numRuns: 20 },
      );
      await backend.destroy();
    });
  }
});

describe("oneHot", () => {
  it("by hand, for any shape of labels", async () => {
    await assertTensor(k.oneHot([2, 0], 3), [2, 3], [0, 0, 1, 1, 0, 0]);
    await assertTensor(k.oneHot(tensor(Int32Array.of(1), [1, 1]), 2), [1, 1, 2], [0, 1]);
    await assertTensor(k.oneHot([], 2), [0, 2], []);
  });
});
