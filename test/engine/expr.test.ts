import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { differentiate, partial } from "../../engine/expr/derivative.ts";
import * as e from "../../engine/expr/expr.ts";
import type { Expr } from "../../engine/expr/expr.ts";
import {
  allOps,
  build,
  evaluateExpr,
  interpret,
  programs,
  raisesNegatives,
  smoothOps,
  trace,
} from "./expressions.ts";

const special = [0, -0, 1, -1, Infinity, -Infinity, NaN, Number.MIN_VALUE, Number.MAX_VALUE];
const anyNumber = fc.oneof(fc.constantFrom(...special), fc.double());

describe("expressions", () => {
  it("simplify without changing any value: NaN, infinities and -0 included", () => {
    fc.assert(
      fc.property(programs(3, { ops: allOps }), fc.tuple(anyNumber, anyNumber, anyNumber), (program, xs) => {
        assert.equal(evaluateExpr(build(program), xs), interpret(program, xs));
      }),
      { numRuns: 2000 },
    );
  });

  it("simplify", () => {
    const [x, y] = [e.input(0), e.input(1)];
    assert.equal(e.mul(1, x), x);
    assert.equal(e.div(x, 1), x);
    assert.equal(e.sub(x, 0), x);
    assert.equal(e.neg(e.neg(x)), x);
    assert.equal(e.add(x, e.neg(y)), e.sub(x, y));
    assert.equal(e.add(e.neg(x), y), e.sub(y, x));
    assert.equal(e.sub(x, e.neg(y)), e.add(x, y));
    assert.equal(e.mul(e.neg(x), e.neg(y)), e.mul(x, y));
    assert.equal(e.div(e.neg(x), y), e.neg(e.div(x, y)));
    assert.equal(e.where(e.less(x, y), y, y), y);
    assert.equal(e.where(0, x, y), y);
    assert.equal(e.exp(e.add(1, 1)), e.constant(Math.exp(2)));
  });

  it("do not simplify what holds for most numbers only", () => {
    const x = e.input(0);
    assert.notEqual(e.add(x, 0), x); // -0
    assert.notEqual(e.mul(x, 0), e.constant(0)); // Infinity, NaN, -0
    assert.notEqual(e.sub(x, x), e.constant(0)); // Infinity, NaN
    assert.notEqual(e.div(x, x), e.constant(1)); // 0, Infinity, NaN
  });

  it("are hash-consed: the same program gives the same object, in whatever order commutative operands come", () => {
    fc.assert(
      fc.property(programs(2, { ops: allOps }), programs(2, { ops: allOps }), (first, second) => {
        const [a, b] = [build(first), build(second)];
        assert.equal(build(first), a);
        for (const op of [e.add, e.mul, e.max, e.equal]) assert.equal(op(a, b), op(b, a));
      }),
    );
  });

  it("substitute: evaluating afterwards is evaluating at other inputs", () => {
    fc.assert(
      fc.property(programs(2, { ops: allOps }), programs(3, { ops: allOps }), (outer, inner) => {
        const [f, g, xs] = [build(outer), build(inner), [0.5, 2, -1]];
        const composed = e.substitute(f, (i) => (i === 0 ? g : e.input(i)));
        assert.equal(evaluateExpr(composed, xs), evaluateExpr(f, [evaluateExpr(g, xs), xs[1]!]));
      }),
    );
  });

  it("list the inputs they read, each once, in order", () => {
    const [x, y, z] = [e.input(0), e.input(1), e.input(2)];
    assert.deepEqual(e.inputsOf([e.mul(z, e.add(x, z)), e.exp(z)]), [0, 2]);
    assert.deepEqual(e.inputsOf([e.where(1, y, x)]), [1]);
  });
});

describe("symbolic derivatives", () => {
  const step = 1e-5;

  /** Central differences, or NaN where two step lengths disagree: there is a kink, a step or too much curvature. */
  function difference(f: (x: number) => number, x: number): number {
    const [coarse, fine] = [step, step / 2].map((h) => (f(x + h) - f(x - h)) / (2 * h));
    return Math.abs(coarse! - fine!) <= 1e-6 * Math.max(1, Math.abs(fine!)) ? fine! : NaN;
  }

  /** Whether no step of the program is so large, or so close to 0, that its derivative is hard to find by differences. */
  const isTame = (values: readonly number[]): boolean =>
    values.every((v) => v === 0 || v === 1 || (Math.abs(v) > 1e-2 && Math.abs(v) < 1e2));

  const agrees = (ops: readonly e.ScalarOp[], zeroIsTame: boolean) => {
    // Two grids that do not meet: shrinking would otherwise find points within a step of a kink like x = y.
    const coordinate = (offset: number) => fc.integer({ min: 1, max: 100 }).map((i) => offset + 0.03 * i);
    fc.assert(
      fc.property(
        programs(2, { ops, maxSteps: 10 }),
        fc.tuple(coordinate(Math.SQRT2 / 10), coordinate(Math.PI / 20)),
        fc.nat(1),
        (program, xs, index) => {
          const steps = trace(program, xs);
          fc.pre(isTame(steps) && (zeroIsTame || !steps.includes(0)) && !raisesNegatives(program, xs));
          const expected = difference((x) => interpret(program, xs.with(index, x)), xs[index]!);
          fc.pre(!Number.isNaN(expected));
          const got = evaluateExpr(partial(build(program), index), xs);
          assert(Math.abs(got - expected) <= 1e-5 * Math.max(1, Math.abs(expected)), `${got} ${expected}`);
        },
      ),
      { numRuns: 1000, maxSkipsPerRun: 1000 },
    );
  };

  it("of smooth functions agree with central differences", () => {
    agrees(smoothOps, false);
  });

  it("of maxima, comparisons and selections agree with central differences", () => {
    agrees(["neg", "exp", "add", "sub", "mul", "max", "less", "lessEqual", "equal", "where"], true);
  });

  it("share between equal operands of max", () => {
    const gradient = differentiate(e.max(e.input(0), e.input(1)), e.input(2), [0, 1]);
    const at = (xs: number[]) => gradient.map((d) => evaluateExpr(d!, xs));
    assert.deepEqual(at([2, 1, 6]), [6, 0]);
    assert.deepEqual(at([1, 2, 6]), [0, 6]);
    assert.deepEqual(at([2, 2, 6]), [3, 3]);
    assert.deepEqual(at([1, 2, Infinity]), [0, Infinity]);
  });

  it("are null where there is none", () => {
    const [x, y, dy] = [e.input(0), e.input(1), e.input(2)];
    assert.deepEqual(differentiate(e.less(x, y), dy, [0, 1]), [null, null]);
    assert.deepEqual(differentiate(e.where(x, y, 0), dy, [0, 1]), [null, e.where(x, dy, 0)]);
    assert.deepEqual(differentiate(e.exp(x), dy, [1]), [null]);
  });

  const size = (roots: readonly (Expr | null)[]): number =>
    e.topological(roots.filter((root) => root !== null)).length;

  /** All derivatives together against the bound: 4 nodes for each node, more where the rule itself is longer. */
  function assertSmall(f: Expr): void {
    const nodes = e.topological([f]);
    const count = (op: e.ScalarOp) => nodes.filter((node) => node.kind === "apply" && node.op === op).length;
    const derivatives = size(differentiate(f, e.input(100), e.inputsOf([f])));
    const bound =
      4 * nodes.length + 2 * count("tanh") + 4 * count("erf") + 5 * count("max") + 10 * count("pow");
    assert(derivatives <= bound, `${nodes.length} nodes gave ${derivatives}, more than ${bound}`);
  }

  it("have at most 4 times the nodes of the function (tanh 6, erf 8, max 9, pow 14)", () => {
    fc.assert(fc.property(programs(3, { ops: allOps, maxSteps: 60 }), (program) => { assertSmall(build(program)); }), { numRuns: 2000 }); // prettier-ignore
  });

  it("stay within that bound for long chains", () => {
    const [x, a] = [e.input(0), e.input(1)];
    const links: ((y: Expr) => Expr)[] = [
      (y) => e.mul(y, y),
      (y) => e.div(y, y),
      (y) => e.div(a, y),
      (y) => e.div(y, a),
      (y) => e.exp(e.div(1, y)),
      (y) => e.sqrt(e.div(y, e.add(y, 1))),
      (y) => e.where(e.less(y, a), e.mul(y, a), e.neg(y)),
      (y) => e.max(e.mul(a, y), e.log(y)),
    ];
    for (const link of links) {
      let f: Expr = x;
      for (let i = 0; i < 30; i++) f = link(f);
      assertSmall(f);
    }
    assertSmall(Array.from({ length: 30 }, (_, i) => e.input(i)).reduce((f, factor) => e.mul(f, factor)));
  });

  it("grow by a constant factor with each order", () => {
    let f: Expr = e.div(e.exp(e.input(0)), e.add(1, e.exp(e.input(0))));
    for (let order = 1; order <= 4; order++) {
      const derivative = partial(f, 0);
      assert(size([derivative]) <= 4 * size([f]));
      f = derivative;
    }
  });
});
