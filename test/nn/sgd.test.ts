import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { init } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import { DTypeError, ShapeError, ValueError } from "../../engine/errors.ts";
import * as e from "../../engine/expr/expr.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { parameter } from "../../nn/module.ts";
import { SGD } from "../../nn/optim/sgd.ts";
import { StateDictError } from "../../nn/state.ts";
import { defineUpdate } from "../../nn/update.ts";
import { near, pull, read } from "./support.ts";

/** The parameter's values after each of a few steps, all with the same gradient. */
async function run(optimizer: SGD, w: Tensor, gradient: number[], steps: number): Promise<number[][]> {
  const values: number[][] = [];
  for (let step = 0; step < steps; step++) {
    pull(w, gradient);
    optimizer.step();
    optimizer.zeroGrad();
    values.push(await read(w));
  }
  return values;
}

before(() => init({ backend: "reference" }));

describe("SGD", () => {
  it("plain: w - lr g", async () => {
    const w = parameter([2], [1, 2]);
    const values = await run(new SGD(new Map([["w", w]]), { lr: 0.5 }), w, [1, -2], 2);
    assert.deepEqual(values, [
      [0.5, 3],
      [0, 4],
    ]);
  });

  it("momentum 0.5 and decay 0.5, by hand", async () => {
    // g = 2, w = 1:  g' = 2.5, v = 2.5;  g' = 2.375, v = 3.625;  g' = 2.19375, v = 4.00625;  each w falls by 0.1 v
    const w = parameter([1, 1], [1]);
    const options = { lr: 0.1, momentum: 0.5, weightDecay: 0.5 };
    const values = await run(new SGD(new Map([["w", w]]), options), w, [2], 3);
    near(values.flat(), [0.75, 0.3875, -0.013125]);
  });

  it("Nesterov, by hand", async () => {
    // g' = 2.5, v = 2.5: w falls by 0.1 (2.5 + 1.25);  g' = 2.3125, v = 3.5625: by 0.1 (2.3125 + 1.78125)
    const w = parameter([1, 1], [1]);
    const options = { lr: 0.1, momentum: 0.5, weightDecay: 0.5, nesterov: true };
    const values = await run(new SGD(new Map([["w", w]]), options), w, [2], 2);
    near(values.flat(), [0.625, 0.215625]);
  });

  it("decays weights and not biases, or what `decays` says", async () => {
    const decayed = async (decays?: (name: string) => boolean) => {
      const parameters = new Map([
        ["fc.weight", parameter([1, 1], [1])],
        ["fc.bias", parameter([1], [1])],
      ]);
      const optimizer = new SGD(parameters, { lr: 1, weightDecay: 0.25, ...(decays && { decays }) });
      for (const w of parameters.values()) pull(w, [0]);
      optimizer.step();
      return Promise.all([...parameters.values()].map(read));
    };
    assert.deepEqual(await decayed(), [[0.75], [1]]);
    assert.deepEqual(await decayed((name) => name.endsWith("bias")), [[1], [0.75]]);
  });

  it("leaves parameters without a gradient alone, and follows lr", async () => {
    const [w, idle] = [parameter([1, 1], [1]), parameter([1, 1], [1])];
    const optimizer = new SGD(new Map([["w", w], ["idle", idle]]), { lr: 1, weightDecay: 0.5 }); // prettier-ignore
    pull(w, [1]);
    optimizer.lr = 0.5;
    optimizer.step();
    assert.deepEqual([await read(w), await read(idle)], [[0.25], [1]]);
  });

  it("goes on from its state as if it had not stopped", async () => {
    const options = { lr: 0.1, momentum: 0.9, weightDecay: 0.01 };
    const w = parameter([1, 2], [1, 2]);
    const optimizer = new SGD(new Map([["w", w]]), options);
    await run(optimizer, w, [2, 3], 2);
    const state = await optimizer.state();
    const copy = parameter([1, 2], await w.data());
    const resumed = new SGD(new Map([["w", copy]]), options);
    resumed.loadState(state);
    assert.deepEqual(await run(resumed, copy, [2, 3], 3), await run(optimizer, w, [2, 3], 3));
    assert.throws(() => { resumed.loadState(new Map()); }, StateDictError); // prettier-ignore
  });

  it("refuses options out of their range", () => {
    const wrong = [
      { lr: -1 },
      { lr: NaN },
      { lr: 1, momentum: 1 },
      { lr: 1, momentum: -0.1 },
      { lr: 1, weightDecay: -1 },
      { lr: 1, nesterov: true },
    ];
    for (const options of wrong) {
      assert.throws(() => new SGD(new Map(), options), ValueError, JSON.stringify(options));
    }
    assert.throws(() => { new SGD(new Map(), { lr: 1 }).lr = Infinity; }, ValueError); // prettier-ignore
  });
});

describe("defineUpdate", () => {
  const swap = defineUpdate("swap", (a, b) => [b, a]);
  const axpy = defineUpdate("axpy", (y, x, a) => [e.add(y, e.mul(a, x))]);

  it("reads all operands before it overwrites any", async () => {
    const [a, b] = [tensor([1, 2]), tensor([3, 4])];
    swap(a, b);
    assert.deepEqual([await read(a), await read(b)], [[3, 4], [1, 2]]); // prettier-ignore
  });

  it("broadcasts what is only read", async () => {
    const y = tensor([[1, 2], [3, 4]]); // prettier-ignore
    axpy(y, tensor([10, 20]), 2);
    assert.deepEqual(await read(y), [21, 42, 23, 44]);
  });

  it("refuses to overwrite numbers or tensors that would have to grow", () => {
    assert.throws(() => { axpy(tensor([1]), tensor([1, 2]), 2); }, ShapeError); // prettier-ignore
    assert.throws(() => { axpy(1, tensor([1, 2]), 2); }, ShapeError); // prettier-ignore
    assert.throws(() => { swap(tensor([1, 2]), tensor([1])); }, ShapeError); // prettier-ignore
  });

  it("refuses to overwrite integers, and reads them", async () => {
    const [integers, y] = [tensor(Int32Array.of(1, 2)), tensor([3, 4])];
    assert.throws(() => { swap(integers, y); }, DTypeError); // prettier-ignore
    axpy(y, integers, 2);
    assert.deepEqual(await read(y), [5, 8]);
  });
});
