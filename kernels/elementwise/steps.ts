/**
 * Functions that are constant but for jumps. Their derivative is 0 wherever it exists and says nothing: `backward`
 * throws NotDifferentiableError where it would go through one (where PyTorch gives zeros), so that no training stands
 * still without a word. To let a gradient pass anyway, say how: `add(x, stopGradient(sub(round(x), x)))` has the values
 * of round and the derivative of x (the straight-through estimator; Bengio et al., 2013).
 */
import { elementwise } from "../../engine/elementwise.ts";
import * as e from "../../engine/expr/expr.ts";

/** 1 where x > 0, -1 where x < 0, else 0. Has no derivative. */
export const sign = elementwise("sign", (x) => e.sign(x));

/** The largest integer that is not above x. Has no derivative. */
export const floor = elementwise("floor", (x) => e.floor(x));

/** The nearest integer; of two equally near ones the even one, as in PyTorch. Has no derivative. */
export const round = elementwise("round", (x) => e.round(x));
