/**
 * Arithmetic on tensors whose shapes broadcast, or numbers. The derivatives come from the expressions.
 */
import { elementwise } from "../../engine/elementwise.ts";
import * as e from "../../engine/expr/expr.ts";

/** a + b */
export const add = elementwise("add", (a, b) => e.add(a, b));

/** a - b */
export const sub = elementwise("sub", (a, b) => e.sub(a, b));

/** a b */
export const mul = elementwise("mul", (a, b) => e.mul(a, b));

/** a / b */
export const div = elementwise("div", (a, b) => e.div(a, b));

/** -x */
export const neg = elementwise("neg", (x) => e.neg(x));

/** The larger of a and b; NaN if either is. Where they are equal, each gets half of the gradient. */
export const maximum = elementwise("maximum", (a, b) => e.max(a, b));
