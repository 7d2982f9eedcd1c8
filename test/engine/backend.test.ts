import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { currentBackend, init, setBackend } from "../../engine/backend.ts";
import type { Elements } from "../../engine/backend.ts";
import { CpuBackend } from "../../engine/backends/cpu/backend.ts";
import { tensor } from "../../engine/create.ts";
import { elementwise } from "../../engine/elementwise.ts";
import { BackendError, ValueError } from "../../engine/errors.ts";
import * as e from "../../engine/expr/expr.ts";
import { Formula } from "../../engine/formula.ts";
import { Random } from "../../engine/random.ts";
import { reduction } from "../../engine/reduction.ts";
import { scope } from "../../engine/scope.ts";
import { sizeOf } from "../../engine/shape.ts";
import type { Shape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";

const silu = elementwise("silu", (x) => e.div(x, e.add(1, e.exp(e.neg(x)))));
const affine = elementwise("affine", (x, scale, shift) => e.add(e.mul(x, scale), shift));
const sum = reduction("sum", "sum", (x) => x);
const max = reduction("max", "max", (x) => x);
const dot = new Formula("dot", 2, e.mul(e.input(0), e.input(1)), "sum");

/** Uniform numbers from -1 to 1, the same at every call. */
function uniform(shape: Shape): Float32Array {
  const random = new Random(sizeOf(shape));
  return Float32Array.from({ length: sizeOf(shape) }, () => random.uniform(-1, 1));
}

const backends: CpuBackend[] = [];
before(async () => {
  for (const threads of [1, 2, 3]) backends.push(await CpuBackend.create(threads));
});
after(async () => {
  for (const backend of backends) await backend.destroy();
});

/** What f gives on one backend; nothing of it stays. */
function on(
  backend: CpuBackend,
  f: (...inputs: Tensor[]) => Tensor,
  inputs: [Float32Array, Shape][],
): Elements {
  setBackend(backend);
  return scope(() => {
    const y = f(...inputs.map(([values, shape]) => tensor(values, shape)));
    return backend.peek(y.buffer);
  });
}

describe("the cpu backend gives the same bits whatever the number of threads", () => {
  // Each is cut into several tasks; lengths are no multiples of a task's.
  const cases: Record<string, [(...xs: Tensor[]) => Tensor, ...Shape[]]> = {
    "a map over one long row": [silu, [300_007]],
    "a map with operands that broadcast": [(x, s, t) => affine(x, s, t), [70, 33, 97], [97], [33, 1]],
    "a sum of everything": [(x) => sum(x), [500_009]],
    "sums of rows": [(x) => sum(x, 1), [600, 701]],
    "sums of columns": [(x) => sum(x, 0), [700, 601]],
    "sums of many narrow columns": [(x) => sum(x, [0, 1, 2]), [32, 28, 28, 17]],
    "sums over a middle axis": [(x) => sum(x, 1), [40, 90, 130]],
    "sums over outer and inner axes": [(x) => sum(x, [0, 2]), [40, 90, 130]],
    "maxima of rows": [(x) => max(x, 1), [600, 701]],
    "maxima of columns": [(x) => max(x, 0), [3000, 101]],
    "a product of broadcast operands, summed": [(a, b) => dot.apply([a, b], { axes: [0, 2] }), [100, 60, 50], [60, 1]],
  }; // prettier-ignore
  for (const [name, [f, ...shapes]] of Object.entries(cases)) {
    it(name, () => {
      const inputs = shapes.map((shape): [Float32Array, Shape] => [uniform(shape), shape]);
      const [one, two, three] = backends.map((backend) => on(backend, f, inputs));
      assert(one?.every(Number.isFinite));
      assert.deepEqual(two, one);
      assert.deepEqual(three, one);
    });
  }
});

describe("sums on the cpu backend are accurate", () => {
  /** Sums in f64 of a [outer, middle, inner] array over some of its axes. */
  function naive(
    values: Float32Array,
    shape: readonly [number, number, number],
    axes: number[],
  ): Float64Array {
    const kept = shape.map((length, axis) => (axes.includes(axis) ? 1 : length));
    const sums = new Float64Array(sizeOf(kept));
    let at = 0;
    for (let i = 0; i < shape[0]; i++) {
      for (let j = 0; j < shape[1]; j++) {
        for (let k = 0; k < shape[2]; k++) {
          const place = [i, j, k].reduce(
            (flat, index, axis) => flat * kept[axis]! + (kept[axis] === 1 ? 0 : index),
            0,
          );
          sums[place]! += values[at++]!;
        }
      }
    }
    return sums;
  }

  const shape = [70, 120, 90] as const;
  for (const axes of [[0], [1], [2], [0, 1], [1, 2], [0, 2], [0, 1, 2]]) {
    it(`over axes ${axes.join(", ")} of ${shape.join(" x ")}`, () => {
      // Positive numbers: then the relative error of the sum is that of the additions.
      const values = uniform(shape).map(Math.abs);
      const got = on(backends[1]!, (x) => sum(x, axes), [[values, shape]]);
      const expected = naive(values, shape, axes);
      assert.equal(got.length, expected.length);
      got.forEach((value, i) => {
        const error = Math.abs(value / expected[i]! - 1);
        assert(error < 1e-6, `element ${i}: ${value}, not ${expected[i]}`);
      });
    });
  }

  it("of 10^7 numbers", () => {
    const values = uniform([1e7]).map(Math.abs);
    const exact = values.reduce((total, value) => total + value, 0);
    const [got] = on(backends[1]!, (x) => sum(x), [[values, [1e7]]]);
    assert(Math.abs(got! / exact - 1) < 1e-6, `${got}, not ${exact}`);
  });

  it("of 10^7 equal numbers, where all roundings go the same way: one by one they come out 8 % too large", () => {
    const values = new Float32Array(1e7).fill(0.1);
    const exact = 1e7 * Math.fround(0.1);
    const oneByOne = values.reduce((total, value) => Math.fround(total + value), 0);
    assert(oneByOne / exact > 1.08);
    const [got] = on(backends[1]!, (x) => sum(x), [[values, [1e7]]]);
    assert(Math.abs(got! / exact - 1) < 5e-6, `${got}, not ${exact}`);
  });
});

describe("init", () => {
  it("makes the backend current, and refuses what it does not know", async () => {
    const before = setBackend(undefined);
    assert.throws(() => currentBackend(), BackendError);
    assert.throws(() => tensor(1), BackendError);
    const backend = await init({ backend: "cpu", threads: 1 });
    assert.equal(currentBackend(), backend);
    assert.match(backend.describe(), /^cpu: .* 1 thread/);
    await backend.destroy();
    await init({ backend: "reference" });
    assert.equal(currentBackend().name, "reference");
    await assert.rejects(init({ backend: "cpu", threads: 0 }), ValueError);
    await assert.rejects(init({ backend: "gpu" as "cpu" }), (error) => {
      return error instanceof ValueError && /among auto, .*, got "gpu"/.test(error.message);
    });
    setBackend(before);
  });
});

describe("stats", () => {
  it("count kernels, buffers and bytes, the most at one time too", () => {
    const backend = backends[0]!;
    setBackend(backend);
    const before = backend.stats();
    const t = tensor(new Float32Array(1000));
    silu(t).dispose();
    const after = backend.stats();
    assert.equal(after.liveBuffers, before.liveBuffers + 1);
    assert(after.liveBytes >= before.liveBytes + 4000 && after.liveBytes < before.liveBytes + 8000);
    assert(after.peakBytes >= after.liveBytes);
    assert.equal(after.kernelsRun, before.kernelsRun + 1);
    t.dispose();
    assert.deepEqual(backend.stats().liveBytes, before.liveBytes);
  });
});
