import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { backward, grad } from "../../engine/autograd.ts";
import { setBackend } from "../../engine/backend.ts";
import type { Backend } from "../../engine/backend.ts";
import { CpuBackend } from "../../engine/backends/cpu/backend.ts";
import { ReferenceBackend } from "../../engine/backends/reference/backend.ts";
import { tensor } from "../../engine/create.ts";
import { elementwise } from "../../engine/elementwise.ts";
import { NotDifferentiableError, ShapeError, ValueError } from "../../engine/errors.ts";
import * as e from "../../engine/expr/expr.ts";
import type { ScalarOp } from "../../engine/expr/expr.ts";
import { iterationSpace } from "../../engine/expr/space.ts";
import { Formula } from "../../engine/formula.ts";
import type { Operand } from "../../engine/formula.ts";
import { runExpression } from "../../engine/launch.ts";
import { Random } from "../../engine/random.ts";
import { reduction } from "../../engine/reduction.ts";
import { sizeOf } from "../../engine/shape.ts";
import type { Shape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkGradients, distinct } from "../kernels/helpers.ts";
import { build, programs } from "./expressions.ts";

const reference = new ReferenceBackend();
beforeEach(() => {
  setBackend(reference);
});

const elements = async (t: Tensor): Promise<number[]> => Array.from(await t.data());

/** A shape that broadcasts to `target`: some leading axes left out, some of the others of length 1. */
const broadcastable = (target: Shape): fc.Arbitrary<number[]> =>
  fc
    .tuple(fc.nat(target.length), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }))
    .map(([missing, ones]) => target.slice(missing).map((length, axis) => (ones[axis] ? 1 : length)));

const someAxes = (rank: number): fc.Arbitrary<number[]> =>
  fc.subarray(Array.from({ length: rank }, (_, axis) => axis));

describe("formulas on cpu and reference", () => {
  let cpu: CpuBackend;
  before(async () => {
    cpu = await CpuBackend.create(2);
  });
  after(() => cpu.destroy());

  const lengths = [0, 1, 1, 2, 3, 4, 5, 8, 19];
  const targets = fc.array(fc.constantFrom(...lengths), { maxLength: 4 }).filter((s) => sizeOf(s) <= 4096);
  const kinds = fc.constantFrom("f32", "f32", "i32", "number");

  interface Case {
    readonly target: number[];
    readonly axes: number[];
    readonly shapes: number[][];
    readonly kinds: string[];
  }
  const cases: fc.Arbitrary<Case> = targets.chain((target) =>
    fc.record({
      target: fc.constant(target),
      axes: someAxes(target.length),
      shapes: fc.array(broadcastable(target), { minLength: 3, maxLength: 3 }),
      kinds: fc.array(kinds, { minLength: 3, maxLength: 3 }).filter((list) => list.some((kind) => kind !== "number")),
    }),
  ); // prettier-ignore

  /** Small integers at the operands' places: then f32 is exact, and both backends must give the same numbers. */
  function operandsOf({ shapes, kinds }: Case): Operand[] {
    const random = new Random(1);
    return kinds.map((kind, i) => {
      if (kind === "number") return i - 1;
      const values = Float64Array.from({ length: sizeOf(shapes[i]!) }, () =>
        Math.floor(random.uniform(-2, 3)),
      );
      return tensor(values, shapes[i], { dtype: kind === "i32" ? "i32" : "f32" });
    });
  }

  const on = (backend: Backend, formula: Formula, c: Case): Tensor => {
    setBackend(backend);
    return formula.apply(operandsOf(c), { shape: c.target, axes: formula.fold === "none" ? [] : c.axes });
  };

  for (const fold of ["none", "sum", "max"] as const) {
    it(`give the same for any shapes, broadcast and folded (${fold})`, async () => {
      const ops: ScalarOp[] = ["neg", "add", "sub", "mul", "max", "less", "lessEqual", "equal", "where"];
      const exact = programs(3, { ops, maxSteps: 3, constants: [0, 1, -1, 2] });
      await fc.assert(
        fc.asyncProperty(exact, cases, async (program, c) => {
          const formula = new Formula("program", 3, build(program), fold);
          const [expected, got] = [on(reference, formula, c), on(cpu, formula, c)];
          assert.deepEqual(got.shape, expected.shape);
          // -0 and 0 are equal integers: a sum may begin with either.
          const plain = async (t: Tensor) => (await elements(t)).map((x) => x + 0);
          assert.deepEqual(await plain(got), await plain(expected));
          got.dispose();
        }),
        { numRuns: 200 },
      );
    });
  }
});

describe("expression kernels over operands with strides of their own", () => {
  // y = x0 + 10 x1 over [3, 11], where x0 is a matrix read in transposed order, x1 every third of a vector.
  const shape = [3, 11];
  const strided = () => [
    { tensor: tensor(Float32Array.from({ length: 33 }, (_, i) => i), [11, 3]), strides: [1, 3] },
    { tensor: tensor(Float32Array.from({ length: 33 }, (_, i) => i)), strides: [0, 3] },
  ]; // prettier-ignore
  const element = (i: number, j: number): number => 3 * j + i + 30 * j;
  const expr = e.add(e.input(0), e.mul(e.input(1), 10));
  const rows = [0, 1, 2].map((i) => Array.from({ length: 11 }, (_, j) => element(i, j)));

  it("map and fold them, on cpu and reference", async () => {
    const cpu = await CpuBackend.create(1);
    for (const backend of [reference, cpu]) {
      setBackend(backend);
      const map = { name: "map", accumulators: [], outputs: [expr] };
      assert.deepEqual(await elements(runExpression(map, strided(), shape)[0]!), rows.flat());
      const fold = {
        name: "fold",
        accumulators: [{ monoid: "sum", of: expr }],
        outputs: [e.input(2)],
      } as const;
      const sums = runExpression(fold, strided(), shape, [1])[0]!;
      assert.deepEqual(await elements(sums), rows.map((row) => row.reduce((a, b) => a + b))); // prettier-ignore
      const columns = runExpression(fold, strided(), shape, [0])[0]!;
      assert.deepEqual(await elements(columns), rows[0]!.map((_, j) => rows.reduce((total, row) => total + row[j]!, 0))); // prettier-ignore
    }
    await cpu.destroy();
  });

  it("walk neighbouring loops as one, where every operand allows it", () => {
    const space = iterationSpace([2, 1, 3, 4], [], [[12, 12, 4, 1], [0, 0, 0, 0]]); // prettier-ignore
    assert.deepEqual([space.kept, space.strides.map(({ kept }) => kept)], [[24], [[1], [0]]]);
    const row = iterationSpace([2, 3, 4], [], [[12, 4, 1], [0, 0, 1]]); // prettier-ignore
    assert.deepEqual([row.kept, row.strides.map(({ kept }) => kept)], [[6, 4], [[4, 1], [0, 1]]]); // prettier-ignore
  });
});

const silu = elementwise("silu", (x) => e.div(x, e.add(1, e.exp(e.neg(x)))));
const fused = elementwise("fused", (a, b, c) => e.mul(e.exp(e.mul(a, 0.3)), e.add(e.mul(b, c), e.square(a))));
const larger = elementwise("larger", (a, b) => e.max(e.mul(a, 2), b));
const sum = reduction("sum", "sum", (x) => x);
const sumOfSquares = reduction("sumOfSquares", "sum", (x) => e.square(x));
const max = reduction("max", "max", (x) => x);
const total = new Formula("total", 2, e.add(e.input(0), e.input(1)), "sum");
const product = new Formula("product", 2, e.mul(e.input(0), e.exp(e.input(1))), "sum");
// With elements that are multiples of one gap, no two of these are equal or close.
const greatest = new Formula("greatest", 2, e.exp(e.add(e.input(0), e.mul(e.input(1), 1.37))), "max");

describe("first and second derivatives of formulas, against central differences", () => {
  const targets = fc.array(fc.integer({ min: 1, max: 3 }), { maxLength: 4 }).filter((s) => sizeOf(s) <= 12);
  /** Shapes that broadcast to a target, and axes of it; elements that are all different. */
  const cases = (operands: number) =>
    targets.chain((target) =>
      fc.record({
        target: fc.constant(target),
        shapes: fc.array(broadcastable(target), { minLength: operands, maxLength: operands }),
        axes: someAxes(target.length),
        seed: fc.nat(1000),
      }),
    );
  const check = (operands: number, f: (xs: Tensor[], target: Shape, axes: number[]) => Tensor) =>
    fc.assert(
      fc.asyncProperty(cases(operands), async ({ target, shapes, axes, seed }) => {
        await checkGradients((...xs) => f(xs, target, axes), distinct(seed, ...shapes));
      }),
      { numRuns: 25 },
    );
  const axesOf = (x: Tensor, axes: number[]) => axes.filter((axis) => axis < x.shape.length);

  it("elementwise, one operand", () => check(1, ([x]) => silu(x!)));
  it("elementwise, three operands that broadcast", () => check(3, ([a, b, c]) => fused(a!, b!, c!)));
  it("elementwise maximum", () => check(2, ([a, b]) => larger(a!, b!)));
  it("a number among the operands", () => check(2, ([a, b]) => fused(a!, 1.5, b!)));
  it("sum", () => check(1, ([x], _, axes) => silu(sum(x!, axesOf(x!, axes)))));
  it("a sum of squares", () => check(1, ([x], _, axes) => sumOfSquares(x!, axesOf(x!, axes), { keepDims: true }))); // prettier-ignore
  it("a sum of sums that broadcast", () => check(2, (xs, shape, axes) => total.apply(xs, { shape, axes })));
  it("a sum of products that broadcast", () => check(2, (xs, shape, axes) => product.apply(xs, { shape, axes }))); // prettier-ignore
  it("max", () => check(1, ([x], _, axes) => silu(max(x!, axesOf(x!, axes)))));
  it("a maximum over two operands", () => check(2, ([a, b], _, axes) => greatest.apply([a!, b!], { axes: axes.filter((axis) => axis < Math.max(a!.shape.length, b!.shape.length)) }))); // prettier-ignore
});

describe("the derivative of max", () => {
  it("is shared evenly between equal elements", async () => {
    const x = tensor([[1, 5, 5], [7, 2, 7], [3, 3, 3]], undefined, { requiresGrad: true }); // prettier-ignore
    backward(max(x, 1), { gradient: tensor([6, 12, 9]) });
    assert.deepEqual(await elements(x.grad!), [0, 3, 3, 6, 0, 6, 3, 3, 3]);
  });

  it("is NaN where the maximum is, as in PyTorch", async () => {
    const cpu = await CpuBackend.create(1);
    for (const backend of [reference, cpu]) {
      setBackend(backend);
      const x = tensor([[NaN, 1], [2, 3]], undefined, { requiresGrad: true }); // prettier-ignore
      backward(sum(max(x, 1)));
      assert.deepEqual(await elements(x.grad!), [NaN, NaN, 0, 1]);
    }
    await cpu.destroy();
  });

  it("counts ties over the broadcast shape", async () => {
    const [a, b] = [
      tensor([[1], [1]], undefined, { requiresGrad: true }),
      tensor([2, 2, 1], undefined, { requiresGrad: true }),
    ];
    // The products are [2, 2, 1] twice: four ties.
    const y = new Formula("products", 2, e.mul(e.input(0), e.input(1)), "max").apply([a, b], {
      axes: [0, 1],
    });
    backward(y, { gradient: tensor([[8]]) });
    assert.deepEqual(await elements(a.grad!), [8, 8]);
    assert.deepEqual(await elements(b.grad!), [4, 4, 0]);
  });

  it("is shared on the cpu backend too", async () => {
    const cpu = await CpuBackend.create(1);
    setBackend(cpu);
    const x = tensor([0.1, 0.7, 0.7, -1], undefined, { requiresGrad: true });
    const y = new Formula("exps", 1, e.exp(e.mul(e.input(0), 1.7)), "max").apply([x], { axes: [0] });
    backward(y, { gradient: tensor([2]) });
    const slope = 1.7 * Math.exp(1.7 * 0.7);
    const got = await elements(x.grad!);
    assert(Math.abs(got[1]! - slope) < 1e-5 && got[1] === got[2], String(got));
    assert.deepEqual([got[0], got[3]], [0, 0]);
    await cpu.destroy();
  });

  it("needs no operand that the expression does not read", async () => {
    const [a, b] = [tensor([1, 2], undefined, { requiresGrad: true }), tensor([3, 4])];
    backward(new Formula("first", 2, e.input(0), "max").apply([a, b], { axes: [0] }), {
      gradient: tensor([1]),
    });
    assert.deepEqual(await elements(a.grad!), [0, 1]);
  });
});

describe("formulas over nothing", () => {
  it("give the identity for folds, and gradients of zero", async () => {
    const x = tensor(new Float32Array(0), [2, 0], { requiresGrad: true });
    assert.deepEqual(await elements(sum(x, 1)), [0, 0]);
    assert.deepEqual(await elements(max(x, 1)), [-Infinity, -Infinity]);
    const w = tensor([3], undefined, { requiresGrad: true });
    backward(sum(fused(x, w, 1)));
    assert.deepEqual(w.grad?.shape, [1]);
    assert.deepEqual(await elements(w.grad), [0]);
    assert.deepEqual(x.grad?.shape, [2, 0]);
  });
});

describe("operands", () => {
  it("that do not broadcast are refused with both shapes", () => {
    assert.throws(() => larger(tensor([1, 2, 3]), tensor([1, 2])), (error) => {
      return error instanceof ShapeError && error.message.startsWith("larger: ") && error.message.includes("[3] and [2]");
    }); // prettier-ignore
  });

  it("are as many as the expression takes, one of them a tensor", () => {
    assert.throws(() => larger(1, 2), ValueError);
    // @ts-expect-error one operand is missing
    assert.throws(() => larger(tensor([1])), ValueError);
  });

  it("without influence have no gradient", () => {
    const [a, b] = [
      tensor(1, undefined, { requiresGrad: true }),
      tensor(1, undefined, { requiresGrad: true }),
    ];
    assert.throws(
      () => grad(new Formula("first", 2, e.exp(e.input(0))).apply([a, b]), [b]),
      NotDifferentiableError,
    );
  });

  it("of steps have no derivative, by name", () => {
    const step = elementwise("step", (x) => e.less(0, x));
    const x = tensor(1, undefined, { requiresGrad: true });
    assert.throws(() => { backward(step(x)); }, (error) => error instanceof NotDifferentiableError && error.message.startsWith("step: ")); // prettier-ignore
  });
});
