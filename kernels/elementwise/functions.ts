/**
 * Functions of one tensor, element by element. The derivatives come from the expressions.
 */
import { elementwise } from "../../engine/elementwise.ts";
import * as e from "../../engine/expr/expr.ts";

/** e^x */
export const exp = elementwise("exp", (x) => e.exp(x));

/** The natural logarithm of x. */
export const log = elementwise("log", (x) => e.log(x));

/** The square root of x. */
export const sqrt = elementwise("sqrt", (x) => e.sqrt(x));

/** x^2 */
export const square = elementwise("square", (x) => e.square(x));

/** max(x, 0), and NaN for NaN. The derivative at 0 is 0. */
export const relu = elementwise("relu", (x) => e.where(e.lessEqual(x, 0), 0, x));
