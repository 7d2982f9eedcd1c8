/**
 * What layer and group normalisation share: y = gamma xhat + beta, where gamma and beta vary within a group of values that
 * are normalised together, with the statistics of `statistics.ts`. (Batch normalisation's gamma is constant in a group.)
 *
 * **Backward.** Given dy, and dmean and dvariance for the statistics, with n values in each group:
 *
 *     dbeta = sum dy,   dgamma = sum dy xhat,   over all values that the same gamma multiplies
 *     s0 = sum gamma dy,   s1 = sum gamma dy xhat,   over each group
 *
 * x acts on y directly, by gamma rstd, and through mean and variance, whose whole gradients are
 *
 *     dmean' = dmean - rstd s0,   dvariance' = dvariance - rstd^2 s1 / 2
 *
 * and with  d mean / dx_i = 1 / n,  d variance / dx_i = 2 (x_i - mean) / n:
 *
 *     dx = rstd gamma dy + k1 (x - mean) + k0
 *     k1 = (2 dvariance - rstd^2 s1) / n,   k0 = (dmean - rstd s0) / n
 *
 * Mean and variance are outputs of the ops themselves: in a second derivative, what they owe to x comes through the tape.
 */
import { elementwise } from "../../engine/elementwise.ts";
import * as e from "../../engine/expr/expr.ts";

/** gamma xhat + beta */
export const affine = elementwise("normalize", (x, mean, rstd, gamma, beta) =>
  e.add(e.mul(e.mul(e.sub(x, mean), rstd), gamma), beta),
);

/** k1 */
export const slope = elementwise("normalize.k1", (dvariance, rstd, s1, n) =>
  e.div(e.sub(e.mul(2, dvariance), e.mul(e.square(rstd), s1)), n),
);

/** k0 */
export const offset = elementwise("normalize.k0", (dmean, rstd, s0, n) =>
  e.div(e.sub(dmean, e.mul(rstd, s0)), n),
);

/** dx */
export const gradientOfX = elementwise("normalize.dx", (dy, gamma, rstd, x, mean, k1, k0) =>
  e.add(e.add(e.mul(e.mul(gamma, dy), rstd), e.mul(k1, e.sub(x, mean))), k0),
);
