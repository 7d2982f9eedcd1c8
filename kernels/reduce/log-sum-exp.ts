/**
 * y = log sum_i exp(x_i), computed as  m + log sum_i exp(x_i - m)  with m = max_i x_i: the largest exponential is then
 * 1, so that nothing overflows and the sum is never 0.
 *
 * If m is infinite, x - m would be NaN. The identity holds for every m, so 0 is taken: a row of -Infinity gives
 * log 0 = -Infinity, and a row with +Infinity gives +Infinity.
 */
import { elementwise } from "../../engine/elementwise.ts";
import * as e from "../../engine/expr/expr.ts";
import type { Expr } from "../../engine/expr/expr.ts";
import { Formula } from "../../engine/formula.ts";
import { defineOp } from "../../engine/op.ts";
import type { Reduction } from "../../engine/reduction.ts";
import { scope } from "../../engine/scope.ts";
import { reduceShape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { nonEmptyAxes } from "../axis.ts";
import { max } from "./max.ts";

const zeroIf = (value: number, m: Expr): Expr => e.where(e.equal(m, value), 0, m);
const finite = (m: Expr): Expr => zeroIf(Infinity, zeroIf(-Infinity, m));

/** sum of e^(x - m), for operands x and m, where an infinite m counts as 0. */
export const sumExp = new Formula("sumExp", 2, e.exp(e.sub(e.input(0), finite(e.input(1)))), "sum");

const shiftedLog = elementwise("logSumExp.log", (s, m) => e.add(finite(m), e.log(s)));

// Where y is -Infinity all x are, and their weights e^x are 0.
const gradient = elementwise("logSumExp.gradient", (x, y, dy) =>
  e.mul(dy, e.exp(e.sub(x, zeroIf(-Infinity, y)))),
);

const logSumExpOp = defineOp({
  name: "logSumExp",
  infer: (_inputs: { x: Tensor }, axes: readonly number[]) => axes,
  forward: ({ x }, axes) => {
    const m = max(x, axes, { keepDims: true });
    const output = shiftedLog(sumExp.apply([x, m], { axes }), m);
    return { output, saved: { x, y: output } };
  },
  // dx = dy e^x / sum e^x = dy e^(x - y)
  backward: ({ x, y }, dy) => ({ x: () => gradient(x, y, dy) }),
});

/**
 * log of the sum of e^x over axes, without overflow. -Infinity where all elements are. Throws ShapeError for an axis
 * without elements.
 */
export const logSumExp: Reduction = (x, axes, { keepDims = false } = {}) => {
  const sorted = nonEmptyAxes("logSumExp", axes, x.shape);
  return scope(() => reshape(logSumExpOp({ x }, sorted), reduceShape(x.shape, sorted, keepDims)));
};
