/**
 * Batch normalisation (Ioffe and Szegedy, ICML 2015) over all axes but the last: for each of the C channels
 * y = gamma xhat + beta, with the statistics of `statistics.ts`.
 *
 * **Backward.** Given dy, and dmean and dvariance for the two other outputs:
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
 * Mean and variance are the op's own outputs: in a second derivative, what they owe to x comes through the tape.
 */
import { elementwise } from "../../engine/elementwise.ts";
import { ShapeError } from "../../engine/errors.ts";
import * as e from "../../engine/expr/expr.ts";
import { defineMultiOp } from "../../engine/op.ts";
import { mapRecord } from "../../engine/record.ts";
import { scope } from "../../engine/scope.ts";
import { formatShape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { checkDType, checkShapeIs, checkTensors } from "../arguments.ts";
import { mul } from "../elementwise/arithmetic.ts";
import { checkEpsilon, countAlong, inverseDeviation, once, parameterSums, statistics } from "./statistics.ts";

/** Options of {@link batchNorm}. */
export interface BatchNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
}

/** Results of {@link batchNorm}. Mean and (biased) variance are those of the batch, [C]. */
export interface BatchNormOutputs {
  readonly output: Tensor;
  readonly mean: Tensor;
  readonly variance: Tensor;
}

/** x, gamma, beta by name. */
type Inputs = Readonly<Record<"x" | "gamma" | "beta", Tensor>>;

const normalize = elementwise("batchNorm", (x, mean, scale, beta) =>
  e.add(e.mul(e.sub(x, mean), scale), beta),
);

// gamma rstd: one for each channel, not for each element
const scaleOf = elementwise("batchNorm.scale", (gamma, variance, epsilon) =>
  e.div(gamma, e.sqrt(e.add(variance, epsilon))),
);

const slope = elementwise("batchNorm.k1", (dvariance, a, rstd, dgamma, n) =>
  e.div(e.sub(e.mul(2, dvariance), e.mul(e.mul(a, rstd), dgamma)), n),
);
const offset = elementwise("batchNorm.k0", (dmean, a, dbeta, n) => e.div(e.sub(dmean, e.mul(a, dbeta)), n));
const gradientOfX = elementwise("batchNorm.dx", (dy, a, x, mean, k1, k0) =>
  e.add(e.add(e.mul(a, dy), e.mul(k1, e.sub(x, mean))), k0),
);

const batchNormOp = defineMultiOp({
  name: "batchNorm",
  infer: ({ x, gamma, beta }: Inputs, { epsilon = 1e-5 }: BatchNormOptions) => {
    const channels = x.shape.at(-1);
    const axes = x.shape.slice(0, -1).map((_, axis) => axis);
    const count = countAlong(x.shape, axes);
    if (channels === undefined || count < 2) {
      throw new ShapeError(
        `batchNorm: expected at least 2 values for each channel, got x of shape ${formatShape(x.shape)}; ` +
          `batchNormInference normalises single ones`,
      );
    }
    checkShapeIs("batchNorm", "gamma", gamma, [channels], "for the channels of x");
    checkShapeIs("batchNorm", "beta", beta, [channels], "for the channels of x");
    checkEpsilon("batchNorm", epsilon);
    checkDType("batchNorm", "f32", { x, gamma, beta });
    return { axes, count, epsilon };
  },
  forward: ({ x, gamma, beta }, { axes, epsilon }) => {
    const perChannel = statistics(x, axes, gamma, epsilon);
    const { mean, variance, scale } = mapRecord(perChannel, (result) => reshape(result, gamma.shape));
    const output = normalize(x, mean, scale, beta);
    return { outputs: { output, mean, variance }, saved: { x, gamma, mean, variance } };
  },
  // dbeta = sum dy,   dgamma = sum dy xhat,   dx = a dy + k1 (x - mean) + k0
  backward: (
    { x, gamma, mean, variance },
    { output: dy, mean: dmean, variance: dvariance },
    { axes, count, epsilon },
  ) => {
    const rstd = inverseDeviation(variance, epsilon);
    const sums =
      dy &&
      once(() => mapRecord(parameterSums([dy, x, mean, rstd], axes), (total) => reshape(total, gamma.shape)));
    return {
      x: () => {
        const { dbeta, dgamma } = sums?.() ?? { dbeta: 0, dgamma: 0 };
        const a = mul(gamma, rstd);
        const k1 = slope(dvariance ?? 0, a, rstd, dgamma, count);
        const k0 = offset(dmean ?? 0, a, dbeta, count);
        return gradientOfX(dy ?? 0, a, x, mean, k1, k0);
      },
      gamma: sums && (() => sums().dgamma),
      beta: sums && (() => sums().dbeta),
    };
  },
});

/**
 * Batch normalisation in training mode: x [..., C] to mean beta and standard deviation gamma [C] in each channel, with
 * the statistics of the batch, which are returned too. Throws ShapeError for fewer than 2 values in each channel or
 * another shape of gamma or beta, ValueError for a negative epsilon, DTypeError unless all are f32.
 */
export const batchNorm = (
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  options: BatchNormOptions = {},
): BatchNormOutputs => batchNormOp({ x, gamma, beta }, options);

/**
 * Batch normalisation with given statistics: gamma (x - mean) / sqrt(variance + epsilon) + beta, for x [..., C] and
 * all others [C]. Throws ShapeError for other shapes, ValueError for a negative epsilon, DTypeError unless all are f32.
 */
export function batchNormInference(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  mean: Tensor,
  variance: Tensor,
  { epsilon = 1e-5 }: BatchNormOptions = {},
): Tensor {
  checkTensors("batchNormInference", "f32", { x, gamma, beta, mean, variance });
  for (const [name, tensor] of Object.entries({ gamma, beta, mean, variance })) {
    checkShapeIs("batchNormInference", name, tensor, x.shape.slice(-1), "for the channels of x");
  }
  checkEpsilon("batchNormInference", epsilon);
  return scope(() => normalize(x, mean, scaleOf(gamma, variance, epsilon), beta));
}
