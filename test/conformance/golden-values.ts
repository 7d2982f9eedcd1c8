/**
 * Golden values for a backend, worked by hand: at least one for each hand-written kernel, its gradients included. They
 * share nothing with the reference, against which the conformance suite holds every kernel. All are exact in f32,
 * unless they are given with decimals.
 */
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import { backward, grad } from "../../engine/autograd.ts";
import { setBackend } from "../../engine/backend.ts";
import type { Backend } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import type { Shape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import * as k from "../../kernels/index.ts";
import { values } from "../kernels/helpers.ts";

/** The tests, for the `describe` of a backend. */
export function testGoldenValues(open: () => Promise<Backend>): void {
  let backend: Backend;
  before(async () => {
    backend = await open();
    setBackend(backend);
  });
  after(() => backend.destroy());

  const leaf = (data: number[], shape?: Shape) => tensor(data, shape, { requiresGrad: true });
  const equal = async (actual: Tensor | null, expected: number[]) => {
    assert.ok(actual, "expected a tensor");
    assert.deepEqual(await values(actual), expected);
  };
  const near = async (actual: Tensor | null, expected: number[]) => {
    assert.ok(actual, "expected a tensor");
    const found = await values(actual);
    const scale = Math.max(1, ...expected.map(Math.abs));
    assert.equal(found.length, expected.length);
    found.forEach((value, i) => {
      assert.ok(Math.abs(value - expected[i]!) <= 2e-6 * scale, `element ${i}: expected ${expected[i]}, got ${value}`);
    }); // prettier-ignore
  };

  it("of the README's example", async () => {
    const w = leaf([3, -1], [2, 1]);
    const loss = k.mean(k.square(k.sub(k.matmul(tensor([[1, 2]]), w), 3)));
    backward(loss);
    await equal(loss, [4]);
    await equal(w.grad, [-4, -8]);
  });

  it("of a matrix product", async () => {
    const [a, b] = [leaf([1, 2, 3, 4, 5, 6], [2, 3]), leaf([1, 0, 0, 1, 1, 1], [3, 2])];
    const c = k.matmul(a, b);
    await equal(c, [4, 5, 10, 11]);
    // dA = dC B^T, dB = A^T dC
    const [da, db] = grad(c, [a, b], { gradient: tensor([1, 0, 0, 10], [2, 2]) });
    await equal(da, [1, 0, 1, 0, 10, 10]);
    await equal(db, [1, 40, 2, 50, 3, 60]);
    const batch = k.matmul(tensor([1, 2, 3, 4], [2, 1, 2]), tensor([1, 10, 100, 1000], [2, 2, 1]));
    await equal(batch, [21, 4300]);
  });

  it("of a convolution and its gradients", async () => {
    const x = leaf([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
    const w = leaf([1, 0, 0, -1], [2, 2, 1, 1]);
    const y = k.conv2d(x, w);
    await equal(y, [-4, -4, -4, -4]);
    const [dx, dw] = grad(k.sum(y), [x, w]);
    // Each of four windows adds 1 at its upper left pixel and -1 at its lower right one.
    await equal(dx, [1, 1, 0, 1, 0, -1, 0, -1, -1]);
    // Each weight sees four pixels.
    await equal(dw, [1 + 2 + 4 + 5, 2 + 3 + 5 + 6, 4 + 5 + 7 + 8, 5 + 6 + 8 + 9]);
    await equal(k.conv2d(x, w, { stride: 2, padding: 1 }), [-1, -3, -7, -4]);
    await equal(k.conv2d(x, w, { dilation: 2 }), [1 - 9]);
  });

  it("of a convolution in groups, and of a transposed one", async () => {
    const x = leaf([1, 2, 3, 4], [1, 1, 2, 2]);
    const w = leaf([5, 7], [1, 1, 1, 2]);
    const y = k.conv2d(x, w, { groups: 2 });
    await equal(y, [5, 14, 15, 28]);
    const [dx, dw] = grad(k.sum(y), [x, w]);
    await equal(dx, [5, 7, 5, 7]);
    await equal(dw, [4, 6]);
    const spread = k.convTranspose2d(tensor([1, 2], [1, 1, 2, 1]), tensor([3, 5], [1, 2, 1, 1]), {
      stride: [1, 2],
    });
    await equal(spread, [3, 5, 6, 10]); // prettier-ignore
  });

  it("of pools and their gradients", async () => {
    const x = leaf([1, 5, 2, 4, 8, 3, 7, 6, 9], [1, 3, 3, 1]);
    const highest = k.maxPool2d(x, { kernel: 2, stride: 1 });
    await equal(highest, [8, 8, 8, 9]);
    await equal(grad(k.sum(highest), [x])[0], [0, 0, 0, 0, 3, 0, 0, 0, 1]);
    const average = k.avgPool2d(x, { kernel: 2, stride: 1 });
    await equal(average, [4.5, 4.5, 6.25, 6.5]);
    await equal(grad(k.sum(average), [x])[0], [0.25, 0.5, 0.25, 0.5, 1, 0.5, 0.25, 0.5, 0.25]);
  });

  it("of what moves elements", async () => {
    const x = leaf([1, 2, 3, 4, 5, 6], [3, 2]);
    const picked = k.gather(x, [2, 0, 2], 0);
    await equal(picked, [5, 6, 1, 2, 5, 6]);
    await equal(grad(k.sum(picked), [x])[0], [1, 1, 0, 0, 2, 2]);
    await equal(k.scatterAdd(x, [1, 0, 1], 2, 0), [3, 4, 6, 8]);
    await equal(k.takeAlongAxis(x, tensor(Int32Array.of(2, 0), [1, 2]), 0), [5, 2]);
    const part = k.slice(x, [1, 1], [3, 2]);
    await equal(part, [4, 6]);
    await equal(grad(k.sum(part), [x])[0], [0, 0, 0, 1, 0, 1]);
    await equal(k.concat([x, tensor([[7], [8], [9]])], 1), [1, 2, 7, 3, 4, 8, 5, 6, 9]);
    await equal(k.transpose(x), [1, 3, 5, 2, 4, 6]);
  });

  it("of orders and sums along an axis", async () => {
    const x = tensor([3, 1, 2, 2, 9, -4], [2, 3]);
    await equal(k.sort(x, { axis: 1 }).values, [1, 2, 3, -4, 2, 9]);
    await equal(k.argMax(x, 1), [0, 1]);
    await equal(k.cumsum(x, 1), [3, 4, 6, 2, 11, 7]);
    await equal(k.sum(x, 0), [5, 10, -2]);
    await equal(k.max(x, 1), [3, 9]);
    await equal(k.resize(tensor([0, 8], [1, 1, 2, 1]), [1, 4], { mode: "bilinear" }), [0, 2, 6, 8]);
  });

  it("of normalisations and cross-entropy", async () => {
    // Mean 2 and variance 1 in each channel: gamma (x - 2) + beta, where epsilon is nothing.
    const x = leaf([1, 3, 3, 1], [2, 2]);
    const [gamma, beta] = [leaf([2, 3]), leaf([10, 20])];
    const { output, mean, variance } = k.batchNorm(x, gamma, beta, { epsilon: 0 });
    await near(output, [8, 23, 12, 17]);
    await near(mean, [2, 2]);
    await near(variance, [1, 1]);
    // dGamma = sum of dy xhat, dBeta = sum of dy; a constant dy moves no x.
    const [dx, dGamma, dBeta] = grad(k.sum(output), [x, gamma, beta]);
    await near(dx, [0, 0, 0, 0]);
    await near(dGamma, [0, 0]);
    await near(dBeta, [2, 2]);

    const logits = leaf([0, Math.log(3), 0, 0], [2, 2]);
    const loss = k.crossEntropy(logits, [0, 1]);
    await near(loss, [(Math.log(4) + Math.log(2)) / 2]);
    await near(grad(loss, [logits])[0], [(1 / 4 - 1) / 2, 3 / 8, 1 / 4, -1 / 4]);
    await near(k.logSumExp(tensor([1000, 1000]), 0), [1000 + Math.LN2]);
  });
}
