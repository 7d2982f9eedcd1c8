import { elementwise } from "../../engine/elementwise.ts";
import * as e from "../../engine/expr/expr.ts";

/**
 * sqrt(s) of a sum of squares. It has no derivative at 0, where it has a kink; 0 is taken, as in PyTorch: of the slopes
 * around, that is the middle. The root sees a 1 there, since 0 times its infinite derivative would be NaN.
 */
export const root = elementwise("root", (s) => {
  const isZero = e.equal(s, 0);
  return e.where(isZero, 0, e.sqrt(e.where(isZero, 1, s)));
});
