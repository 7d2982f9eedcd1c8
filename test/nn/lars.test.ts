import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { currentBackend, init, setBackend } from "../../engine/backend.ts";
import { Random } from "../../engine/random.ts";
import { BatchNorm2d, LARS, Linear, Sequential } from "../../nn/index.ts";
import type { LARSOptions, LARSVariant } from "../../nn/index.ts";
import { parameter } from "../../nn/module.ts";
import { StateDictError } from "../../nn/state.ts";
import { near, pull, read, steps } from "./support.ts";

before(() => init({ backend: "reference" }));

const variants: LARSVariant[] = ["tensorflow", "pytorch"];

describe("LARS", () => {
  it("golden: w = (3, 4), g = (0.6, 0.8), lr 1: moves by a thousandth of its length", async () => {
    for (const variant of variants) {
      const w = parameter([1, 2], [3, 4]);
      const optimizer = new LARS(new Map([["w", w]]), { lr: 1, epsilon: 0, variant });
      near((await steps(optimizer, [w], [[[0.6, 0.8]]])).flat(), [2.997, 3.996]);
    }
  });

  it("moves by the same whatever the size of its gradients", async () => {
    for (const size of [1e-6, 1, 1e6]) {
      const w = parameter([1, 2], [3, 4]);
      const optimizer = new LARS(new Map([["w", w]]), { lr: 2, momentum: 0 });
      near((await steps(optimizer, [w], [[[0.6 * size, 0.8 * size]]])).flat(), [2.994, 3.992]);
    }
  });

  it("by hand, where the learning rate changes: only one variant's velocity remembers the first", async () => {
    // trust 1/2, no decay. Step 1, w = 4, g = 1, lr 1/2: lambda = 2; v = 1 and w = 4 - 1, or v = 2 and w = 4 - 2/2.
    // Step 2, w = 3, g = 1, lr 1/4, mu 1/2: lambda = 3/2;  v = 1/2 + 3/8, w = 3 - 7/8, or v = 1 + 3/2, w = 3 - 5/8.
    const after = { tensorflow: [3, 2.125], pytorch: [3, 2.375] };
    for (const variant of variants) {
      const w = parameter([1, 1], [4]);
      const optimizer = new LARS(new Map([["w", w]]), {
        ...{ lr: 0.5, momentum: 0.5, trust: 0.5, epsilon: 0, variant },
      });
      const [first] = await steps(optimizer, [w], [[[1]]]);
      optimizer.lr = 0.25;
      const [second] = await steps(optimizer, [w], [[[1]]]);
      near([...first!, ...second!], after[variant]);
    }
  });

  it("is the recurrence, for any options and gradients", async () => {
    // On a grid: the squares of the smallest doubles would be 0.
    const grid = (min: number, max: number) => fc.integer({ min, max }).map((x) => x / 100);
    const options = fc.record({
      lr: grid(0, 1000),
      momentum: grid(1, 99),
      trust: grid(0, 10),
      epsilon: grid(0, 10),
      weightDecay: grid(0, 100),
      nesterov: fc.boolean(),
      variant: fc.constantFrom(...variants),
    });
    const number = fc.oneof(fc.constant(0), grid(-1000, 1000));
    const vector = fc.array(number, { minLength: 3, maxLength: 3 });
    const gradients = fc.array(fc.tuple(vector, vector), { minLength: 1, maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(options, vector, gradients, async (options, start, gradients) => {
        // The second one neither decays nor adapts.
        const both = [parameter([3, 1], start), parameter([3], start)];
        using optimizer = new LARS(new Map(both.map((w, i) => [`w${i}`, w])), options);
        const values = await steps(optimizer, both, gradients);
        const expected = [
          recurrence(start, gradients.map(([g]) => g), options, true),
          recurrence(start, gradients.map(([, g]) => g), { ...options, weightDecay: 0 }, false),
        ]; // prettier-ignore
        values.forEach((now, t) => {
          const want = expected.flatMap((each) => each[t]!);
          now.forEach((value, i) => {
            assert.ok(
              Math.abs(value - want[i]!) <= 1e-9 * Math.max(1, Math.abs(want[i]!)),
              `step ${t}: ${now.join()} for ${want.join()}`,
            );
          });
        });
      }),
      { numRuns: 100 },
    );
  });

  it("is plain SGD with momentum where parameter or gradient are 0", async () => {
    for (const variant of variants) {
      const [zero, still] = [parameter([1, 1], [0]), parameter([1, 1], [2])];
      const optimizer = new LARS(new Map([["zero", zero], ["still", still]]), { lr: 0.5, variant }); // prettier-ignore
      near((await steps(optimizer, [zero, still], [[[3], [0]]])).flat(), [-1.5, 2]);
    }
  });

  it("excludes the scales and shifts of normalisations alone, as the paper's code does", async () => {
    const model = new Sequential(new Linear(1, 1, { random: new Random(0) }), new BatchNorm2d(1));
    const modules = [...model.namedModules().values()];
    const excluded = new Set(modules.filter((m) => m instanceof BatchNorm2d).flatMap((m) => m.parameters()));
    const included = (_name: string, w: (typeof all)[number]) => !excluded.has(w);
    const all = model.parameters();
    all.forEach((w) => { w.backend.write(w.buffer, [4]); }); // prettier-ignore
    const options = { lr: 1, weightDecay: 1, trust: 0.5, momentum: 0, decays: included, adapts: included };
    const optimizer = new LARS(model.namedParameters(), options);
    // g' = 1 + 4 for weight and bias, which move by half of their length whatever it is; g' = 1 for gamma and beta
    assert.deepEqual(await steps(optimizer, all, [all.map(() => [1])]), [[2, 2, 3, 3]]);
  });

  it("leaves no memory behind, and reads nothing", async () => {
    const w = parameter([2, 2], [1, 2, 3, 4]);
    using optimizer = new LARS(new Map([["w", w]]), { lr: 1 });
    pull(w, [1, 1, 1, 1]);
    const backend = currentBackend();
    const { liveBuffers, kernelsRun } = backend.stats();
    optimizer.step();
    assert.equal(backend.stats().liveBuffers, liveBuffers);
    assert.equal(backend.stats().kernelsRun, kernelsRun + 2);
    assert.notDeepEqual(await read(w), [1, 2, 3, 4]);
  });

  it("is the recurrence on the cpu backend, in f32", async () => {
    const reference = currentBackend();
    const backend = await init({ backend: "cpu", threads: 1 });
    try {
      const random = new Random(1);
      const normal = (length: number) => Array.from({ length }, () => random.normal());
      // Some elements more than SIMD takes at a time.
      const [start, gradients] = [normal(67), [normal(67), normal(67)]];
      for (const variant of variants) {
        const options = { lr: 3, momentum: 0.9, weightDecay: 0.1, nesterov: false, variant };
        const w = parameter([67, 1], start);
        using optimizer = new LARS(new Map([["w", w]]), { ...options, trust: 0.1, epsilon: 0.5 });
        const values = await steps(optimizer, [w], gradients.map((g) => [g])); // prettier-ignore
        const expected = recurrence(start, gradients, { ...options, trust: 0.1, epsilon: 0.5 }, true);
        const worst = Math.max(
          ...values.flatMap((now, t) => now.map((x, i) => Math.abs(x - expected[t]![i]!))),
        );
        assert.ok(worst < 3e-6, `${variant}: off by ${worst}`);
      }
    } finally {
      setBackend(reference);
      await backend.destroy();
    }
  });

  it("goes on from its state as if it had not stopped", async () => {
    const options = { lr: 10, nesterov: true, weightDecay: 0.01 };
    const w = parameter([1, 2], [1, 2]);
    const optimizer = new LARS(new Map([["w", w]]), options);
    const gradients = [[[2, 3]], [[-1, 5]]];
    await steps(optimizer, [w], gradients);
    const state = await optimizer.state();
    assert.deepEqual([...state.keys()], ["w.velocity"]);
    const copy = parameter([1, 2], await w.data());
    const resumed = new LARS(new Map([["w", copy]]), options);
    resumed.loadState(state);
    assert.deepEqual(await steps(resumed, [copy], gradients), await steps(optimizer, [w], gradients));
    assert.throws(() => { resumed.loadState(new Map()); }, StateDictError); // prettier-ignore
  });

  it("refuses options out of their range", () => {
    const wrong: LARSOptions[] = [
      { lr: -1 },
      { lr: 1, momentum: 1 },
      { lr: 1, momentum: 0, nesterov: true },
      { lr: 1, trust: -1 },
      { lr: 1, epsilon: NaN },
      { lr: 1, weightDecay: -1 },
      { lr: 1, variant: "toString" as LARSVariant },
    ];
    for (const options of wrong) {
      assert.throws(() => new LARS(new Map(), options), { name: "ValueError", message: /^LARS: / });
    }
  });
});

/** The parameter after each step, by plain loops. */
function recurrence(
  start: number[],
  gradients: number[][],
  options: Required<Omit<LARSOptions, "decays" | "adapts">>,
  adapts: boolean,
) {
  const { lr, momentum, trust, epsilon, weightDecay, nesterov, variant } = options;
  let w = [...start];
  let velocity = w.map(() => 0);
  return gradients.map((gradient) => {
    const decayed = gradient.map((g, i) => g + weightDecay * w[i]!);
    const length = Math.hypot(...w);
    let lambda = 1;
    if (adapts && variant === "tensorflow") {
      if (length > 0 && Math.hypot(...decayed) > 0) lambda = (trust * length) / Math.hypot(...decayed);
    } else if (adapts && length > 0 && Math.hypot(...gradient) > 0) {
      lambda = (trust * length) / (Math.hypot(...gradient) + weightDecay * length + epsilon);
    }
    const [accumulated, applied] = variant === "tensorflow" ? [lr, 1] : [1, lr];
    const step = decayed.map((g) => accumulated * lambda * g);
    velocity = velocity.map((v, i) => momentum * v + step[i]!);
    const moved = nesterov ? step.map((s, i) => s + momentum * velocity[i]!) : velocity;
    w = w.map((x, i) => x - applied * moved[i]!);
    return [...w];
  });
}
