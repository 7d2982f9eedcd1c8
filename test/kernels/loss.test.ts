import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { backward } from "../../engine/autograd.ts";
import { tensor, zeros } from "../../engine/create.ts";
import { DTypeError, ShapeError, ValueError } from "../../engine/errors.ts";
import * as k from "../../kernels/index.ts";
import {
  assertRefused,
  assertTensor,
  checkGradients,
  distinct,
  positive,
  seeds,
  useReference,
  values,
} from "./helpers.ts";

beforeEach(useReference);

describe("crossEntropy", () => {
  it("by hand: probabilities 1/8, 2/8, 5/8", async () => {
    const row = [1, 2, 5].map(Math.log);
    const logits = tensor([row, row], [2, 3], { requiresGrad: true });
    const loss = k.crossEntropy(logits, [0, 2]);
    await assertTensor(loss, [], [(Math.log(8) + Math.log(8 / 5)) / 2]);
    backward(loss);
    // (softmax - one-hot) / N
    await assertTensor(
      logits.grad!,
      [2, 3],
      [-7, 2, 5, 1, 2, -3].map((x) => x / 16),
    );
  });
  it("is the mean of -log softmax at the labels, with its gradients", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        seeds,
        async (n, c, seed) => {
          const [x] = distinct(seed, [n, c]);
          const labels = Int32Array.from({ length: n }, (_, i) => (i * 7 + seed) % c);
          const xs = await values(x!);
          let expected = 0;
          labels.forEach((label, i) => {
            const row = xs.slice(i * c, (i + 1) * c);
            expected -=
              Math.log(Math.exp(row[label]!) / row.reduce((total, v) => total + Math.exp(v), 0)) / n;
          });
          await assertTensor(k.crossEntropy(x!, labels), [], [expected]);
          await assertTensor(k.crossEntropy(x!, tensor(labels)), [], [expected]);
          await checkGradients((t) => k.crossEntropy(t, labels), [x!]);
        },
      ),
      { numRuns: 10 },
    );
  });
  it("of a certain and right answer is 0, however large the logits", async () => {
    await assertTensor(k.crossEntropy(tensor([[1e4, 0]]), [0]), [], [0]);
  });
  it("refuses bad labels and shapes", () => {
    const x = zeros([2, 3]);
    assertRefused(
      () => k.crossEntropy(x, [0, 3]),
      ValueError,
      /^crossEntropy: expected labels from 0 to 2, got 3 at position 1/,
    );
    assertRefused(() => k.crossEntropy(x, tensor(Int32Array.of(-1, 0))), ValueError, /^crossEntropy: expected labels from 0 to 2, got a tensor with elements from -1 to 0/); // prettier-ignore
    assertRefused(
      () => k.crossEntropy(x, [0, 0.5]),
      DTypeError,
      /^crossEntropy: expected integers as labels, got 0.5/,
    );
    assertRefused(
      () => k.crossEntropy(x, tensor([0, 1])),
      DTypeError,
      /^crossEntropy: expected i32 for labels, got f32/,
    );
    assertRefused(
      () => k.crossEntropy(x, [0]),
      ShapeError,
      /^crossEntropy: expected labels of shape \[2\] .* got \[1\]/,
    );
    assertRefused(
      () => k.crossEntropy(zeros([3]), [0]),
      ShapeError,
      /^crossEntropy: expected logits \[N, C\]/,
    );
    assertRefused(
      () => k.crossEntropy(zeros([0, 3]), []),
      ShapeError,
      /^crossEntropy: expected logits \[N, C\] with N > 0/,
    );
  });
});

describe("crossEntropy with label smoothing and class weights", () => {
  it("is PyTorch's definition, with gradients", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 4 }),
        fc.integer({ min: 1, max: 4 }),
        fc.constantFrom(0, 0.1, 0.5, 1),
        seeds,
        async (n, c, labelSmoothing, seed) => {
          const [x] = distinct(seed, [n, c]);
          const classWeights = positive(seed, [c]);
          const labels = Array.from({ length: n }, (_, i) => (i * 7 + seed) % c);
          const [xs, ws] = [await values(x!), await values(classWeights)];
          let [picked, spread, total] = [0, 0, 0];
          labels.forEach((label, i) => {
            const row = xs.slice(i * c, (i + 1) * c);
            const lse = Math.log(row.reduce((sum, v) => sum + Math.exp(v), 0));
            picked += ws[label]! * (lse - row[label]!);
            spread += row.reduce((sum, v, j) => sum + ws[j]! * (lse - v), 0);
            total += ws[label]!;
          });
          const expected = ((1 - labelSmoothing) * picked + (labelSmoothing / c) * spread) / total;
          await assertTensor(k.crossEntropy(x!, labels, { labelSmoothing, classWeights }), [], [expected]);
          await checkGradients(
            (t, w) => k.crossEntropy(t, labels, { labelSmoothing, classWeights: w }),
            [x!, classWeights],
          );
        },
      ),
      { numRuns: 12 },
    );
  });
  it("a masked class (logit -Infinity) that has no share of the target does not count", async () => {
    const x = tensor([[0, -Infinity, 0]], undefined, { requiresGrad: true });
    const loss = k.crossEntropy(x, [0]);
    await assertTensor(loss, [], [Math.LN2]);
    backward(loss);
    await assertTensor(x.grad!, [1, 3], [-0.5, 0, 0.5]);
  });
});

describe("binaryCrossEntropyWithLogits", () => {
  it("by hand: probabilities 1/4 and 3/4", async () => {
    const logits = tensor([-1, 1].map((sign) => sign * Math.log(3)), [2], { requiresGrad: true }); // prettier-ignore
    const loss = k.binaryCrossEntropyWithLogits(logits, tensor([1, 1]));
    await assertTensor(loss, [], [(Math.log(4) + Math.log(4 / 3)) / 2]);
    backward(loss);
    // (p - t) / n
    await assertTensor(logits.grad!, [2], [-3 / 8, -1 / 8]);
  });
  it("is -w t log p - (1 - t) log(1 - p), with gradients of gradients", async () => {
    const [x, targets] = distinct(1, [3, 2], [3, 2]);
    const weight = positive(3, [2]);
    const [xs, ts, ws] = [await values(x!), await values(targets!), await values(weight)];
    const terms = xs.map((v, i) => {
      const p = 1 / (1 + Math.exp(-v));
      return -ws[i % 2]! * ts[i]! * Math.log(p) - (1 - ts[i]!) * Math.log(1 - p);
    });
    const mean = terms.reduce((a, b) => a + b) / 6;
    await assertTensor(k.binaryCrossEntropyWithLogits(x!, targets!, { positiveWeight: weight }), [], [mean]);
    await checkGradients((a, b, w) => k.binaryCrossEntropyWithLogits(a, b, { positiveWeight: w }), [x!, targets!, weight]); // prettier-ignore
    await checkGradients((a) => k.binaryCrossEntropyWithLogits(a, targets!, { positiveWeight: 3 }), [x!]);
  });
  it("far out: no overflow, and as small as it is", async () => {
    const loss = (x: number, t: number) => k.binaryCrossEntropyWithLogits(tensor([x]), tensor([t]));
    await assertTensor(loss(1000, 0), [], [1000]);
    const small = await loss(-100, 0).item();
    assert.ok(Math.abs(small / Math.exp(-100) - 1) < 1e-12, String(small));
  });
});

describe("mse", () => {
  it("by hand, with gradients of gradients", async () => {
    await assertTensor(k.mse(tensor([1, 2, 3]), tensor([1, 0, 6])), [], [13 / 3]);
    await checkGradients((a, b) => k.mse(a, b), distinct(1, [2, 3], [2, 3]));
  });
});
