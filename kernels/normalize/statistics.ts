/**
 * What the normalisations share: for each group of n values x_i,
 *
 *     mean = sum x / n,   variance = sum (x - mean)^2 / n,   rstd = 1 / sqrt(variance + epsilon),   xhat = (x - mean) rstd
 *
 * **Statistics in one pass.** With any shift s, and d = x - s:  mean = s + sum d / n  and
 * variance = sum d^2 / n - (sum d / n)^2. The subtraction loses about log10((mean - s)^2 / variance) digits: with s = 0
 * all of them where the mean is large. s is one of the values, the first: it lies about a standard deviation from the
 * mean, and since (mean - s)^2 <= n variance for each value, even an outlier cannot take more than log10(n) digits.
 */
import { elementwise } from "../../engine/elementwise.ts";
import { ValueError } from "../../engine/errors.ts";
import * as e from "../../engine/expr/expr.ts";
import type { ExpressionDefinition } from "../../engine/expr/kernel.ts";
import type { Operand } from "../../engine/formula.ts";
import { jointSums } from "../../engine/joint-sums.ts";
import { runExpression } from "../../engine/launch.ts";
import { sizeOf, stridesOf } from "../../engine/shape.ts";
import type { Shape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";

const definition = ((): ExpressionDefinition => {
  const [x, shift, gamma, count, epsilon] = [e.input(0), e.input(1), e.input(2), e.input(3), e.input(4)];
  const [sumOfShifted, sumOfSquares] = [e.input(5), e.input(6)];
  const shifted = e.sub(x, shift);
  const meanShifted = e.div(sumOfShifted, count);
  // Rounding could leave a group of equal values slightly below 0.
  const variance = e.max(e.sub(e.div(sumOfSquares, count), e.square(meanShifted)), 0);
  return {
    name: "statistics",
    accumulators: [
      { monoid: "sum", of: shifted },
      { monoid: "sum", of: e.square(shifted) },
    ],
    outputs: [e.add(shift, meanShifted), variance, e.div(gamma, e.sqrt(e.add(variance, epsilon)))],
  };
})();

/** Mean, variance and scale = gamma rstd of x over axes, which stay with length 1. gamma is constant along them. */
export function statistics(
  x: Tensor,
  axes: readonly number[],
  gamma: Operand,
  epsilon: number,
): Readonly<Record<"mean" | "variance" | "scale", Tensor>> {
  const own = stridesOf(x.shape);
  // The first value of each group, standing still along the folded axes.
  const shift = { tensor: x, strides: own.map((stride, axis) => (axes.includes(axis) ? 0 : stride)) };
  const operands = [x, shift, gamma, countAlong(x.shape, axes), epsilon];
  const [mean, variance, scale] = runExpression(definition, operands, x.shape, axes);
  if (!mean || !variance || !scale) throw new RangeError("statistics: no outputs");
  return { mean, variance, scale };
}

/** The number of values in each group. */
export const countAlong = (shape: Shape, axes: readonly number[]): number =>
  sizeOf(axes.map((axis) => shape[axis] ?? 1));

/** dbeta = sum dy and dgamma = sum dy xhat, in one pass over dy and x; operands dy, x, mean, rstd. */
export const parameterSums = jointSums("normalize.sums", 4, (dy, x, mean, rstd) => ({
  dbeta: dy,
  dgamma: e.mul(dy, e.mul(e.sub(x, mean), rstd)),
}));

/** rstd, recorded: through it a second derivative sees the variance. */
export const inverseDeviation = elementwise("normalize.rstd", (variance, epsilon) =>
  e.div(1, e.sqrt(e.add(variance, epsilon))),
);

/** Throws ValueError for a negative epsilon. */
export function checkEpsilon(who: string, epsilon: number): void {
  if (epsilon >= 0 && epsilon < Infinity) return;
  throw new ValueError(`${who}: expected epsilon to be a number from 0 on, got ${epsilon}`);
}

/** The function, called at most once: later calls get the first result. */
export function once<T extends object>(f: () => T): () => T {
  let result: T | undefined;
  return () => (result ??= f());
}
