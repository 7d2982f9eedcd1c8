import { elementwise } from "../../engine/elementwise.ts";
import { ValueError } from "../../engine/errors.ts";
import * as e from "../../engine/expr/expr.ts";
import { reduction } from "../../engine/reduction.ts";
import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";

/** The least epsilon whose square is still a normal f32. */
const leastEpsilon = 1.1e-19;

const sumOfSquares = reduction("l2Normalize", "sum", (x) => e.square(x));

// max(||x||, eps) = sqrt(max(||x||^2, eps^2)). In this form the derivative at x = 0 exists; sqrt alone has none there.
const divideByNorm = elementwise("l2Normalize", (x, squares, epsilonSquared) =>
  e.div(x, e.sqrt(e.max(squares, epsilonSquared))),
);

/**
 * x / max(||x||, epsilon): vectors along an axis, brought to Euclidean length 1; those shorter than epsilon become
 * x / epsilon. Throws ShapeError for an axis out of range, ValueError for an epsilon below 1.1e-19 (f32 cannot square it).
 */
export function l2Normalize(x: Tensor, axis = -1, epsilon = 1e-12): Tensor {
  if (!(epsilon >= leastEpsilon && epsilon < Infinity)) {
    throw new ValueError(`l2Normalize: expected an epsilon of at least ${leastEpsilon}, got ${epsilon}`);
  }
  return scope(() => divideByNorm(x, sumOfSquares(x, axis, { keepDims: true }), epsilon * epsilon));
}
