import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { setBackend } from "../../engine/backend.ts";
import { CpuBackend } from "../../engine/backends/cpu/backend.ts";
import { Machine } from "../../engine/backends/cpu/machine.ts";
import { tensor } from "../../engine/create.ts";
import { elementwise } from "../../engine/elementwise.ts";
import { emitJs } from "../../engine/expr/emit-js.ts";
import * as e from "../../engine/expr/expr.ts";
import { expressionKernel, expressionParams } from "../../engine/expr/kernel.ts";
import { iterationSpace } from "../../engine/expr/space.ts";
import { Formula } from "../../engine/formula.ts";
import { scope } from "../../engine/scope.ts";
import { allOps, build, evaluateExpr, interpret, programs } from "./expressions.ts";

const { fround } = Math;
/** Functions that are not computed exactly and then rounded; each is measured below. */
const inexact = ["exp", "expm1", "log", "log1p", "sin", "cos", "tanh", "erf", "pow"] as const;
type Inexact = (typeof inexact)[number];
const special = [0, -0, 1, -1, Infinity, -Infinity, NaN];
/** f32 numbers of every size, subnormal ones included. */
const anyFloat = fc.oneof(fc.constantFrom(...special, fround(1e-45), fround(3.4e38)), fc.float());

/** The elements of a formula of f32 vectors, at once. */
const computed = (formula: Formula, operands: readonly Float32Array[]): Float32Array =>
  scope(() => {
    const y = formula.apply(operands.map((values) => tensor(values)));
    return Float32Array.from(y.backend.peek?.(y.buffer) ?? []);
  });

describe("emitJs", () => {
  it("computes what the program says, NaN, infinities and -0 included", () => {
    const anyNumber = fc.oneof(fc.constantFrom(...special), fc.double());
    fc.assert(
      fc.property(programs(3, { ops: allOps }), fc.tuple(anyNumber, anyNumber, anyNumber), (program, xs) => {
        const { statements, results } = emitJs([build(program)], (i) => `x${i}`);
        // eslint-disable-next-line @typescript-eslint/no-implied-eval
        const f = new Function("x0", "x1", "x2", `${statements.join("\n")}\nreturn ${results[0]};`);
        // eslint-disable-next-line @typescript-eslint/no-unsafe-call
        assert.equal(f(...xs), interpret(program, xs));
      }),
    );
  });

  it("computes a shared node once", () => {
    let power = e.input(0);
    for (let i = 0; i < 30; i++) power = e.mul(power, power);
    assert.equal(emitJs([power], () => "x").statements.length, 30);
  });
});

describe("SIMD kernels", () => {
  let backend: CpuBackend;
  before(async () => {
    backend = await CpuBackend.create(1);
    setBackend(backend);
  });
  after(() => backend.destroy());

  it("round every operation to f32 and nothing else, whatever the length", () => {
    const exact = allOps.filter((op) => !inexact.some((name) => name === op));
    const rows = fc.array(fc.tuple(anyFloat, anyFloat, anyFloat), { minLength: 1, maxLength: 11 });
    fc.assert(
      fc.property(programs(3, { ops: exact }), rows, (program, xs) => {
        const expr = build(program);
        const operands = [0, 1, 2].map((i) => Float32Array.from(xs, (row) => row[i]!));
        const expected = xs.map((row) => evaluateExpr(expr, row, fround));
        assert.deepEqual([...computed(new Formula("program", 3, expr), operands)], expected);
      }),
      { numRuns: 300 },
    );
  });

  const unary = (name: Exclude<Inexact, "pow">) => new Formula(name, 1, e[name](e.input(0)));
  const at = (name: Exclude<Inexact, "pow">, xs: number[]) => [...computed(unary(name), [Float32Array.from(xs)])]; // prettier-ignore

  it("exp at the ends of its range", () => {
    assert.deepEqual(at("exp", [0, -0, -Infinity, Infinity, NaN]), [1, 1, 0, Infinity, NaN]);
    assert.deepEqual(at("exp", [1e-45, -1e-45, 1e-38]), [1, 1, 1]);
    // The last finite result, and the first that is none.
    assert.deepEqual(at("exp", [88.72284, 88.7229, 1e30]), [fround(Math.exp(fround(88.72284))), Infinity, Infinity]); // prettier-ignore
    // The smallest normal result, the smallest subnormal one, and 0.
    assert.deepEqual(at("exp", [-87.33655, -103.9, -104, -1e30]), [fround(Math.exp(fround(-87.33655))), 2 ** -149, 0, 0]); // prettier-ignore
  });

  it("log at the ends of its range", () => {
    assert.deepEqual(at("log", [1, 0, -0, Infinity, NaN]), [0, -Infinity, -Infinity, Infinity, NaN]);
    assert.deepEqual(at("log", [-1, -1e-45, -Infinity, -3e38]), [NaN, NaN, NaN, NaN]);
    assert.deepEqual(at("log", [2 ** -149, 2 ** -126, 2 ** 127]), [-149, -126, 127].map((n) => fround(n * Math.LN2))); // prettier-ignore
  });

  it("expm1, log1p, sin and tanh of tiny numbers are those numbers, -0 and subnormal ones included", () => {
    const tiny = [0, -0, 2 ** -149, -(2 ** -149), 1e-30, -1e-12].map(fround);
    for (const name of ["expm1", "log1p", "sin", "tanh"] as const)
      assert.deepEqual(at(name, tiny), tiny, name);
  });

  it("expm1, log1p, tanh and erf at the ends of their ranges", () => {
    assert.deepEqual(at("expm1", [-Infinity, -1e30, Infinity, NaN, 88.72284, 88.7229]), [-1, -1, Infinity, NaN, fround(Math.expm1(fround(88.72284))), Infinity]); // prettier-ignore
    assert.deepEqual(at("log1p", [-1, -1.5, -Infinity, Infinity, NaN, 3e38]), [-Infinity, NaN, NaN, Infinity, NaN, fround(Math.log1p(3e38))]); // prettier-ignore
    for (const name of ["tanh", "erf"] as const) {
      assert.deepEqual(at(name, [-Infinity, -50, 50, Infinity, NaN]), [-1, -1, 1, 1, NaN], name);
    }
  });

  it("sin and cos of large angles, and of those that have no phase", () => {
    const large = [1e3, 123456.7, 1e9, -2e9].map(fround);
    for (const name of ["sin", "cos"] as const) {
      at(name, large).forEach((y, i) => { assert(Math.abs(y - Math[name](large[i]!)) < 1e-7); }); // prettier-ignore
      assert.deepEqual(at(name, [2 ** 31, -1e30, Infinity, NaN]), [NaN, NaN, NaN, NaN]);
    }
  });

  it("pow of zeros, infinities, NaN, negative numbers and numbers of every size", () => {
    const some = [
      ...special,
      2,
      -2,
      3,
      -3,
      0.5,
      -0.5,
      2.5,
      -2.5,
      2 ** 24 + 2,
      -(2 ** 23 + 1),
      2 ** -149,
      -3e38,
    ];
    const pairs = fc.tuple(
      fc.oneof(fc.constantFrom(...some), anyFloat),
      fc.oneof(fc.constantFrom(...some), anyFloat),
    );
    const pow = new Formula("pow", 2, e.pow(e.input(0), e.input(1)));
    fc.assert(
      fc.property(fc.array(pairs, { minLength: 40, maxLength: 40 }), (list) => {
        const [xs, ys] = [0, 1].map((i) => Float32Array.from(list, (pair) => pair[i]!));
        const got = computed(pow, [xs!, ys!]);
        const expected = Float32Array.from(xs!, (x, i) => Math.pow(x, ys![i]!));
        const [a, b] = [got, expected].map((values) => new Int32Array(values.buffer));
        expected.forEach((y, i) => {
          const same = Object.is(got[i], y) || Math.abs(a![i]! - b![i]!) <= 1;
          assert(same, `${xs![i]} ** ${ys![i]}: expected ${y}, got ${got[i]}`);
        });
      }),
      { numRuns: 500 },
    );
  });

  it("read integers as numbers", () => {
    const half = elementwise("half", (x) => e.div(x, 2));
    using y = half(tensor(Int32Array.of(-3, 0, 2 ** 24 - 1, 7, 5)));
    assert.deepEqual([...backend.peek(y.buffer)], [-1.5, 0, 2 ** 23 - 0.5, 3.5, 2.5]);
  });
});

describe("accuracy over every 4093rd float, with and without fused multiply-add", () => {
  const count = Math.floor(2 ** 32 / 4093);
  const xs = new Float32Array(Uint32Array.from({ length: count }, (_, i) => i * 4093).buffer);

  type Unary = Exclude<Inexact, "pow">;

  /** Runs the kernel of a function on a machine. */
  async function run(name: Unary, relaxedSimd: boolean): Promise<Float32Array> {
    const machine = await Machine.create({ threads: 1, relaxedSimd });
    const definition = { name, accumulators: [], outputs: [e[name](e.input(0))] };
    const space = iterationSpace([count], [], [[1]]);
    const kernel = expressionKernel(definition, ["f32"], space);
    const [from, to] = [machine.heap.alloc(4 * count), machine.heap.alloc(4 * count)];
    machine.f32.set(xs, from / 4);
    kernel.cpu?.(machine, expressionParams(space, ["f32"], []), [from], [to]);
    return machine.f32.slice(to / 4, to / 4 + count);
  }

  /** The largest distance from f64's function rounded to f32, in units in the last place. */
  function worstUlp(got: Float32Array, f: (x: number) => number): number {
    const expected = Float32Array.from(xs, f);
    // Neighbouring floats of one sign have neighbouring bit patterns.
    const [a, b] = [got, expected].map((values) => new Int32Array(values.buffer));
    let worst = 0;
    for (let i = 0; i < count; i++) {
      if (Number.isNaN(expected[i])) assert(Number.isNaN(got[i]), `NaN at ${xs[i]}, got ${got[i]}`);
      else if (got[i] !== expected[i]) worst = Math.max(worst, Math.abs(a![i]! - b![i]!));
    }
    return worst;
  }

  for (const relaxedSimd of [false, true]) {
    const suffix = relaxedSimd ? " (fused)" : "";
    const angle = (f: (x: number) => number) => (x: number) => (Math.abs(x) < 2 ** 31 ? f(x) : NaN);
    const functions: Record<Unary, [bound: number, f: (x: number) => number]> = {
      exp: [1, Math.exp],
      expm1: [1, Math.expm1],
      log: [1, Math.log],
      log1p: [1, Math.log1p],
      tanh: [1, Math.tanh],
      sin: [2, angle(Math.sin)],
      cos: [2, angle(Math.cos)],
      erf: [1, e.evaluators.erf],
    };
    for (const name of inexact) {
      if (name === "pow") continue;
      it(`${name}${suffix}`, async () => {
        const [bound, f] = functions[name];
        const worst = worstUlp(await run(name, relaxedSimd), f);
        assert(worst <= bound, `${worst} ulp`);
      });
    }
  }
});
