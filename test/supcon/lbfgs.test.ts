import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { currentBackend, init } from "../../engine/backend.ts";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import type { LabelledFeatures } from "../../supcon/evaluate/features.ts";
import { minimize } from "../../supcon/evaluate/lbfgs.ts";
import { linearTop1, standardization, trainLinear } from "../../supcon/evaluate/linear.ts";
import { trainLogistic } from "../../supcon/evaluate/logistic.ts";
import { useReference } from "../kernels/helpers.ts";

before(useReference);

/** Solves A x = b by Gaussian elimination with pivots. */
function solve(a: readonly (readonly number[])[], b: readonly number[]): number[] {
  const rows = a.map((row, i) => [...row, b[i]!]);
  const n = rows.length;
  for (let k = 0; k < n; k++) {
    const pivot = rows.reduce((best, row, i) => (i > k && Math.abs(row[k]!) > Math.abs(rows[best]![k]!) ? i : best), k); // prettier-ignore
    [rows[k], rows[pivot]] = [rows[pivot]!, rows[k]!];
    for (let i = 0; i < n; i++) {
      if (i === k) continue;
      const factor = rows[i]![k]! / rows[k]![k]!;
      rows[i] = rows[i]!.map((x, j) => x - factor * rows[k]![j]!);
    }
  }
  return rows.map((row, k) => row[n]! / row[k]!);
}

describe("minimize", () => {
  it("finds the minimum of any convex quadratic, which is the solution of a linear system", () =>
    fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 10 }), fc.nat(1e6), async (n, history, seed) => {
        const random = new Random(seed);
        const vector = () => Array.from({ length: n }, () => random.normal());
        const factor = Array.from({ length: n }, vector);
        // F F^T + 0.1 I is positive definite.
        const a = factor.map((row, i) => factor.map((other, j) => row.reduce((sum, x, k) => sum + x * other[k]!, i === j ? 0.1 : 0))); // prettier-ignore
        const b = vector();
        const evaluate = (x: Float64Array) => {
          const ax = a.map((row) => row.reduce((sum, each, k) => sum + each * x[k]!, 0));
          const value = ax.reduce((sum, each, i) => sum + x[i]! * (each / 2 - b[i]!), 0);
          return Promise.resolve({ value, gradient: Float64Array.from(ax, (each, i) => each - b[i]!) });
        };
        const found = await minimize(evaluate, new Float64Array(n), { history, tolerance: 1e-8, iterations: 2000 });
        assert.ok(found.converged, `gradient ${found.gradientNorm}`);
        solve(a, b).forEach((x, i) => { assert.ok(Math.abs(found.x[i]! - x) < 1e-6, `${found.x[i]!} is not ${x}`); });
      }),
      { numRuns: 60 },
    )); // prettier-ignore

  it("follows Rosenbrock's curved valley to its end, downhill all the way", async () => {
    const evaluate = ([x = 0, y = 0]: Float64Array) =>
      Promise.resolve({
        value: (1 - x) ** 2 + 100 * (y - x * x) ** 2,
        gradient: Float64Array.of(-2 * (1 - x) - 400 * x * (y - x * x), 200 * (y - x * x)),
      });
    const seen: number[] = [];
    const options = { tolerance: 1e-8, onIteration: (_: number, value: number) => void seen.push(value) };
    const { x, iterations, converged } = await minimize(evaluate, Float64Array.of(-1.2, 1), options);
    assert.ok(converged && iterations < 60, `${iterations} iterations`);
    assert.ok(Math.abs(x[0]! - 1) < 1e-7 && Math.abs(x[1]! - 1) < 1e-7, x.join(" "));
    assert.deepEqual(seen.toSorted((a, b) => b - a), seen); // prettier-ignore
    assert.equal(seen.length, iterations);
    const early = await minimize(evaluate, Float64Array.of(-1.2, 1), { iterations: 5 });
    assert.deepEqual([early.iterations, early.converged], [5, false]);
  });

  it("ends where the function has no more digits, and refuses bad options", async () => {
    // In steps of 0.01 there is nothing to gain near the minimum.
    const coarse = ([x = 0]: Float64Array) =>
      Promise.resolve({ value: Math.round(50 * x * x) / 100, gradient: Float64Array.of(x) });
    const { x, converged } = await minimize(coarse, Float64Array.of(3), { tolerance: 1e-12 });
    assert.ok(converged || Math.abs(x[0]!) < 0.2, `x = ${x[0]!}`);
    await assert.rejects(minimize(coarse, Float64Array.of(3), { history: 0 }), ValueError);
    await assert.rejects(minimize(coarse, Float64Array.of(3), { tolerance: 0 }), ValueError);
    await assert.rejects(minimize(coarse, Float64Array.of(3), { iterations: 0.5 }), ValueError);
  });
});

/** Overlapping clusters of `classes` classes in two dimensions. */
function overlapping(count: number, classes: number, seed: number): LabelledFeatures {
  const random = new Random(seed);
  const labels = Int32Array.from({ length: count }, (_, i) => i % classes);
  const values = Float32Array.from({ length: 2 * count }, (_, i) => {
    const label = labels[i >> 1]!;
    return random.normal(i % 2 === 0 ? 2 * label : label === 1 ? 3 : 0, 1.5);
  });
  return { values, labels, count, length: 2, classes };
}

/** Softmax regression by Newton's method in plain loops: weights [features][classes], then biases. */
function newton({ values, labels, count, length, classes }: LabelledFeatures, l2: number): number[] {
  const { mean, scale } = standardization({ values, count, length });
  const rows = Array.from({ length: count }, (_, i) => [...Array.from({ length }, (_, k) => (values[i * length + k]! - mean[k]!) * scale[k]!), 1]); // prettier-ignore
  const size = (length + 1) * classes;
  let w = Array.from({ length: size }, () => 0);
  for (let step = 0; step < 30; step++) {
    const gradient = w.map((x, i) => (i < length * classes ? l2 * x : 0));
    const hessian = w.map((_, i) => w.map((__, j) => (i === j && i < length * classes ? l2 : 0)));
    for (const [i, row] of rows.entries()) {
      const logits = Array.from({ length: classes }, (_, c) => row.reduce((sum, x, k) => sum + x * w[k * classes + c]!, 0)); // prettier-ignore
      const total = logits.reduce((sum, z) => sum + Math.exp(z), 0);
      const p = logits.map((z) => Math.exp(z) / total);
      for (let a = 0; a < size; a++) {
        const [ka, ca] = [Math.floor(a / classes), a % classes];
        gradient[a]! += (row[ka]! * (p[ca]! - (labels[i] === ca ? 1 : 0))) / count;
        for (let b = 0; b < size; b++) {
          const [kb, cb] = [Math.floor(b / classes), b % classes];
          hessian[a]![b]! += (row[ka]! * row[kb]! * p[ca]! * ((ca === cb ? 1 : 0) - p[cb]!)) / count;
        }
      }
    }
    // The same number on all biases changes nothing: a rank-one term makes their block regular and does not move the solution.
    for (let a = length * classes; a < size; a++) {
      for (let b = length * classes; b < size; b++) hessian[a]![b]! += 1;
    }
    const change = solve(hessian, gradient);
    w = w.map((x, i) => x - change[i]!);
  }
  return w;
}

describe("trainLogistic", () => {
  it("comes to where Newton's method comes", async () => {
    for (const [classes, l2] of [
      [2, 0.1],
      [3, 0.01],
      [4, 1e-3],
    ] as const) {
      const train = overlapping(60, classes, classes);
      const { classifier, converged } = await trainLogistic(train, { l2, tolerance: 1e-9, iterations: 2000 });
      using found = classifier;
      assert.ok(converged);
      const state = await found.linear.stateDict();
      const all = [...state.get("weight")!.data, ...state.get("bias")!.data];
      newton(train, l2).forEach((x, i) => { assert.ok(Math.abs(all[i]! - x) < 1e-6, `parameter ${i} of ${classes} classes: ${all[i]!} is not ${x}`); }); // prettier-ignore
    }
  });

  it("gives the frequencies of the classes where the features tell nothing", async () => {
    const train = { ...overlapping(12, 3, 1), values: new Float32Array(24).fill(5), labels: Int32Array.from([0, 0, 0, 0, 0, 0, 1, 1, 1, 1, 2, 2]) }; // prettier-ignore
    const { classifier, value } = await trainLogistic(train, { tolerance: 1e-9 });
    using found = classifier;
    const probabilities = [...(await found.probabilities(train))].slice(0, 3);
    [1 / 2, 1 / 3, 1 / 6].forEach((p, c) => { assert.ok(Math.abs(probabilities[c]! - p) < 1e-7, probabilities.join(" ")); }); // prettier-ignore
    const entropy = -[1 / 2, 1 / 3, 1 / 6].reduce((sum, p) => sum + p * Math.log(p), 0);
    assert.ok(Math.abs(value - entropy) < 1e-9, `the loss is the entropy, ${entropy}: ${value}`);
  });

  it("is the same every time, lower in its own loss than SGD, and leaves nothing behind", async () => {
    const { liveBuffers } = currentBackend().stats();
    const train = overlapping(90, 3, 7);
    const runs = [await trainLogistic(train), await trainLogistic(train)];
    const states = await Promise.all(runs.map(({ classifier }) => classifier.stateDict()));
    assert.deepEqual(states[0], states[1]);
    let sgdLoss = Infinity;
    using sgd = await trainLinear(train, {
      epochs: 20,
      batchSize: 30,
      onEpoch: (_, loss) => void (sgdLoss = loss),
    });
    assert.ok(runs[0]!.value < sgdLoss + 1e-3, `${runs[0]!.value} and ${sgdLoss}`);
    assert.ok((await linearTop1(sgd, train)) > 0.6);
    sgd.dispose();
    for (const { classifier } of runs) classifier.dispose();
    await assert.rejects(trainLogistic(train, { l2: -1 }), /trainLogistic: expected l2 .* got -1/);
    await assert.rejects(trainLogistic(train, { history: 0 }), ValueError);
    await assert.rejects(trainLogistic({ ...train, count: 5 }), /expected 5 training features/);
    assert.equal(currentBackend().stats().liveBuffers, liveBuffers);
  });

  it("converges in single precision as well", async () => {
    const backend = await init({ backend: "cpu" });
    try {
      const { classifier, converged, gradientNorm } = await trainLogistic(overlapping(90, 3, 7));
      classifier.dispose();
      assert.ok(converged, `gradient ${gradientNorm}`);
    } finally {
      await backend.destroy();
      useReference();
    }
  });
});
