import * as e from "../../engine/expr/expr.ts";
import { reduction } from "../../engine/reduction.ts";
import type { Reduction } from "../../engine/reduction.ts";
import { scope } from "../../engine/scope.ts";
import { nonEmptyAxes } from "../axis.ts";
import { neg } from "../elementwise/arithmetic.ts";

// min x = -max(-x)
const negatedMin = reduction("min", "max", (x) => e.neg(x));

/**
 * The smallest element over axes; NaN if there is one. Equal minima share the gradient evenly (as PyTorch's `amin`).
 * Throws ShapeError for an axis without elements.
 */
export const min: Reduction = (x, axes, options) => {
  const sorted = nonEmptyAxes("min", axes, x.shape);
  return scope(() => neg(negatedMin(x, sorted, options)));
};
