import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { init } from "../../engine/backend.ts";
import { ValueError } from "../../engine/errors.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { parameter } from "../../nn/module.ts";
import { Adam, AdamW } from "../../nn/optim/adam.ts";
import type { AdamOptions } from "../../nn/optim/adam.ts";
import { StateDictError } from "../../nn/state.ts";
import { near, pull, read } from "./support.ts";

/** The values of a weight [1, 1] after a step with each of the gradients. */
async function run(
  Optimizer: typeof Adam | typeof AdamW,
  options: AdamOptions,
  start: number,
  gradients: number[],
) {
  const w = parameter([1, 1], [start]);
  using optimizer = new Optimizer(new Map([["w", w]]), options);
  const values: number[] = [];
  for (const gradient of gradients) {
    pull(w, [gradient]);
    optimizer.step();
    optimizer.zeroGrad();
    values.push(...(await read(w)));
  }
  return values;
}

before(() => init({ backend: "reference" }));

// Gradients 9 and 5, betas 1/2 and 3/4, epsilon 1, by hand:
//   t = 1:  m = 4.5,   mhat = 4.5 / 0.5 = 9;       v = 81/4,    vhat = 81;                   9 / (9 + 1) = 0.9
//   t = 2:  m = 4.75,  mhat = 4.75 / 0.75 = 19/3;  v = 343/16,  vhat = 343/16 / (7/16) = 49;  19/3 / (7 + 1) = 19/24
const options = { lr: 0.1, betas: [0.5, 0.75], epsilon: 1 } as const;

describe("Adam", () => {
  it("divides the mean by the root of the mean square, by hand", async () => {
    near(await run(Adam, options, 2, [9, 5]), [2 - 0.09, 2 - 0.09 - 1.9 / 24]);
  });

  it("adds the decay to the gradient", async () => {
    // 8 + 0.5 * 2 = 9, and 4.045 + 0.5 * 1.91 = 5
    near(await run(Adam, { ...options, weightDecay: 0.5 }, 2, [8, 4.045]), [1.91, 1.91 - 1.9 / 24]);
  });

  it("steps by lr with the gradient's sign where gradients do not change, whatever their size", async () => {
    const size = fc.double({ min: 1e-3, max: 1e3, noNaN: true });
    await fc.assert(
      fc.asyncProperty(size, fc.boolean(), async (size, isNegative) => {
        const gradient = isNegative ? -size : size;
        const values = await run(Adam, { lr: 0.25 }, 1, [gradient, gradient, gradient]);
        // epsilon, 1e-8 against at least 1e-3, takes a hundred-thousandth
        values.forEach((value, i) => {
          assert.ok(Math.abs(value - (1 - Math.sign(gradient) * 0.25 * (i + 1))) < 1e-5);
        });
      }),
      { numRuns: 20 },
    );
  });

  it("has PyTorch's defaults", async () => {
    // After g = 1 and g = -1: m = 0.09 - 0.1 = -0.01, v = 0.000999 + 0.001
    const mhat = -0.01 / (1 - 0.81);
    const vhat = 0.001999 / (1 - 0.999 ** 2);
    const first = 1 - 0.1 / (1 + 1e-8);
    near(await run(Adam, { lr: 0.1 }, 1, [1, -1]), [first, first - (0.1 * mhat) / (Math.sqrt(vhat) + 1e-8)]);
  });

  it("counts the steps of each parameter", async () => {
    const [often, late] = [parameter([1, 1], [0]), parameter([1, 1], [0])];
    const optimizer = new Adam(new Map([["often", often], ["late", late]]), options); // prettier-ignore
    pull(often, [9]);
    optimizer.step();
    optimizer.zeroGrad();
    pull(often, [5]);
    pull(late, [9]);
    optimizer.step();
    near(await read(often), [-0.09 - 1.9 / 24]);
    near(await read(late), [-0.09]);
  });

  it("goes on from its state as if it had not stopped", async () => {
    const options = { lr: 0.1, weightDecay: 0.01 };
    const steps = (optimizer: Adam, w: Tensor) => {
      for (const gradient of [[2, 3], [-1, 5]]) {
        pull(w, gradient);
        optimizer.step();
        optimizer.zeroGrad();
      }
      return read(w);
    }; // prettier-ignore
    const w = parameter([1, 2], [1, 2]);
    const optimizer = new Adam(new Map([["w", w]]), options);
    await steps(optimizer, w);
    const state = await optimizer.state();
    assert.deepEqual([...state.keys()], ["w.mean", "w.square", "w.step"]);
    assert.deepEqual(state.get("w.step"), { shape: [1], data: Int32Array.of(2) });
    const copy = parameter([1, 2], await w.data());
    const resumed = new Adam(new Map([["w", copy]]), options);
    resumed.loadState(state);
    assert.deepEqual(await steps(resumed, copy), await steps(optimizer, w));
    assert.throws(() => { resumed.loadState(new Map()); }, StateDictError); // prettier-ignore
  });

  it("refuses options out of their range", () => {
    const wrong: AdamOptions[] = [
      { lr: -1 },
      { lr: 1, betas: [1, 0.9] },
      { lr: 1, betas: [0.9, -0.1] },
      { lr: 1, epsilon: -1 },
      { lr: 1, weightDecay: NaN },
    ];
    for (const options of wrong) {
      assert.throws(() => new Adam(new Map(), options), { name: "ValueError", message: /^Adam: / });
      assert.throws(() => new AdamW(new Map(), options), { name: "ValueError", message: /^AdamW: / });
    }
    assert.throws(() => { new Adam(new Map(), { lr: 1 }).lr = Infinity; }, ValueError); // prettier-ignore
  });
});

describe("AdamW", () => {
  it("shrinks the parameter, and leaves the gradient alone", async () => {
    const first = 2 * (1 - 0.1 * 0.5) - 0.09;
    near(await run(AdamW, { ...options, weightDecay: 0.5 }, 2, [9, 5]), [first, first * 0.95 - 1.9 / 24]);
    near(await run(AdamW, options, 2, [9, 5]), await run(Adam, options, 2, [9, 5]));
  });

  it("shrinks weights and not biases", async () => {
    const parameters = new Map([
      ["weight", parameter([1, 1], [1])],
      ["bias", parameter([1], [1])],
    ]);
    const optimizer = new AdamW(parameters, { lr: 0.5, weightDecay: 0.5 });
    for (const w of parameters.values()) pull(w, [0]);
    optimizer.step();
    assert.deepEqual(await Promise.all([...parameters.values()].map(read)), [[0.75], [1]]);
  });
});
