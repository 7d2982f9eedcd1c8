/** Variance, deviation, norm, products and cumulative sums. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { backward, grad } from "../../engine/autograd.ts";
import { setBackend } from "../../engine/backend.ts";
import { CpuBackend } from "../../engine/backends/cpu/backend.ts";
import { tensor } from "../../engine/create.ts";
import { sizeOf } from "../../engine/shape.ts";
import * as k from "../../kernels/index.ts";
import { assertTensor, checkGradients, distinct, seeds, shapes, useReference, values } from "./helpers.ts";

beforeEach(useReference);

describe("variance and std", () => {
  // 2, 4, 4, 4, 5, 5, 7, 9: mean 5, squares of distances sum to 32.
  const xs = [2, 4, 4, 4, 5, 5, 7, 9];
  it("by hand: of a population and of a sample", async () => {
    await assertTensor(k.variance(tensor(xs), undefined, { correction: 0 }), [], [4]);
    await assertTensor(k.std(tensor(xs), undefined, { correction: 0 }), [], [2]);
    await assertTensor(k.variance(tensor(xs)), [], [32 / 7]);
    await assertTensor(k.variance(tensor(xs, [2, 4]), 1, { keepDims: true }), [2, 1], [1, 11 / 3]);
    await assertTensor(k.variance(tensor(xs, [2, 4]), 0, { correction: 0 }), [4], [2.25, 0.25, 2.25, 6.25]);
  });
  it("a far mean costs nothing", async () => {
    await assertTensor(k.variance(k.add(tensor(xs), 2 ** 30)), [], [32 / 7]);
  });
  it("gradients of gradients", async () => {
    const [x] = distinct(3, [3, 4]);
    for (const correction of [0, 1]) {
      await checkGradients((t) => k.variance(t, 1, { correction }), [x!]);
      await checkGradients((t) => k.std(t, [0, 1], { correction }), [x!]);
    }
  });
  it("equal elements: std is 0, and so is its derivative", async () => {
    const x = tensor([3, 3, 3], [3], { requiresGrad: true });
    const y = k.std(x);
    await assertTensor(y, [], [0]);
    backward(y);
    assert.deepEqual((await values(x.grad!)).map(Math.abs), [0, 0, 0]);
  });
});

describe("norm", () => {
  it("by hand, and its derivative at 0", async () => {
    const x = tensor([3, 4, 0, 0], [2, 2], { requiresGrad: true });
    const y = k.norm(x, 1);
    await assertTensor(y, [2], [5, 0]);
    backward(k.sum(y));
    await assertTensor(x.grad!, [2, 2], [0.6, 0.8, 0, 0]);
  });
});

describe("prod", () => {
  it("has the right gradient where factors are 0: one, two, none", async () => {
    const x = tensor([2, 0, 5, 0, 0, 7, 2, 3, 4], [3, 3], { requiresGrad: true });
    const y = k.prod(x, 1);
    await assertTensor(y, [3], [0, 0, 24]);
    backward(k.sum(y));
    await assertTensor(x.grad!, [3, 3], [0, 10, 0, 0, 0, 0, 12, 8, 6]);
  });
  it("and the right second derivative, for any number of factors", async () => {
    for (let length = 1; length <= 7; length++) {
      const factors = Array.from({ length }, (_, i) => (i % 3 === 1 ? 0 : i + 2));
      const x = tensor(factors, [length], { requiresGrad: true });
      // d^2 y / dx_0 dx_j is the product of all factors but those two.
      const [first] = grad(k.prod(x), [x], { createGraph: true });
      const without = (...left: number[]) =>
        factors.reduce((product, factor, i) => (left.includes(i) ? product : product * factor), 1);
      await assertTensor(first, [length], factors.map((_, i) => without(i))); // prettier-ignore
      if (length === 1) continue;
      const [second] = grad(k.sum(k.slice(first, [0], [1])), [x]);
      await assertTensor(second, [length], factors.map((_, i) => (i === 0 ? 0 : without(0, i)))); // prettier-ignore
    }
  });
});

describe("cumsum", () => {
  it("by hand, along each axis", async () => {
    const x = tensor([1, 2, 3, 4, 5, 6], [2, 3]);
    await assertTensor(k.cumsum(x, 1), [2, 3], [1, 3, 6, 4, 9, 15]);
    await assertTensor(k.cumsum(x, -2), [2, 3], [1, 2, 3, 5, 7, 9]);
  });
  it("its gradient sums from the other end", async () => {
    const x = tensor([1, 2, 3], [3], { requiresGrad: true });
    await assertTensor(grad(k.cumsum(x, 0), [x], { gradient: tensor([1, 10, 100]) })[0], [3], [111, 110, 100]); // prettier-ignore
  });

  describe("on the cpu backend", () => {
    let cpu: CpuBackend;
    before(async () => {
      cpu = await CpuBackend.create(1);
    });
    after(() => cpu.destroy());
    it("is a naive loop's", async () => {
      await fc.assert(
        fc.asyncProperty(shapes(1, 3), fc.nat(2), seeds, async (shape, at, seed) => {
          const axis = at % shape.length;
          const xs = Array.from({ length: sizeOf(shape) }, (_, i) => ((i * 7 + seed) % 13) - 6);
          const inner = sizeOf(shape.slice(axis + 1));
          const expected = xs.slice();
          // Each element adds the one before it along the axis.
          for (let i = 0; i < xs.length; i++)
            if (Math.floor(i / inner) % shape[axis]! > 0) expected[i]! += expected[i - inner]!;
          setBackend(cpu);
          using y = k.cumsum(tensor(xs, shape), axis);
          assert.deepEqual(await values(y), expected);
        }),
        { numRuns: 30 },
      );
    });
  });
});
