import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { init } from "../../engine/backend.ts";
import { parameter } from "../../nn/module.ts";
import { RMSProp } from "../../nn/optim/rmsprop.ts";
import type { RMSPropOptions } from "../../nn/optim/rmsprop.ts";
import { StateDictError } from "../../nn/state.ts";
import { near, steps } from "./support.ts";

before(() => init({ backend: "reference" }));

describe("RMSProp", () => {
  it("golden: epsilon inside of the root, mean square from 1", async () => {
    const w = parameter([1], [1]);
    const optimizer = new RMSProp(new Map([["w", w]]), { lr: 0.1, rho: 0.9, momentum: 0.9, epsilon: 1e-3 });
    const [first, second] = await steps(optimizer, [w], [[[0.5]], [[0.5]]]);
    assert.deepEqual([first, second].map((w) => w![0]!.toFixed(9)), ["0.948040554", "0.847313585"]); // prettier-ignore
    near(Array.from((await optimizer.state()).get("w.square")!.data), [0.8575]);
  });

  it("is the recurrence, for any options and gradients", async () => {
    const options = fc.record({
      lr: fc.double({ min: 0, max: 2, noNaN: true }),
      rho: fc.double({ min: 0, max: 0.999, noNaN: true }),
      momentum: fc.double({ min: 0, max: 0.999, noNaN: true }),
      epsilon: fc.double({ min: 1e-6, max: 1, noNaN: true }),
      weightDecay: fc.double({ min: 0, max: 1, noNaN: true }),
    });
    const number = fc.double({ min: -10, max: 10, noNaN: true });
    const gradients = fc.array(fc.array(number, { minLength: 3, maxLength: 3 }), {
      minLength: 1,
      maxLength: 5,
    });
    await fc.assert(
      fc.asyncProperty(options, gradients, async (options, gradients) => {
        const start = [1, -2, 0];
        const w = parameter([3, 1], start);
        using optimizer = new RMSProp(new Map([["w", w]]), options);
        const values = await steps(optimizer, [w], gradients.map((gradient) => [gradient])); // prettier-ignore
        const expected = recurrence(start, gradients, options);
        values.forEach((now, t) => {
          now.forEach((value, i) => {
            const want = expected[t]![i]!;
            assert.ok(
              Math.abs(value - want) <= 1e-9 * Math.max(1, Math.abs(want)),
              `step ${t}: ${value} for ${want}`,
            );
          });
        });
      }),
      { numRuns: 50 },
    );
  });

  it("goes on from its state as if it had not stopped", async () => {
    const options = { lr: 0.1, momentum: 0.9, weightDecay: 0.01 };
    const w = parameter([1, 2], [1, 2]);
    const optimizer = new RMSProp(new Map([["w", w]]), options);
    const gradients = [[[2, 3]], [[-1, 5]]];
    await steps(optimizer, [w], gradients);
    const state = await optimizer.state();
    assert.deepEqual([...state.keys()], ["w.square", "w.velocity"]);
    const copy = parameter([1, 2], await w.data());
    const resumed = new RMSProp(new Map([["w", copy]]), options);
    resumed.loadState(state);
    assert.deepEqual(await steps(resumed, [copy], gradients), await steps(optimizer, [w], gradients));
    assert.throws(() => { resumed.loadState(new Map()); }, StateDictError); // prettier-ignore
  });

  it("refuses options out of their range", () => {
    const wrong: RMSPropOptions[] = [
      { lr: -1 },
      { lr: 1, rho: 1 },
      { lr: 1, rho: NaN },
      { lr: 1, momentum: -0.1 },
      { lr: 1, epsilon: -1 },
      { lr: 1, weightDecay: -1 },
    ];
    for (const options of wrong) {
      assert.throws(() => new RMSProp(new Map(), options), { name: "ValueError", message: /^RMSProp: / });
    }
  });
});

/** The parameter after each step, by plain loops. */
function recurrence(
  start: number[],
  gradients: number[][],
  options: Required<Omit<RMSPropOptions, "decays">>,
) {
  const { lr, rho, momentum, epsilon, weightDecay } = options;
  const w = [...start];
  const square = w.map(() => 1);
  const velocity = w.map(() => 0);
  return gradients.map((gradient) => {
    for (let i = 0; i < w.length; i++) {
      const g = gradient[i]! + weightDecay * w[i]!;
      square[i] = rho * square[i]! + (1 - rho) * g * g;
      velocity[i] = momentum * velocity[i]! + (lr * g) / Math.sqrt(square[i]! + epsilon);
      w[i]! -= velocity[i]!;
    }
    return [...w];
  });
}
