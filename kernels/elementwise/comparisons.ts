/**
 * Comparisons: 1 where they hold, else 0, as f32; 0 where a NaN is compared. They are steps, whose derivative says
 * nothing: `backward` throws NotDifferentiableError where it would go through one. `where` only selects by its
 * condition, so no gradient goes there.
 */
import { elementwise } from "../../engine/elementwise.ts";
import * as e from "../../engine/expr/expr.ts";

/** 1 where a < b, else 0 */
export const less = elementwise("less", (a, b) => e.less(a, b));

/** 1 where a <= b, else 0 */
export const lessEqual = elementwise("lessEqual", (a, b) => e.lessEqual(a, b));

/** 1 where a > b, else 0 */
export const greater = elementwise("greater", (a, b) => e.less(b, a));

/** 1 where a >= b, else 0 */
export const greaterEqual = elementwise("greaterEqual", (a, b) => e.lessEqual(b, a));

/** 1 where a = b, else 0 */
export const equal = elementwise("equal", (a, b) => e.equal(a, b));

/** a where the condition is not 0, else b. */
export const where = elementwise("where", (condition, a, b) => e.where(condition, a, b));
