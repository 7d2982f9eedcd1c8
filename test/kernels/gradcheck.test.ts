import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { grad } from "../../engine/autograd.ts";
import { currentBackend } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import { gradCheck, GradientError } from "../../engine/gradcheck.ts";
import { graph } from "../../engine/graph.ts";
import { defineOp } from "../../engine/op.ts";
import type { Tensor } from "../../engine/tensor.ts";
import * as k from "../../kernels/index.ts";
import { assertTensor, useReference } from "./helpers.ts";

beforeEach(useReference);

/** x^2 with the derivative of x^3. */
const wrong = defineOp({
  name: "wrong",
  infer: ({ x }: { x: Tensor }) => x.shape,
  forward: ({ x }) => ({ output: k.square(x), saved: { x } }),
  backward: ({ x }, dy) => ({ x: () => k.mul(k.mul(dy, 3), k.square(x)) }),
});

describe("gradCheck", () => {
  it("counts what it checked", async () => {
    const result = await gradCheck((a, b) => k.mul(a, b), [tensor([1, 2, 3]), tensor([[4], [5]])]);
    assert.equal(result.checked, 5);
    assert.ok(result.largestError > 0 && result.largestError < 1e-8);
  });
  it("tells input, element and both numbers of a wrong derivative", async () => {
    // With the fixed weight w of element 1: w 2 x = 4 w by differences, w 3 x^2 = 12 w from the rule.
    await assert.rejects(
      gradCheck((a, b) => k.add(a, wrong({ x: b }, undefined)), [tensor([1]), tensor([2 / 3, 2])]),
      (error) => {
        assert.ok(error instanceof GradientError);
        const numbers =
          /^gradCheck: expected (\S+) by central differences, got (\S+) from backward, for element 1 of input 1 \(shape \[2\]\)$/.exec(
            error.message,
          );
        assert.ok(numbers && Math.abs(Number(numbers[2]) / Number(numbers[1]) - 3) < 1e-6, error.message);
        return true;
      },
    );
  });
  it("leaves no memory behind, whether the derivative is right or not", async () => {
    const x = tensor([1, 2]);
    const { liveBuffers } = currentBackend().stats();
    await gradCheck((y) => k.square(y), [x]);
    await assert.rejects(
      gradCheck((y) => wrong({ x: y }, undefined), [x]),
      GradientError,
    );
    assert.equal(currentBackend().stats().liveBuffers, liveBuffers);
  });
  it("sees an input that the output does not depend on", async () => {
    assert.equal((await gradCheck((a, b) => k.add(a, k.mul(b, 0)), [tensor([1]), tensor([2])])).checked, 2);
    assert.equal((await gradCheck((a) => k.square(a), [tensor([1]), tensor([2])])).checked, 2);
  });
});

describe("graph", () => {
  it("names ops and leaves, with shapes, each once", () => {
    const x = tensor([[1, 2]], undefined, { requiresGrad: true });
    const y = k.mul(x, x);
    const dot = graph(k.sum(k.add(y, k.exp(y))));
    const labels = [...dot.matchAll(/label="(.*?)"/g)].map(([, label]) => label).sort();
    assert.deepEqual(labels, [
      "add\\n[1, 2]",
      "exp\\n[1, 2]",
      "leaf\\n[1, 2]",
      "mul\\n[1, 2]",
      "reshape\\n[]",
      "sum\\n[1, 1]",
    ]);
    assert.equal(dot.match(/->/g)?.length, 7);
  });
  it("of a constant has nothing to show", () => {
    assert.equal(graph(tensor([1])), "digraph {\n\n}\n");
  });
});

it("a Hessian-vector product, as the documentation of grad shows it", async () => {
  // L = (x^T A x) / 2 has the Hessian (A + A^T) / 2.
  const a = tensor([[2, 1, 0], [3, 4, 5], [0, 1, 6]]); // prettier-ignore
  const x = tensor([1, -1, 2], [3], { requiresGrad: true });
  const v = tensor([1, 2, 3]);
  const loss = k.div(k.einsum("i,ij,j->", x, a, x), 2);
  const [g] = grad(loss, [x], { createGraph: true });
  const [hv] = grad(k.sum(k.mul(g, v)), [x]);
  await assertTensor(hv, [3], [2 + 4, 2 + 8 + 9, 6 + 18]);
});
