import { input, toExpr } from "./expr/expr.ts";
import type { Expr, ExprLike } from "./expr/expr.ts";
import type { Monoid } from "./expr/kernel.ts";
import { Formula } from "./formula.ts";
import type { Operand } from "./formula.ts";
import { scope } from "./scope.ts";
import { broadcastShapes, normalizeAxes, reduceShape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";
import { reshape } from "./view.ts";

/** One axis, several, or (undefined) all; negative axes count from the end. */
export type Axes = number | readonly number[] | undefined;

/** Options of reductions. */
export interface ReductionOptions {
  /** Keeps the reduced axes, with length 1. Default false. */
  readonly keepDims?: boolean;
}

/** A reduction op: folds over `axes` of x. Throws ShapeError for an axis out of range. */
export type Reduction = (x: Tensor, axes?: Axes, options?: ReductionOptions) => Tensor;

/**
 * Defines a reduction from the expression that is folded: `reduction("sumOfSquares", "sum", (x) => e.square(x))`.
 * Forward, derivative and every backend's kernel come from it.
 */
export function reduction(name: string, monoid: Monoid, of: (x: Expr) => ExprLike): Reduction {
  const formula = new Formula(name, 1, toExpr(of(input(0))), monoid);
  return (x, axes, options) => fold(formula, [x], normalizeAxes(name, axes, x.shape.length), options);
}

/** Applies a folding formula to operands over `axes` (sorted) of the shape to which they broadcast. */
export function fold(
  formula: Formula,
  operands: readonly Operand[],
  axes: readonly number[],
  { keepDims = false }: ReductionOptions = {},
): Tensor {
  const shapes = operands.map((operand) => (typeof operand === "number" ? [] : operand.shape));
  const shape = reduceShape(broadcastShapes(formula.name, ...shapes), axes, keepDims);
  return scope(() => reshape(formula.apply(operands, { axes }), shape));
}
