import { elementwise } from "../../engine/elementwise.ts";
import { ValueError } from "../../engine/errors.ts";
import * as e from "../../engine/expr/expr.ts";
import { Formula } from "../../engine/formula.ts";
import { defineOp } from "../../engine/op.ts";
import type { Axes, ReductionOptions } from "../../engine/reduction.ts";
import { scope } from "../../engine/scope.ts";
import { formatShape, reduceShape, sizeOf } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { checkTensors } from "../arguments.ts";
import { nonEmptyAxes } from "../axis.ts";
import { div } from "../elementwise/arithmetic.ts";
import { root } from "./root.ts";
import { mean } from "./sum.ts";

/** Options of {@link variance} and {@link std}. */
export interface VarianceOptions extends ReductionOptions {
  /** The sum of squares is divided by n - correction. Default 1 (an estimate from a sample), as in PyTorch. */
  readonly correction?: number;
}

const keepDims = { keepDims: true };

// Squares of distances from the mean, in a second pass: one pass of squares would cancel where the mean is large.
const sumOfSquares = new Formula("variance", 2, e.square(e.sub(e.input(0), e.input(1))), "sum");
const gradientOfX = elementwise("variance.gradient", (x, m, dy, scale) =>
  e.mul(e.mul(dy, scale), e.sub(x, m)),
);

const varianceOp = defineOp({
  name: "variance",
  infer: (_inputs: { x: Tensor }, plan: { axes: readonly number[]; divisor: number }) => plan,
  forward: ({ x }, { axes, divisor }) => {
    const squares = sumOfSquares.apply([x, mean(x, axes, keepDims)], { axes });
    return { output: div(squares, divisor), saved: { x } };
  },
  // v = sum (x - m)^2 / d, and dv/dm = 0  =>  dx = 2 (x - m) dy / d
  backward: ({ x }, dy, { axes, divisor }) => ({
    x: () => gradientOfX(x, mean(x, axes, keepDims), dy, 2 / divisor),
  }),
});

function varianceOf(who: string, x: Tensor, axes: Axes, options: VarianceOptions): Tensor {
  const { correction = 1, keepDims = false } = options;
  checkTensors(who, "f32", { x });
  const sorted = nonEmptyAxes(who, axes, x.shape);
  const count = sizeOf(sorted.map((axis) => x.shape[axis] ?? 1));
  if (!(count > correction)) {
    throw new ValueError(
      `${who}: expected a correction below the number of values, got ${correction} for ${count} of shape ${formatShape(x.shape)}`,
    );
  }
  const shape = reduceShape(x.shape, sorted, keepDims);
  return reshape(varianceOp({ x }, { axes: sorted, divisor: count - correction }), shape);
}

/**
 * The mean square distance from the mean, over axes: sum (x - mean)^2 / (n - correction). Throws ShapeError for an axis
 * without elements, ValueError unless n > correction, DTypeError unless x is f32.
 */
export const variance = (x: Tensor, axes?: Axes, options: VarianceOptions = {}): Tensor =>
  scope(() => varianceOf("variance", x, axes, options));

/** The standard deviation: the root of {@link variance}, with its options and errors. Its derivative where it is 0 is 0. */
export const std = (x: Tensor, axes?: Axes, options: VarianceOptions = {}): Tensor =>
  scope(() => root(varianceOf("std", x, axes, options)));
