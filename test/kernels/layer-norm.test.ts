/** layerNorm and groupNorm. */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { grad } from "../../engine/autograd.ts";
import { tensor } from "../../engine/create.ts";
import type { Tensor } from "../../engine/tensor.ts";
import * as k from "../../kernels/index.ts";
import { assertTensor, checkGradients, distinct, positive, seeds, useReference, values } from "./helpers.ts";

beforeEach(useReference);

const epsilon = { epsilon: 0.1 };
const size = (min: number, max: number) => fc.integer({ min, max });

/** Each list to mean 0 and variance 1, then element i times gamma[i] plus beta[i]. */
const normalized = (xs: number[], gamma: (i: number) => number, beta: (i: number) => number): number[] => {
  const mean = xs.reduce((a, b) => a + b, 0) / xs.length;
  const variance = xs.reduce((total, x) => total + (x - mean) ** 2, 0) / xs.length;
  return xs.map((x, i) => ((x - mean) / Math.sqrt(variance + 0.1)) * gamma(i) + beta(i));
};

describe("layerNorm", () => {
  it("by hand", async () => {
    // Rows of mean 4 and 0, variance 5 and 0.
    const x = tensor([1, 3, 5, 7, 0, 0, 0, 0], [2, 4]);
    const y = k.layerNorm(x, tensor([3, 3, 3, 6]), tensor([10, 10, 10, 20]), { epsilon: 4 });
    await assertTensor(y, [2, 4], [7, 9, 11, 26, 10, 10, 10, 20]);
  });
  it("is the definition, over one axis or several, with gradients of gradients", async () => {
    await fc.assert(
      fc.asyncProperty(size(1, 3), size(1, 3), size(2, 4), fc.boolean(), seeds, async (n, m, c, both, seed) => {
        const inner = both ? [m, c] : [c];
        const [x] = distinct(seed, [n, m, c]);
        const [gamma, beta] = [positive(seed, inner), positive(seed + 1, inner)];
        const [xs, gs, bs] = [await values(x!), await values(gamma), await values(beta)];
        const length = gs.length;
        const expected = Array.from({ length: xs.length / length }, (_, row) =>
          normalized(xs.slice(row * length, (row + 1) * length), (i) => gs[i]!, (i) => bs[i]!),
        ).flat();
        await assertTensor(k.layerNorm(x!, gamma, beta, epsilon), [n, m, c], expected);
        await checkGradients((...ts) => k.layerNorm(ts[0]!, ts[1]!, ts[2]!, epsilon), [x!, gamma, beta]);
      }),
      { numRuns: 12 },
    );
  }); // prettier-ignore
  it("the third derivative too", async () => {
    const [x] = distinct(1, [2, 3]);
    const weights = tensor([1, 2, -1, 3, 1, -2], [2, 3]);
    const firstDerivative = (t: Tensor, gamma: Tensor, beta: Tensor) => {
      const y = k.square(k.layerNorm(t, gamma, beta, epsilon));
      return grad(k.sum(k.mul(y, weights)), [t], { createGraph: true })[0];
    };
    await checkGradients((...ts) => firstDerivative(ts[0]!, ts[1]!, ts[2]!), [x!, positive(1, [3]), positive(2, [3])]); // prettier-ignore
  });
  it("a far mean costs nothing", async () => {
    const [x] = distinct(3, [2, 50]);
    const [gamma, beta] = [positive(1, [50]), positive(2, [50])];
    const [near, far] = [k.layerNorm(x!, gamma, beta), k.layerNorm(k.add(x!, 1e6), gamma, beta)];
    assert.ok((await k.max(k.abs(k.sub(near, far))).item()) < 1e-8);
  });
});

describe("groupNorm", () => {
  it("by hand: two groups of one channel each, normalised over the pixels", async () => {
    const x = tensor([1, 2, 3, 2, 5, 2, 7, 2], [1, 2, 2, 2]);
    const y = k.groupNorm(x, 2, tensor([3, 1]), tensor([10, 20]), { epsilon: 4 });
    await assertTensor(y, [1, 2, 2, 2], [7, 20, 9, 20, 11, 20, 13, 20]);
  });
  it("is the definition, with gradients of gradients", async () => {
    await fc.assert(
      fc.asyncProperty(size(1, 2), size(1, 3), size(1, 3), size(2, 3), seeds, async (n, p, groups, width, seed) => {
        const channels = groups * width;
        const [x] = distinct(seed, [n, p, channels]);
        const [gamma, beta] = [positive(seed, [channels]), positive(seed + 1, [channels])];
        const [xs, gs, bs] = [await values(x!), await values(gamma), await values(beta)];
        const expected = xs.slice();
        for (let b = 0; b < n; b++) {
          for (let g = 0; g < groups; g++) {
            const members = Array.from({ length: p * width }, (_, i) => (b * p + Math.floor(i / width)) * channels + g * width + (i % width));
            const channel = (i: number) => g * width + (i % width);
            const own = normalized(members.map((i) => xs[i]!), (i) => gs[channel(i)]!, (i) => bs[channel(i)]!);
            members.forEach((i, j) => { expected[i] = own[j]!; });
          }
        }
        await assertTensor(k.groupNorm(x!, groups, gamma, beta, epsilon), [n, p, channels], expected);
        if (xs.length <= 24) await checkGradients((...ts) => k.groupNorm(ts[0]!, groups, ts[1]!, ts[2]!, epsilon), [x!, gamma, beta]);
      }),
      { numRuns: 12 },
    );
  }); // prettier-ignore
  it("one group over one pixel is layerNorm", async () => {
    const [x] = distinct(5, [3, 4]);
    const [gamma, beta] = [positive(1, [4]), positive(2, [4])];
    await assertTensor(k.groupNorm(x!, 1, gamma, beta), [3, 4], await values(k.layerNorm(x!, gamma, beta)));
  });
});
