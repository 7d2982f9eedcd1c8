/** Maps and folds on the GPU: every scalar function, both element widths, folds in one stage and in two. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import type { Backend } from "../../engine/backend.ts";
import { ReferenceBackend } from "../../engine/backends/reference/backend.ts";
import type { WebGpuBackend } from "../../engine/backends/webgpu/backend.ts";
import { setBackend } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import { elementwise } from "../../engine/elementwise.ts";
import { emitWgsl, literal, prelude } from "../../engine/expr/emit-wgsl.ts";
import * as e from "../../engine/expr/expr.ts";
import type { Expr } from "../../engine/expr/expr.ts";
import { Formula } from "../../engine/formula.ts";
import { jointSums } from "../../engine/joint-sums.ts";
import { updateExpression } from "../../engine/launch.ts";
import { scope } from "../../engine/scope.ts";
import type { Shape } from "../../engine/shape.ts";
import { sizeOf } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { concat } from "../../kernels/index.ts";
import { floats } from "../kernels/run-kernel.ts";
import { open, skip } from "./adapter.ts";
import { assertClose } from "./kernels.ts";

describe("emitWgsl", () => {
  it("computes a shared node once", () => {
    let power = e.input(0);
    for (let i = 0; i < 30; i++) power = e.mul(power, power);
    assert.equal(emitWgsl([power], () => "x").statements.length, 30);
  });

  it("writes every number so that WGSL takes it for a float", () => {
    const texts = [0, -0, 1, 0.1, 1e-7, 2 ** 64, 1e30, 1e39, -Infinity, NaN].map(literal);
    assert.deepEqual(texts.slice(0, 3), ["T(0.0)", "T(-0.0)", "T(1.0)"]);
    for (const text of texts)
      assert.match(text, /^T\((-?\d+(\.\d+)?(e[+-]?\d+)?|fromBits\(0x[0-9a-f]{8}u\))\)$/);
    assert.match(texts[7]!, /7f800000/);
  });

  it("brings along the functions that a text calls, and no others", () => {
    const { statements } = emitWgsl([e.tanh(e.input(0))], () => "x");
    assert.match(prelude(statements.join("\n"), "vec4f"), /^alias T = vec4f;\nfn stableTanh/);
    assert.equal(prelude("let t0 = x + x;", "f32"), "alias T = f32;");
    assert.match(prelude("let t0 = power(x, x);", "f32"), /fn fromBits[^]*fn power/);
  });
});

describe("expressions on WebGPU", { skip }, () => {
  const reference = new ReferenceBackend();
  let backend: WebGpuBackend;
  before(async () => {
    backend = await open();
  });
  after(() => backend.destroy());

  const on = async (where: Backend, run: () => Tensor) => {
    setBackend(where);
    const result = scope(run);
    const data = await result.data();
    result.dispose();
    return data;
  };
  const compare = async (run: () => Tensor, what: string, tolerance?: number) => {
    assertClose(await on(backend, run), await on(reference, run), what, tolerance);
  };

  const functions: Record<string, (x: Expr, y: Expr) => Expr> = {
    ...{ exp: e.exp, expm1: e.expm1, tanh: e.tanh, sin: e.sin, cos: e.cos, erf: e.erf, neg: e.neg },
    ...{ floor: e.floor, round: e.round, add: e.add, sub: e.sub, mul: e.mul, max: e.max },
    ...{ less: e.less, lessEqual: e.lessEqual, equal: e.equal },
    log: (x) => e.log(e.add(0.1, e.abs(x))),
    log1p: (x) => e.log1p(e.abs(x)),
    sqrt: (x) => e.sqrt(e.abs(x)),
    div: (x, y) => e.div(x, e.add(1.5, e.abs(y))),
    pow: (x, y) => e.pow(e.abs(x), y),
    powOfNegative: (x, y) => e.pow(x, e.round(e.mul(3, y))),
    where: (x, y) => e.where(e.less(x, y), x, e.mul(y, 2)),
  };
  for (const [name, build] of Object.entries(functions)) {
    // 64 elements go in quads, 63 one by one.
    it(name, async () => {
      const formula = new Formula(name, 2, build(e.input(0), e.input(1)));
      for (const length of [64, 63]) {
        const xs = floats(length, 1).map((x, i) => (i % 9 === 0 ? Math.round(8 * x) : 4 * x));
        const ys = floats(length, 2).map((y, i) => (i % 7 === 0 ? xs[i]! : y));
        await compare(() => formula.apply([tensor(xs), tensor(ys)]), `${name} of ${length}`);
      }
    });
  }

  it("small arguments keep their digits in expm1, log1p and tanh", async () => {
    const xs = Float32Array.of(1e-6, -1e-6, 1e-4, 0.2, -0.2, 1e-12, 0, 0.34, 0.62, -0.62, 20, -20);
    for (const name of ["expm1", "log1p", "tanh"] as const) {
      const formula = new Formula(name, 1, e[name](name === "log1p" ? e.abs(e.input(0)) : e.input(0)));
      const run = () => formula.apply([tensor(xs)]);
      const [actual, expected] = [await on(backend, run), await on(reference, run)];
      expected.forEach((value, i) => {
        assert(
          Math.abs(actual[i]! - value) <= 4e-6 * Math.abs(value),
          `${name} ${xs[i]}: ${actual[i]} for ${value}`,
        );
      });
    }
  });

  it("read integers as numbers, in quads and as one for four", async () => {
    const half = elementwise("half", (x, y) => e.div(e.mul(x, y), 2));
    await compare(() => half(tensor(Int32Array.of(-3, 0, 7, 5)), tensor(Int32Array.of(3))), "integers");
    await compare(() => half(tensor(Int32Array.of(-3, 0, 7)), tensor(Int32Array.of(1, 2, 3))), "integers");
  });

  it("update a tensor in place, all outputs from the old elements", async () => {
    for (const length of [8, 7]) {
      const run = () => {
        const [a, b] = [tensor(floats(length, 1)), tensor(floats(length, 2))];
        const [x, y] = [e.input(0), e.input(1)];
        const swap = { name: "swap", accumulators: [], outputs: [e.mul(y, 2), e.add(x, 1)], inPlace: [0, 1] };
        updateExpression(swap, [a, b], [a, b]);
        return elementwise("both", (p, q) => e.add(p, e.mul(q, 100)))(a, b);
      };
      await compare(run, `in place, ${length}`);
    }
  });

  const expression = e.mul(e.add(e.input(0), 0.25), e.input(1));
  const folds = {
    sum: new Formula("sumOf", 2, expression, "sum"),
    max: new Formula("maxOf", 2, expression, "max"),
  };
  const shapes: [Shape, number[]][] = [
    [[7, 5], [1]],
    [[7, 5], [0]],
    [[6, 8], [1]],
    [[6, 8], [0]],
    [
      [3, 4, 5, 8],
      [0, 2],
    ],
    [
      [3, 4, 5, 8],
      [1, 3],
    ],
    [[100000], [0]],
    [[99999], [0]],
    [[2, 50000], [1]],
    [[30000, 6], [0]],
    [[30000, 8], [0]],
    [[8, 0], [1]],
  ];
  for (const [shape, axes] of shapes) {
    it(`fold [${shape.join(", ")}] over ${axes.join(", ")}`, async () => {
      const [x, y] = [floats(sizeOf(shape), 1), floats(shape.at(-1)!, 2)];
      for (const [monoid, formula] of Object.entries(folds)) {
        if (monoid === "max" && sizeOf(shape) === 0) continue;
        const run = () => formula.apply([tensor(x, shape), tensor(y)], { axes });
        // Sums of numbers of both signs: errors are relative to those of the terms.
        await compare(run, monoid, 1e-6 * Math.sqrt(Math.max(10, sizeOf(shape))));
      }
    });
  }

  it("fold six operands into two sums, in chunks: no shader binds more buffers than devices have", async () => {
    const sums = jointSums("sums of six", 6, (a, b, c, d, p, q) => ({
      products: e.add(e.mul(a, b), e.mul(c, d)),
      others: e.mul(p, q),
    }));
    const xs = Array.from({ length: 6 }, (_, i) => floats(4000, i + 1));
    await compare(() => {
      const { products, others } = sums(xs.map((x) => tensor(x, [1000, 4])), [0]); // prettier-ignore
      return concat([products, others], 0);
    }, "sums of six");
  });

  it("fold to the same bits each time", async () => {
    const x = floats(200000, 3);
    const run = () => folds.sum.apply([tensor(x, [2000, 100]), 1], { axes: [0] });
    const first = await on(backend, run);
    for (let i = 0; i < 3; i++) assert.deepEqual(await on(backend, run), first);
  });

  it("sum a million equal numbers as exactly as blocks of them", async () => {
    const run = () => new Formula("sum", 1, e.input(0), "sum").apply([tensor(new Float32Array(2 ** 20).fill(0.1))], { axes: [0] }); // prettier-ignore
    const [sum = 0] = await on(backend, run);
    assert(Math.abs(sum / (2 ** 20 * Math.fround(0.1)) - 1) < 1e-6, String(sum));
  });

  it("are right for random shapes that broadcast, folded over random axes", () =>
    fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 5 }), { minLength: 1, maxLength: 4 }),
        fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
        fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }),
        async (shape, ones, reduced) => {
          const other = shape.map((length, i) => (ones[i] ? 1 : length));
          const axes = shape.flatMap((_, i) => (reduced[i] ? [i] : []));
          const [x, y] = [floats(sizeOf(shape), 1), floats(sizeOf(other), 2)];
          const formula = axes.length > 0 ? folds.sum : new Formula("product", 2, expression);
          await compare(() => formula.apply([tensor(x, shape), tensor(y, other)], { axes }), "broadcast");
        },
      ),
      { numRuns: 30 },
    ));
});
