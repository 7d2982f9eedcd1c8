/**
 * Arithmetic on tensors whose shapes broadcast, or numbers. The derivatives come from the expressions.
 */
import { elementwise } from "../../engine/elementwise.ts";
import { ValueError } from "../../engine/errors.ts";
import * as e from "../../engine/expr/expr.ts";
import type { Operand } from "../../engine/formula.ts";
import type { Tensor } from "../../engine/tensor.ts";

/** a + b */
export const add = elementwise("add", (a, b) => e.add(a, b));

/** a - b */
export const sub = elementwise("sub", (a, b) => e.sub(a, b));

/** a b */
export const mul = elementwise("mul", (a, b) => e.mul(a, b));

/** a / b */
export const div = elementwise("div", (a, b) => e.div(a, b));

/** a to the power b; NaN for a negative a unless b is an integer. The derivative with respect to b is 0 where a = 0. */
export const pow = elementwise("pow", (a, b) => e.pow(a, b));

/** -x */
export const neg = elementwise("neg", (x) => e.neg(x));

/** The larger of a and b; NaN if either is. Where they are equal, each gets half of the gradient. */
export const maximum = elementwise("maximum", (a, b) => e.max(a, b));

/** The smaller of a and b; NaN if either is. Where they are equal, each gets half of the gradient. */
export const minimum = elementwise("minimum", (a, b) => e.min(a, b));

const clampOp = elementwise("clamp", (x, low, high) =>
  e.where(e.less(x, low), low, e.where(e.less(high, x), high, x)),
);

/**
 * x where it lies from `low` to `high` (bounds included; there x has the gradient), else the nearer of the two. For one
 * bound only, the other may be infinite. Throws ValueError for numbers with low > high.
 */
export function clamp(x: Tensor, low: Operand, high: Operand): Tensor {
  if (typeof low === "number" && typeof high === "number" && low > high)
    throw new ValueError(`clamp: expected low <= high, got ${low} and ${high}`);
  return clampOp(x, low, high);
}
