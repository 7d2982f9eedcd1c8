import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { backward, grad } from "../../engine/autograd.ts";
import { tensor } from "../../engine/create.ts";
import { NotDifferentiableError, ShapeError, ValueError } from "../../engine/errors.ts";
import type { Tensor } from "../../engine/tensor.ts";
import * as k from "../../kernels/index.ts";
import {
  assertRefused,
  assertTensor,
  checkGradients,
  distinct,
  positive,
  seeds,
  shapes,
  useReference,
  values,
} from "./helpers.ts";

beforeEach(useReference);

const binary = {
  add: [k.add, (a: number, b: number) => a + b],
  sub: [k.sub, (a: number, b: number) => a - b],
  mul: [k.mul, (a: number, b: number) => a * b],
  div: [k.div, (a: number, b: number) => a / b],
  maximum: [k.maximum, Math.max],
  minimum: [k.minimum, Math.min],
} as const;

const unary = {
  neg: [k.neg, (x: number) => -x],
  exp: [k.exp, Math.exp],
  log: [k.log, Math.log],
  sqrt: [k.sqrt, Math.sqrt],
  square: [k.square, (x: number) => x ** 2],
  relu: [k.relu, (x: number) => (x > 0 ? x : 0)],
  expm1: [k.expm1, Math.expm1],
  log1p: [k.log1p, Math.log1p],
  rsqrt: [k.rsqrt, (x: number) => 1 / Math.sqrt(x)],
  reciprocal: [k.reciprocal, (x: number) => 1 / x],
  abs: [k.abs, Math.abs],
  sin: [k.sin, Math.sin],
  cos: [k.cos, Math.cos],
  tanh: [k.tanh, Math.tanh],
  erf: [k.erf, naiveErf],
  leakyRelu: [k.leakyRelu, (x: number) => (x > 0 ? x : 0.01 * x)],
  elu: [k.elu, (x: number) => (x > 0 ? x : Math.exp(x) - 1)],
  gelu: [k.gelu, (x: number) => (x / 2) * (1 + naiveErf(x / Math.SQRT2))],
  sigmoid: [k.sigmoid, (x: number) => 1 / (1 + Math.exp(-x))],
  softplus: [k.softplus, (x: number) => Math.log(1 + Math.exp(x))],
  silu: [k.silu, (x: number) => x / (1 + Math.exp(-x))],
} as const;

/** Functions that the tests try on positive numbers only. */
const positiveOnly = ["log", "log1p", "sqrt", "rsqrt", "reciprocal"];

/** 2 / sqrt(pi) sum of (-1)^n x^(2n+1) / (n! (2n+1)): the Taylor series, good enough for |x| < 3. */
function naiveErf(x: number): number {
  let [sum, term] = [0, x];
  for (let n = 0; n < 80; n++) {
    sum += term / (2 * n + 1);
    term *= -(x * x) / (n + 1);
  }
  return (2 / Math.sqrt(Math.PI)) * sum;
}

const comparisons = {
  less: [k.less, [1, 0, 0]],
  lessEqual: [k.lessEqual, [1, 1, 0]],
  greater: [k.greater, [0, 0, 1]],
  greaterEqual: [k.greaterEqual, [0, 1, 1]],
  equal: [k.equal, [0, 1, 0]],
} as const;

describe("arithmetic", () => {
  for (const [name, [op, f]] of Object.entries(binary)) {
    it(`${name}: an outer product of shapes, and a number`, async () => {
      const [a, b] = [
        [4, -2],
        [1, 2, -3],
      ];
      await assertTensor(
        op(tensor(a, [2, 1]), tensor(b)),
        [2, 3],
        a.flatMap((x) => b.map((y) => f(x, y))),
      );
      await assertTensor(
        op(tensor(a), 4),
        [2],
        a.map((x) => f(x, 4)),
      );
    });
    it(`${name}: gradients, broadcast`, async () => {
      await fc.assert(
        fc.asyncProperty(shapes(1, 3), fc.nat(7), seeds, async (shape, mask, seed) => {
          // Axes of b whose bit is set are stretched.
          const bShape = shape.map((length, axis) => ((mask >> axis) & 1 ? 1 : length)).slice(mask % 2);
          const [a] = distinct(seed, shape);
          // Quotients need a divisor that is not near 0; no element of a is one of b.
          await checkGradients(op, [a!, k.add(positive(seed, bShape), 0.001)]);
        }),
        { numRuns: 8 },
      );
    });
  }
});

describe("functions", () => {
  for (const [name, [op, f]] of Object.entries(unary)) {
    it(`${name}: values and gradients`, async () => {
      await fc.assert(
        fc.asyncProperty(shapes(0, 3), seeds, async (shape, seed) => {
          const x = positiveOnly.includes(name) ? positive(seed, shape) : distinct(seed, shape)[0]!;
          await assertTensor(op(x), shape, (await values(x)).map(f));
          await checkGradients((t) => op(t), [x]);
        }),
        { numRuns: 8 },
      );
    });
  }

  it("relu: NaN stays, and the derivative at 0 is 0", async () => {
    const x = tensor([NaN, -1, 0, 2], [4], { requiresGrad: true });
    const y = k.relu(x);
    await assertTensor(y, [4], [NaN, 0, 0, 2]);
    backward(k.sum(k.slice(y, [1], [4])));
    await assertTensor(x.grad!, [4], [0, 0, 0, 1]);
  });

  it("maximum: equal ones share the gradient", async () => {
    const [a, b] = [
      [1, 5],
      [1, 4],
    ].map((x) => tensor(x, [2], { requiresGrad: true }));
    backward(k.sum(k.maximum(a!, b!)));
    await assertTensor(a!.grad!, [2], [0.5, 1]);
    await assertTensor(b!.grad!, [2], [0.5, 0]);
  });
});

describe("comparisons", () => {
  for (const [name, [op, expected]] of Object.entries(comparisons)) {
    it(`${name}: below, equal, above, and with NaN`, async () => {
      await assertTensor(op(tensor([1, 2, 3]), 2), [3], expected);
      await assertTensor(op(tensor([NaN]), 2), [1], [0]);
    });
    it(`${name}: has no derivative`, () => {
      const x = tensor([1], [1], { requiresGrad: true });
      assertRefused(() => { backward(op(x, 2)); }, NotDifferentiableError, new RegExp(`^${name}: `)); // prettier-ignore
    });
  }

  it("where: selects, and its condition gets no gradient", async () => {
    const x = tensor([-1, 0, 3], [3], { requiresGrad: true });
    const y = k.where(k.less(x, 0), k.mul(x, 10), x);
    await assertTensor(y, [3], [-10, 0, 3]);
    await assertTensor(grad(k.sum(y), [x])[0], [3], [10, 1, 1]);
  });

  it("where: gradients", async () => {
    const condition = tensor([1, 0, 1]);
    const select = (a: Tensor, b: Tensor) => k.where(condition, k.square(a), b);
    await checkGradients((a, b) => select(a, b), distinct(1, [2, 3], [3]));
  });
});

describe("elementwise ops refuse", () => {
  it("shapes that do not broadcast", () => {
    assertRefused(() => k.add(tensor([1, 2]), tensor([1, 2, 3])), ShapeError, /^add: expected shapes that broadcast, got \[2\] and \[3\]/); // prettier-ignore
  });
  it("numbers only", () => {
    assertRefused(
      () => k.mul(2, 3),
      ValueError,
      /^mul: expected 2 operands, at least one a tensor, got 2, 3/,
    );
  });
});

it("elementwise ops on no elements give no elements", async () => {
  const y = k.exp(tensor([], [0, 3]));
  assert.deepEqual([...y.shape, ...(await values(y))], [0, 3]);
});
