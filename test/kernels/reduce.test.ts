import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { backward } from "../../engine/autograd.ts";
import { tensor, zeros } from "../../engine/create.ts";
import { DTypeError, NotDifferentiableError, ShapeError } from "../../engine/errors.ts";
import * as k from "../../kernels/index.ts";
import {
  assertRefused,
  assertTensor,
  checkGradients,
  distinct,
  seeds,
  shapes,
  useReference,
  values,
} from "./helpers.ts";

beforeEach(useReference);

const add = (a: number, b: number) => a + b;

/** Each reduction of a list of numbers, as its definition says. */
const definitions = {
  sum: [k.sum, (xs: number[]) => xs.reduce(add, 0)],
  mean: [k.mean, (xs: number[]) => xs.reduce(add, 0) / xs.length],
  max: [k.max, (xs: number[]) => Math.max(...xs)],
  min: [k.min, (xs: number[]) => Math.min(...xs)],
  prod: [k.prod, (xs: number[]) => xs.reduce((product, x) => product * x, 1)],
  norm: [k.norm, (xs: number[]) => Math.hypot(...xs)],
  logSumExp: [k.logSumExp, (xs: number[]) => Math.log(xs.map(Math.exp).reduce(add, 0))],
} as const;

/** Lists of the elements that are folded together: those with the same coordinates along the other axes. */
function groups(xs: readonly number[], shape: readonly number[], axes: readonly number[]): number[][] {
  const byKey = new Map<string, number[]>();
  xs.forEach((x, flat) => {
    let rest = flat;
    const coordinates = shape.toReversed().map((length) => {
      const c = rest % length;
      rest = (rest - c) / length;
      return c;
    });
    const key = coordinates
      .toReversed()
      .filter((_, axis) => !axes.includes(axis))
      .join();
    byKey.set(key, [...(byKey.get(key) ?? []), x]);
  });
  return [...byKey.values()];
}

describe("reductions", () => {
  for (const [name, [op, f]] of Object.entries(definitions)) {
    it(`${name}: over any axes of any shape, with its gradients`, async () => {
      await fc.assert(
        fc.asyncProperty(
          shapes(1, 3),
          fc.nat(7),
          fc.boolean(),
          seeds,
          async (shape, mask, keepDims, seed) => {
            const axes = shape.flatMap((_, axis) => ((mask >> axis) & 1 ? [axis] : []));
            const [x] = distinct(seed, shape);
            const expected = groups(await values(x!), shape, axes).map(f);
            const kept = shape.flatMap((length, i) => (axes.includes(i) ? (keepDims ? [1] : []) : [length]));
            // Negative axes are the same ones.
            const given = axes.map((axis) => (seed % 2 ? axis : axis - shape.length));
            await assertTensor(op(x!, given, { keepDims }), kept, expected);
            await checkGradients((t) => op(t, given, { keepDims }), [x!]);
          },
        ),
        { numRuns: 15 },
      );
    });
    it(`${name}: over all axes by default`, async () => {
      const [x] = distinct(0, [2, 3]);
      await assertTensor(op(x!), [], [f(await values(x!))]);
    });
    it(`${name}: refuses axes that are not there, or twice`, () => {
      assertRefused(
        () => op(zeros([2, 3]), 2),
        ShapeError,
        new RegExp(`^${name}: expected an axis from -2 to 1, got 2$`),
      );
      assertRefused(
        () => op(zeros([2, 3]), [0, -2]),
        ShapeError,
        new RegExp(`^${name}: expected each axis once`),
      );
    });
    it(`${name}: over an axis without elements`, async () => {
      const overNothing = { sum: 0, prod: 1, norm: 0 };
      if (name === "sum" || name === "prod" || name === "norm") {
        return assertTensor(op(zeros([2, 0]), 1), [2], [overNothing[name], overNothing[name]]);
      }
      assertRefused(
        () => op(zeros([2, 0]), 1),
        ShapeError,
        new RegExp(`^${name}: expected at least one element along axis 1`),
      );
      return assertTensor(op(zeros([2, 0]), 0), [0], []);
    });
    it(`${name}: NaN is not lost`, async () => {
      await assertTensor(op(tensor([1, NaN, 2])), [], [NaN]);
    });
  }

  it("max: equal maxima share the gradient", async () => {
    const x = tensor(
      [
        [3, 1, 3],
        [2, 5, 0],
      ],
      [2, 3],
      { requiresGrad: true },
    );
    backward(k.sum(k.max(x, 1)));
    await assertTensor(x.grad!, [2, 3], [0.5, 0, 0.5, 0, 1, 0]);
  });
});

describe("logSumExp", () => {
  it("of large numbers does not overflow", async () => {
    await assertTensor(k.logSumExp(tensor([1000, 1000])), [], [1000 + Math.log(2)]);
  });
  it("of infinities", async () => {
    const rows = tensor(
      [
        [-Infinity, -Infinity],
        [-Infinity, 3],
        [Infinity, 3],
      ],
      [3, 2],
      { requiresGrad: true },
    );
    const y = k.logSumExp(rows, 1);
    await assertTensor(y, [3], [-Infinity, 3, Infinity]);
    backward(k.sum(k.slice(y, [0], [2])));
    await assertTensor(k.slice(rows.grad!, [0], [2]), [2, 2], [0, 0, 0, 1]);
  });
});

describe("argMax", () => {
  it("by hand: the first of equals, NaN above all", async () => {
    const x = tensor([
      [1, 7, 7, 2],
      [-Infinity, -Infinity, -3, -4],
      [5, NaN, 9, NaN],
    ]);
    const y = k.argMax(x, 1);
    await assertTensor(y, [3], [1, 2, 1]);
    assert.equal(y.dtype, "i32");
    assert.deepEqual(y.bounds, { min: 0, max: 3 });
    await assertTensor(
      k.argMax(
        tensor([
          [1, 4],
          [3, 2],
        ]),
        0,
      ),
      [2],
      [1, 0],
    );
  });
  it("is where the maximum is, along any axis", async () => {
    await fc.assert(
      fc.asyncProperty(shapes(1, 3), fc.nat(2), seeds, async (shape, at, seed) => {
        const axis = at % shape.length;
        const [x] = distinct(seed, shape);
        const expected = groups(await values(x!), shape, [axis]).map((xs) => xs.indexOf(Math.max(...xs)));
        await assertTensor(k.argMax(x!, axis - shape.length), shape.toSpliced(axis, 1), expected);
      }),
      { numRuns: 30 },
    );
  });
  it("refuses an axis without elements, integers, and to be differentiated", () => {
    assertRefused(
      () => k.argMax(zeros([2, 0]), 1),
      ShapeError,
      /^argMax: expected at least one element along axis 1/,
    );
    assertRefused(
      () => k.argMax(tensor(Int32Array.of(1, 2)), 0),
      DTypeError,
      /^argMax: expected f32 for x, got i32/,
    );
    const x = tensor([1, 2], [2], { requiresGrad: true });
    assertRefused(() => { backward(k.sum(k.mul(k.argMax(x, 0), x))); }, NotDifferentiableError, /^argMax: /); // prettier-ignore
  });
});
