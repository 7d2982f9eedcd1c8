/**
 * Batch normalisation (Ioffe and Szegedy, ICML 2015) over all axes but the last: for each of the C channels
 * y = gamma xhat + beta, with the statistics of `statistics.ts`; then, as residual networks go on, + residual and
 * rectified: in the pass that writes y, so that nothing lies between that is read again.
 *
 * **Backward.** Given dy, and dmean and dvariance for the two other outputs. A rectifier lets g = dy pass where y > 0, and
 * nothing else; the residual's gradient is g. With g for dy:
 *
 *     dbeta = sum dy,   dgamma = sum dy xhat                                        one pass over dy and x
 *
 * x acts on y directly, by gamma rstd, and through mean and variance. With a = gamma rstd, their whole gradients are
 *
 *     dmean' = dmean - a dbeta,   dvariance' = dvariance - a rstd dgamma / 2
 *
 * (y changes by -a with the mean, and by -a (x - mean) rstd^2 / 2 with the variance; d variance / d mean = 0), and
 * d mean / dx_i = 1 / n,  d variance / dx_i = 2 (x_i - mean) / n. Together:
 *
 *     dx = a dy + k1 (x - mean) + k0                                                one more pass over dy and x
 *     k1 = (2 dvariance - a rstd dgamma) / n,   k0 = (dmean - a dbeta) / n
 *
 * For dmean = dvariance = 0 this is the known  dx = gamma rstd (dy - mean(dy) - xhat mean(dy xhat)).
 * Where a rectifier follows at once, both passes work out again whether y > 0, from the x that they read anyway; where a
 * residual stands between, g is needed as a tensor, and is made of the saved y. (Worked out again, y may round otherwise,
 * and pass or hold back a gradient where y is 0 but for rounding; there either is as right.)
 * Mean and variance are the op's own outputs: in a second derivative, what they owe to x comes through the tape.
 */
import { elementwise } from "../../engine/elementwise.ts";
import { ShapeError } from "../../engine/errors.ts";
import * as e from "../../engine/expr/expr.ts";
import { jointSums } from "../../engine/joint-sums.ts";
import { defineMultiOp } from "../../engine/op.ts";
import { mapRecord } from "../../engine/record.ts";
import { scope } from "../../engine/scope.ts";
import { formatShape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { checkDType, checkShapeIs, checkTensors } from "../arguments.ts";
import { mul } from "../elementwise/arithmetic.ts";
import { checkEpsilon, countAlong, inverseDeviation, once, parameterSums, statistics } from "./statistics.ts";

/** Options of {@link batchNorm} and {@link batchNormInference}. */
export interface BatchNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
  /** Added to what is normalised, of the shape of x: the shortcut of a residual block. */
  readonly residual?: Tensor | undefined;
  /** Whether negative results become 0. Default false. */
  readonly relu?: boolean;
}

/** Results of {@link batchNorm}. Mean and (biased) variance are those of the batch, [C]. */
export interface BatchNormOutputs {
  readonly output: Tensor;
  readonly mean: Tensor;
  readonly variance: Tensor;
}

type Inputs = Readonly<Record<"x" | "gamma" | "beta", Tensor>> & { readonly residual?: Tensor };

const affine = (x: e.Expr, mean: e.Expr, scale: e.Expr, beta: e.Expr): e.Expr =>
  e.add(e.mul(e.sub(x, mean), scale), beta);
// The residual is 0 where there is none.
const normalize = elementwise("batchNorm", (x, mean, scale, beta, residual) =>
  e.add(affine(x, mean, scale, beta), residual),
);
const normalizeRelu = elementwise("batchNormRelu", (x, mean, scale, beta, residual) =>
  e.relu(e.add(affine(x, mean, scale, beta), residual)),
);

// gamma rstd: one for each channel, not for each element
const scaleOf = elementwise("batchNorm.scale", (gamma, variance, epsilon) =>
  e.div(gamma, e.sqrt(e.add(variance, epsilon))),
);

const slope = elementwise("batchNorm.k1", (dvariance, a, rstd, dgamma, n) =>
  e.div(e.sub(e.mul(2, dvariance), e.mul(e.mul(a, rstd), dgamma)), n),
);
const offset = elementwise("batchNorm.k0", (dmean, a, dbeta, n) => e.div(e.sub(dmean, e.mul(a, dbeta)), n));
const dx = (dy: e.Expr, a: e.Expr, x: e.Expr, mean: e.Expr, k1: e.Expr, k0: e.Expr): e.Expr =>
  e.add(e.add(e.mul(a, dy), e.mul(k1, e.sub(x, mean))), k0);
const gradientOfX = elementwise("batchNorm.dx", dx);

// g of a rectifier, by its output, and by its input a (x - mean) + beta
const passed = elementwise("batchNormRelu.g", (dy, y) => e.where(e.less(0, y), dy, 0));
const passedAt = (dy: e.Expr, a: e.Expr, x: e.Expr, mean: e.Expr, beta: e.Expr): e.Expr =>
  e.where(e.less(0, affine(x, mean, a, beta)), dy, 0);
const sumsRelu = jointSums("batchNormRelu.sums", 6, (dy, x, mean, rstd, a, beta) => {
  const g = passedAt(dy, a, x, mean, beta);
  return { dbeta: g, dgamma: e.mul(g, e.mul(e.sub(x, mean), rstd)) };
});
const gradientOfXRelu = elementwise("batchNormRelu.dx", (dy, a, x, mean, k1, k0, beta) =>
  dx(passedAt(dy, a, x, mean, beta), a, x, mean, k1, k0),
);

const batchNormOp = defineMultiOp({
  name: "batchNorm",
  infer: ({ x, gamma, beta, residual }: Inputs, { epsilon = 1e-5, relu = false }: BatchNormOptions) => {
    const channels = x.shape.at(-1);
    const axes = x.shape.slice(0, -1).map((_, axis) => axis);
    const count = countAlong(x.shape, axes);
    if (channels === undefined || count < 2) {
      throw new ShapeError(
        `batchNorm: expected at least 2 values for each channel, got x of shape ${formatShape(x.shape)}; ` +
          `batchNormInference normalises single ones`,
      );
    }
    checkShapes("batchNorm", x, { gamma, beta }, residual);
    checkEpsilon("batchNorm", epsilon);
    checkDType("batchNorm", "f32", { x, gamma, beta, ...(residual && { residual }) });
    return { axes, count, epsilon, relu };
  },
  forward: ({ x, gamma, beta, residual }, { axes, epsilon, relu }) => {
    const perChannel = statistics(x, axes, gamma, epsilon);
    const { mean, variance, scale } = mapRecord(perChannel, (result) => reshape(result, gamma.shape));
    const output = (relu ? normalizeRelu : normalize)(x, mean, scale, beta, residual ?? 0);
    const saved = { x, gamma, beta, mean, variance, ...(relu && residual && { output }) };
    return { outputs: { output, mean, variance }, saved };
  },
  // g = dy where y > 0, after a rectifier, else dy
  // dbeta = sum g,   dgamma = sum g xhat,   dx = a g + k1 (x - mean) + k0,   dresidual = g
  backward: (
    { x, gamma, beta, mean, variance, output },
    { output: dy, mean: dmean, variance: dvariance },
    { axes, count, epsilon, relu },
  ) => {
    const rstd = inverseDeviation(variance, epsilon);
    const a = mul(gamma, rstd);
    const g = dy && output ? passed(dy, output) : dy;
    const maskedAgain = relu && !output;
    const sums =
      g &&
      once(() => {
        const totals = maskedAgain
          ? sumsRelu([g, x, mean, rstd, a, beta], axes)
          : parameterSums([g, x, mean, rstd], axes);
        return mapRecord(totals, (total) => reshape(total, gamma.shape));
      });
    return {
      x: () => {
        const { dbeta, dgamma } = sums?.() ?? { dbeta: 0, dgamma: 0 };
        const k1 = slope(dvariance ?? 0, a, rstd, dgamma, count);
        const k0 = offset(dmean ?? 0, a, dbeta, count);
        return maskedAgain
          ? gradientOfXRelu(g ?? 0, a, x, mean, k1, k0, beta)
          : gradientOfX(g ?? 0, a, x, mean, k1, k0);
      },
      gamma: sums && (() => sums().dgamma),
      beta: sums && (() => sums().dbeta),
      residual: g && (() => g),
    };
  },
});

/** Throws ShapeError unless the channels' values are [C] and the residual is of the shape of x. */
function checkShapes(
  who: string,
  x: Tensor,
  channels: Readonly<Record<string, Tensor>>,
  residual: Tensor | undefined,
): void {
  for (const [name, tensor] of Object.entries(channels)) {
    checkShapeIs(who, name, tensor, x.shape.slice(-1), "for the channels of x");
  }
  if (residual) checkShapeIs(who, "residual", residual, x.shape, "as x");
}

/**
 * Batch normalisation in training mode: x [..., C] to mean beta and standard deviation gamma [C] in each channel, with
 * the statistics of the batch, which are returned too; then + residual, and rectified, where the options say so.
 * Throws ShapeError for fewer than 2 values in each channel or other shapes of gamma, beta or residual, ValueError for a
 * negative epsilon, DTypeError unless all are f32.
 */
export const batchNorm = (
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  { residual, ...options }: BatchNormOptions = {},
): BatchNormOutputs => batchNormOp({ x, gamma, beta, ...(residual && { residual }) }, options);

/**
 * Batch normalisation with given statistics: gamma (x - mean) / sqrt(variance + epsilon) + beta, for x [..., C] and
 * all others [C]; then + residual, and rectified, where the options say so. Throws ShapeError for other shapes,
 * ValueError for a negative epsilon, DTypeError unless all are f32.
 */
export function batchNormInference(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  mean: Tensor,
  variance: Tensor,
  { epsilon = 1e-5, residual, relu = false }: BatchNormOptions = {},
): Tensor {
  const who = "batchNormInference";
  checkTensors(who, "f32", { x, gamma, beta, mean, variance, ...(residual && { residual }) });
  checkShapes(who, x, { gamma, beta, mean, variance }, residual);
  checkEpsilon(who, epsilon);
  const apply = relu ? normalizeRelu : normalize;
  return scope(() => apply(x, mean, scaleOf(gamma, variance, epsilon), beta, residual ?? 0));
}
