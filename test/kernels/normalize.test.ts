import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { backward, grad } from "../../engine/autograd.ts";
import { tensor, zeros } from "../../engine/create.ts";
import { ShapeError, ValueError } from "../../engine/errors.ts";
import type { Tensor } from "../../engine/tensor.ts";
import * as k from "../../kernels/index.ts";
import {
  assertRefused,
  assertTensor,
  checkGradients,
  distinct,
  positive,
  seeds,
  shapes,
  useReference,
  values,
} from "./helpers.ts";

beforeEach(useReference);

/** At least two values for each channel. */
const batches = shapes(2, 3).filter((shape) => shape.slice(0, -1).reduce((a, b) => a * b) > 1);

/** The outputs of batch normalisation joined in one tensor, each with weights, so that all three are differentiated. */
const allOutputs = (x: Tensor, gamma: Tensor, beta: Tensor) => {
  const { output, mean, variance } = k.batchNorm(x, gamma, beta, { epsilon: 0.1 });
  return k.concat([k.reshape(output, [-1]), k.mul(mean, 2), k.square(variance)], 0);
};

describe("batchNorm", () => {
  it("by hand", async () => {
    // Channel 0 holds 1, 3, 5, 7: mean 4, variance 5; channel 1 is constant.
    const x = tensor([
      [1, 2],
      [3, 2],
      [5, 2],
      [7, 2],
    ]);
    const { output, mean, variance } = k.batchNorm(x, tensor([3, 1]), tensor([10, 20]), { epsilon: 4 });
    await assertTensor(mean, [2], [4, 2]);
    await assertTensor(variance, [2], [5, 0]);
    await assertTensor(output, [4, 2], [7, 20, 9, 20, 11, 20, 13, 20]);
  });
  it("gives every channel mean beta and variance gamma^2", async () => {
    await fc.assert(
      fc.asyncProperty(batches, seeds, async (shape, seed) => {
        const channels = shape.at(-1)!;
        const [x] = distinct(seed, shape);
        const [gamma, beta] = [positive(seed, [channels]), positive(seed + 1, [channels])];
        const { output, mean, variance } = k.batchNorm(x!, gamma, beta, { epsilon: 0 });
        const axes = shape.slice(0, -1).map((_, axis) => axis);
        await assertTensor(mean, [channels], await values(k.mean(x!, axes)));
        await assertTensor(variance, [channels], await values(k.mean(k.square(k.sub(x!, mean)), axes)));
        await assertTensor(k.mean(output, axes), [channels], await values(beta));
        await assertTensor(
          k.mean(k.square(k.sub(output, beta)), axes),
          [channels],
          await values(k.square(gamma)),
        );
      }),
      { numRuns: 15 },
    );
  });
  it("gradients through all outputs, and gradients of gradients", async () => {
    await fc.assert(
      fc.asyncProperty(batches, seeds, async (shape, seed) => {
        const channels = shape.at(-1)!;
        const [x] = distinct(seed, shape);
        const inputs = [x!, positive(seed, [channels]), positive(seed + 1, [channels])];
        await checkGradients((a, b, c) => allOutputs(a, b, c), inputs);
        await checkGradients((a, b, c) => k.batchNorm(a, b, c, { epsilon: 0.1 }).output, inputs);
      }),
      { numRuns: 8 },
    );
  });
  it("a residual and a rectifier after it: the same values as by ops one after another, and the same gradients", async () => {
    await fc.assert(
      fc.asyncProperty(batches, seeds, fc.boolean(), async (shape, seed, shortcut) => {
        const channels = shape.at(-1)!;
        const [x, between] = distinct(seed, shape, shape);
        const inputs = [x!, positive(seed, [channels]), tensor(new Float64Array(channels).fill(0.3))];
        const fused = (a: Tensor, b: Tensor, c: Tensor, residual?: Tensor) =>
          k.batchNorm(a, b, c, { epsilon: 0.1, residual, relu: true }).output;
        const composed = (a: Tensor, b: Tensor, c: Tensor, residual?: Tensor) =>
          k.relu(k.add(k.batchNorm(a, b, c, { epsilon: 0.1 }).output, residual ?? 0));
        const all = shortcut ? [...inputs, between!] : inputs;
        const [of, to] = [fused, composed].map((f) => f(all[0]!, all[1]!, all[2]!, all[3]));
        await assertTensor(of!, shape, await values(to!));
        await checkGradients((a, b, c, d) => fused(a, b, c, d), all);
      }),
      { numRuns: 10 },
    );
  });
  it("gradients through the statistics alone", async () => {
    const [x] = distinct(1, [3, 2]);
    const [gamma, beta] = [tensor([1, 1]), tensor([0, 0])];
    await checkGradients((t) => k.square(k.batchNorm(t, gamma, beta).variance), [x!]);
    await checkGradients((t) => k.square(k.batchNorm(t, gamma, beta).mean), [x!]);
  });
  it("the third derivative too", async () => {
    const [x] = distinct(1, [4, 1]);
    const weights = tensor([[1], [2], [-1], [3]]);
    const firstDerivative = (t: Tensor, gamma: Tensor, beta: Tensor) => {
      const y = k.square(k.batchNorm(t, gamma, beta).output);
      return grad(k.sum(k.mul(y, weights)), [t], { createGraph: true })[0];
    };
    const inputs = [x!, positive(1, [1]), positive(2, [1])];
    await checkGradients((a, b, c) => firstDerivative(a, b, c), inputs);
  });
  it("a far mean costs nothing: the statistics of x + 1e6 are those of x", async () => {
    const [x] = distinct(3, [50, 2]);
    const [gamma, beta] = [tensor([1, 1]), tensor([0, 0])];
    const near = k.batchNorm(x!, gamma, beta);
    const far = k.batchNorm(k.add(x!, 1e6), gamma, beta);
    // 1e6 in 64 bits has an ulp of 1.2e-10; squared sums would leave no more than 4 digits.
    const difference = k.max(k.square(k.sub(k.div(far.variance, near.variance), 1)));
    assert.ok((await difference.item()) < 1e-18);
  });
  it("refuses single values, other shapes, a negative epsilon", () => {
    const one = tensor([1]);
    assertRefused(() => k.batchNorm(zeros([3, 1]), one, one, { residual: zeros([3, 2]) }), ShapeError, /^batchNorm: expected residual of shape \[3, 1\] as x, got \[3, 2\]/); // prettier-ignore
    assertRefused(() => k.batchNorm(zeros([1, 1]), one, one), ShapeError, /^batchNorm: expected at least 2 values for each channel, got x of shape \[1, 1\]/); // prettier-ignore
    assertRefused(
      () => k.batchNorm(zeros([0, 1]), one, one),
      ShapeError,
      /^batchNorm: expected at least 2 values/,
    );
    assertRefused(() => k.batchNorm(zeros([3, 2]), one, one), ShapeError, /^batchNorm: expected gamma of shape \[2\] for the channels of x, got \[1\]/); // prettier-ignore
    assertRefused(
      () => k.batchNorm(zeros([3, 1]), one, one, { epsilon: -1 }),
      ValueError,
      /^batchNorm: expected epsilon/,
    );
  });
});

describe("batchNormInference", () => {
  it("by hand, and with its gradients", async () => {
    const [x, gamma, beta] = [
      tensor([
        [1, 2],
        [3, 4],
      ]),
      tensor([3, 1]),
      tensor([10, 20]),
    ];
    const [mean, variance] = [tensor([1, 0]), tensor([5, 12])];
    await assertTensor(
      k.batchNormInference(x, gamma, beta, mean, variance, { epsilon: 4 }),
      [2, 2],
      [10, 20.5, 12, 21],
    );
    const f = (...ts: Tensor[]) =>
      k.batchNormInference(ts[0]!, ts[1]!, ts[2]!, ts[3]!, ts[4]!, { epsilon: 4 });
    await checkGradients(f, [x, gamma, beta, mean, variance]);
  });
  it("refuses other shapes", () => {
    const [two, one] = [tensor([1, 1]), tensor([1])];
    assertRefused(() => k.batchNormInference(zeros([3, 2]), two, two, one, two), ShapeError, /^batchNormInference: expected mean of shape \[2\] for the channels of x, got \[1\]/); // prettier-ignore
  });
});

describe("l2Normalize", () => {
  it("by hand: length 1, and 0 stays 0 with a finite gradient", async () => {
    const x = tensor(
      [
        [3, 4],
        [0, 0],
      ],
      [2, 2],
      { requiresGrad: true },
    );
    const y = k.l2Normalize(x);
    await assertTensor(y, [2, 2], [0.6, 0.8, 0, 0]);
    backward(k.sum(k.mul(y, tensor([1, 0]))));
    // (1 - y1^2) / 5, -y1 y2 / 5; and below epsilon x / epsilon
    await assertTensor(x.grad!, [2, 2], [0.128, -0.096, 1e12, 0]);
    await assertTensor(
      k.l2Normalize(
        tensor([
          [3, 5],
          [4, 12],
        ]),
        0,
      ),
      [2, 2],
      [0.6, 5 / 13, 0.8, 12 / 13],
    );
  });
  it("gradients", async () => {
    await fc.assert(
      fc.asyncProperty(shapes(1, 3), seeds, async (shape, seed) => {
        const axis = seed % shape.length;
        await checkGradients((t) => k.l2Normalize(t, axis), [positive(seed, shape)]);
      }),
      { numRuns: 8 },
    );
  });
  it("refuses an epsilon that f32 cannot square", () => {
    assertRefused(
      () => k.l2Normalize(zeros([2]), -1, 0),
      ValueError,
      /^l2Normalize: expected an epsilon of at least/,
    );
    assertRefused(() => k.l2Normalize(zeros([2]), 1), ShapeError, /expected an axis from -1 to 0, got 1/);
  });
});

describe("softmax and logSoftmax", () => {
  it("by hand: shares of 1, 2 and 5, far from overflow or not", async () => {
    for (const shift of [0, 1000]) {
      const x = tensor([1, 2, 5].map((share) => Math.log(share) + shift));
      const shares = [1 / 8, 2 / 8, 5 / 8];
      const close = (t: Tensor) => k.max(k.square(k.sub(t, tensor(shares)))).item();
      assert.ok((await close(k.softmax(x))) < 1e-24);
      assert.ok((await close(k.exp(k.logSoftmax(x)))) < 1e-24);
    }
    await assertTensor(k.softmax(tensor([-Infinity, 0, 0])), [3], [0, 0.5, 0.5]);
    await assertTensor(k.softmax(tensor([-Infinity, -Infinity])), [2], [NaN, NaN]);
  });
  for (const [name, op] of Object.entries({ softmax: k.softmax, logSoftmax: k.logSoftmax })) {
    it(`${name}: sums to 1 along its axis, with its gradients`, async () => {
      await fc.assert(
        fc.asyncProperty(shapes(1, 3), seeds, async (shape, seed) => {
          const axis = (seed % shape.length) - shape.length;
          const [x] = distinct(seed, shape);
          const y = op(x!, axis);
          const total = k.sum(name === "softmax" ? y : k.exp(y), axis);
          await assertTensor(total, total.shape, new Array<number>(total.size).fill(1));
          await checkGradients((t) => op(t, axis), [x!]);
        }),
        { numRuns: 8 },
      );
    });
    it(`${name}: refuses an axis without elements`, () => {
      assertRefused(
        () => op(zeros([2, 0])),
        ShapeError,
        new RegExp(`^${name}: expected at least one element along axis 1`),
      );
    });
  }
});
