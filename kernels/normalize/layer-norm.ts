import { ShapeError } from "../../engine/errors.ts";
import * as e from "../../engine/expr/expr.ts";
import { jointSums } from "../../engine/joint-sums.ts";
import { defineMultiOp } from "../../engine/op.ts";
import { mapRecord } from "../../engine/record.ts";
import { scope } from "../../engine/scope.ts";
import { formatShape, sameShape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { checkShapeIs, checkTensors } from "../arguments.ts";
import { affine, gradientOfX, offset, slope } from "./affine.ts";
import { checkEpsilon, inverseDeviation, once, parameterSums, statistics } from "./statistics.ts";

/** Options of {@link layerNorm}. */
export interface LayerNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
}

/** s0 and s1; operands dy, gamma, x, mean, rstd. */
const rowSums = jointSums("layerNorm.sums", 5, (dy, gamma, x, mean, rstd) => ({
  s0: e.mul(gamma, dy),
  s1: e.mul(e.mul(gamma, dy), e.mul(e.sub(x, mean), rstd)),
}));

type Inputs = Readonly<Record<"x" | "gamma" | "beta", Tensor>>;

/** Each row of x [M, D]; gamma and beta [D]. Mean and variance are [M, 1]. */
const rowsOp = defineMultiOp({
  name: "layerNorm",
  infer: (_inputs: Inputs, epsilon: number) => epsilon,
  forward: ({ x, gamma, beta }, epsilon) => {
    const { mean, variance, scale: rstd } = statistics(x, [1], 1, epsilon);
    const output = affine(x, mean, rstd, gamma, beta);
    return { outputs: { output, mean, variance }, saved: { x, gamma, mean, variance } };
  },
  // three passes over dy and x: dbeta and dgamma, s0 and s1, dx = rstd gamma dy + k1 (x - mean) + k0
  backward: ({ x, gamma, mean, variance }, { output: dy, mean: dmean, variance: dvariance }, epsilon) => {
    const rstd = inverseDeviation(variance, epsilon);
    const sums =
      dy && once(() => mapRecord(parameterSums([dy, x, mean, rstd], [0]), (total) => reshape(total, gamma.shape))); // prettier-ignore
    return {
      x: () => {
        const { s0, s1 } = dy ? rowSums([dy, gamma, x, mean, rstd], [1]) : { s0: 0, s1: 0 };
        const k1 = slope(dvariance ?? 0, rstd, s1, gamma.size);
        const k0 = offset(dmean ?? 0, rstd, s0, gamma.size);
        return gradientOfX(dy ?? 0, gamma, rstd, x, mean, k1, k0);
      },
      gamma: sums && (() => sums().dgamma),
      beta: sums && (() => sums().dbeta),
    };
  },
});

/**
 * Layer normalisation (Ba, Kiros and Hinton, 2016): every sample of x to mean 0 and variance 1 over its last axes, those
 * of gamma and beta, then times gamma plus beta. For x [..., C] and gamma [C] that is each row by itself.
 * Throws ShapeError unless gamma and beta have the shape of one or more of x's last axes, ValueError for a negative
 * epsilon, DTypeError unless all are f32.
 */
export function layerNorm(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  { epsilon = 1e-5 }: LayerNormOptions = {},
): Tensor {
  checkTensors("layerNorm", "f32", { x, gamma, beta });
  const { shape, size } = gamma;
  if (
    shape.length === 0 ||
    shape.length > x.shape.length ||
    !sameShape(shape, x.shape.slice(-shape.length))
  ) {
    throw new ShapeError(
      `layerNorm: expected gamma of the shape of x's last axes, got ${formatShape(shape)} for x ${formatShape(x.shape)}`,
    );
  }
  checkShapeIs("layerNorm", "beta", beta, shape, "as gamma");
  checkEpsilon("layerNorm", epsilon);
  return scope(() => {
    const rows = reshape(x, [size === 0 ? 0 : x.size / size, size]);
    const inputs = { x: rows, gamma: reshape(gamma, [size]), beta: reshape(beta, [size]) };
    return reshape(rowsOp(inputs, epsilon).output, x.shape);
  });
}
