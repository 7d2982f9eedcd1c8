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
