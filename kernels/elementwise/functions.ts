/**
 * Functions of one tensor, element by element. The derivatives come from the expressions.
 */
import { elementwise } from "../../engine/elementwise.ts";
import * as e from "../../engine/expr/expr.ts";

/** e^x */
export const exp = elementwise("exp", (x) => e.exp(x));

/** e^x - 1, accurate for small x too. */
export const expm1 = elementwise("expm1", (x) => e.expm1(x));

/** The natural logarithm of x. */
export const log = elementwise("log", (x) => e.log(x));

/** ln(1 + x), accurate for small x too. */
export const log1p = elementwise("log1p", (x) => e.log1p(x));

/** The square root of x. */
export const sqrt = elementwise("sqrt", (x) => e.sqrt(x));

/** 1 / sqrt(x) */
export const rsqrt = elementwise("rsqrt", (x) => e.div(1, e.sqrt(x)));

/** x^2 */
export const square = elementwise("square", (x) => e.square(x));

/** 1 / x */
export const reciprocal = elementwise("reciprocal", (x) => e.div(1, x));

/** |x|. The derivative at 0 is 0. */
export const abs = elementwise("abs", (x) => e.abs(x));

/** The sine of x, in radians. On the cpu backend for |x| below 2^31, where floats are 256 apart; NaN beyond. */
export const sin = elementwise("sin", (x) => e.sin(x));

/** The cosine of x, in radians. On the cpu backend for |x| below 2^31, where floats are 256 apart; NaN beyond. */
export const cos = elementwise("cos", (x) => e.cos(x));

/** The hyperbolic tangent of x. */
export const tanh = elementwise("tanh", (x) => e.tanh(x));

/** The error function: 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to x. */
export const erf = elementwise("erf", (x) => e.erf(x));
