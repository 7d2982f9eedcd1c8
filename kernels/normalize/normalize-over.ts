/**
 * Normalisation over some axes of x, with gamma and beta that vary along them: y = gamma xhat + beta, with the statistics
 * of `statistics.ts`. (Batch normalisation's gamma is constant along its axes; it needs a pass less.)
 *
 * **Backward.** Given dy, and dmean and dvariance for the two other outputs, with n values in each group:
 *
 *     dbeta = sum dy,   dgamma = sum dy xhat,   over the axes along which gamma repeats     one pass over dy and x
 *     s0 = sum gamma dy,   s1 = sum gamma dy xhat,   over each group                        one more
 *
 * x acts on y directly, by gamma rstd, and through mean and variance, whose whole gradients are
 *
 *     dmean' = dmean - rstd s0,   dvariance' = dvariance - rstd^2 s1 / 2
 *
 * and with  d mean / dx_i = 1 / n,  d variance / dx_i = 2 (x_i - mean) / n:
 *
 *     dx = rstd gamma dy + k1 (x - mean) + k0                                               one more
 *     k1 = (2 dvariance - rstd^2 s1) / n,   k0 = (dmean - rstd s0) / n
 *
 * Mean and variance are the op's own outputs: in a second derivative, what they owe to x comes through the tape.
 */
import { elementwise } from "../../engine/elementwise.ts";
import * as e from "../../engine/expr/expr.ts";
import { jointSums } from "../../engine/joint-sums.ts";
import { defineMultiOp } from "../../engine/op.ts";
import { mapRecord } from "../../engine/record.ts";
import { broadcastAxes } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { countAlong, inverseDeviation, once, parameterSums, statistics } from "./statistics.ts";

const affine = elementwise("normalize", (x, mean, rstd, gamma, beta) =>
  e.add(e.mul(e.mul(e.sub(x, mean), rstd), gamma), beta),
);

/** s0 and s1; operands dy, gamma, x, mean, rstd. */
const groupSums = jointSums("normalize.groupSums", 5, (dy, gamma, x, mean, rstd) => ({
  s0: e.mul(gamma, dy),
  s1: e.mul(e.mul(gamma, dy), e.mul(e.sub(x, mean), rstd)),
})); // prettier-ignore

const slope = elementwise("normalize.k1", (dvariance, rstd, s1, n) =>
  e.div(e.sub(e.mul(2, dvariance), e.mul(e.square(rstd), s1)), n),
);
const offset = elementwise("normalize.k0", (dmean, rstd, s0, n) => e.div(e.sub(dmean, e.mul(rstd, s0)), n));
const gradientOfX = elementwise("normalize.dx", (dy, gamma, rstd, x, mean, k1, k0) =>
  e.add(e.add(e.mul(e.mul(gamma, dy), rstd), e.mul(k1, e.sub(x, mean))), k0),
);

type Inputs = Readonly<Record<"x" | "gamma" | "beta", Tensor>>;

const normalizeOp = defineMultiOp({
  name: "normalize",
  infer: ({ x }: Inputs, { axes, epsilon }: { axes: readonly number[]; epsilon: number }) => ({
    axes,
    epsilon,
    count: countAlong(x.shape, axes),
  }),
  forward: ({ x, gamma, beta }, { axes, epsilon }) => {
    const { mean, variance, scale: rstd } = statistics(x, axes, 1, epsilon);
    const output = affine(x, mean, rstd, gamma, beta);
    return { outputs: { output, mean, variance }, saved: { x, gamma, mean, variance } };
  },
  // dbeta = sum dy,   dgamma = sum dy xhat,   dx = rstd gamma dy + k1 (x - mean) + k0
  backward: (
    { x, gamma, mean, variance },
    { output: dy, mean: dmean, variance: dvariance },
    { axes, count, epsilon },
  ) => {
    const rstd = inverseDeviation(variance, epsilon);
    const repeated = broadcastAxes(gamma.shape, x.shape);
    const sums =
      dy &&
      once(() =>
        mapRecord(parameterSums([dy, x, mean, rstd], repeated), (total) => reshape(total, gamma.shape)),
      );
    return {
      x: () => {
        const { s0, s1 } = dy ? groupSums([dy, gamma, x, mean, rstd], axes) : { s0: 0, s1: 0 };
        const k1 = slope(dvariance ?? 0, rstd, s1, count);
        const k0 = offset(dmean ?? 0, rstd, s0, count);
        return gradientOfX(dy ?? 0, gamma, rstd, x, mean, k1, k0);
      },
      gamma: sums && (() => sums().dgamma),
      beta: sums && (() => sums().dbeta),
    };
  },
});

/** gamma (x - mean) / sqrt(variance + epsilon) + beta, with the statistics of x over `axes`. gamma and beta broadcast to x. */
export const normalizeOver = (
  x: Tensor,
  axes: readonly number[],
  gamma: Tensor,
  beta: Tensor,
  epsilon: number,
): Tensor => normalizeOp({ x, gamma, beta }, { axes, epsilon }).output;
