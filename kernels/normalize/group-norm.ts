/**
 * Group normalisation, on x [N, P, C] with P pixels: a group is K = C / G neighbouring channels of one sample.
 *
 * gamma is constant along the pixels. So every sum over a group is made of sums over the pixels, one for each sample and
 * channel, as batch normalisation has them: one pass over x forward for the statistics, and one over dy and x backward.
 * With m_c and v_c the mean and variance of a channel,
 *
 *     mean = sum m_c / K,   variance = sum (v_c + (m_c - mean)^2) / K
 */
import { elementwise } from "../../engine/elementwise.ts";
import { ShapeError } from "../../engine/errors.ts";
import * as e from "../../engine/expr/expr.ts";
import { defineMultiOp } from "../../engine/op.ts";
import { scope } from "../../engine/scope.ts";
import { formatShape, sizeOf } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { checkShapeIs, checkTensors } from "../arguments.ts";
import { mul } from "../elementwise/arithmetic.ts";
import { broadcastTo } from "../layout/broadcast.ts";
import { mean as meanOf, sum } from "../reduce/sum.ts";
import { affine, gradientOfX, offset, slope } from "./affine.ts";
import { checkEpsilon, inverseDeviation, once, parameterSums, statistics } from "./statistics.ts";

/** Options of {@link groupNorm}. */
export interface GroupNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
}

type Inputs = Readonly<Record<"x" | "gamma" | "beta", Tensor>>;

const keepDims = { keepDims: true };

/** Values of channels [N, 1, C] by groups, [N, G, K]. */
const byGroups = (x: Tensor, groups: number): Tensor =>
  reshape(x, [x.shape[0] ?? 0, groups, (x.shape[2] ?? 0) / groups]);

/** A value for each group, [N, G, 1], given to each of its channels, [N, 1, C]. */
function toChannels(x: Tensor, channels: number): Tensor {
  const [batch = 0, groups = 1] = x.shape;
  return reshape(broadcastTo(x, [batch, groups, channels / groups]), [batch, 1, channels]);
}

const spread = elementwise("groupNorm.spread", (v, m, mean) => e.add(v, e.square(e.sub(m, mean))));

/** x [N, P, C]; gamma and beta [C]. Mean and variance are [N, G, 1]. */
const groupNormOp = defineMultiOp({
  name: "groupNorm",
  infer: ({ x, gamma }: Inputs, { groups, epsilon }: { groups: number; epsilon: number }) => {
    const channels = gamma.size;
    return { groups, epsilon, channels, count: ((x.shape[1] ?? 1) * channels) / groups };
  },
  forward: ({ x, gamma, beta }, { groups, epsilon, channels }) => {
    const { mean: m, variance: v } = statistics(x, [1], 1, epsilon);
    const mean = meanOf(byGroups(m, groups), 2, keepDims);
    const variance = meanOf(spread(byGroups(v, groups), byGroups(m, groups), mean), 2, keepDims);
    const rstd = inverseDeviation(variance, epsilon);
    const output = affine(x, toChannels(mean, channels), toChannels(rstd, channels), gamma, beta);
    return { outputs: { output, mean, variance }, saved: { x, gamma, mean, variance } };
  },
  // dx = rstd gamma dy + k1 (x - mean) + k0, and with sums over the pixels of each channel:
  // dbeta = sum over samples,   dgamma likewise,   s0 = sum of gamma dbeta over each group,   s1 likewise
  backward: (
    { x, gamma, mean, variance },
    { output: dy, mean: dmean, variance: dvariance },
    { groups, epsilon, channels, count },
  ) => {
    const rstd = inverseDeviation(variance, epsilon);
    const [ownMean, ownRstd] = [toChannels(mean, channels), toChannels(rstd, channels)];
    const sums = dy && once(() => parameterSums([dy, x, ownMean, ownRstd], [1]));
    const overGroups = (each: Tensor) => sum(byGroups(mul(gamma, each), groups), 2, keepDims);
    return {
      x: () => {
        const [s0, s1] = sums ? [overGroups(sums().dbeta), overGroups(sums().dgamma)] : [0, 0];
        const k1 = toChannels(slope(dvariance ?? 0, rstd, s1, count), channels);
        const k0 = toChannels(offset(dmean ?? 0, rstd, s0, count), channels);
        return gradientOfX(dy ?? 0, gamma, ownRstd, x, ownMean, k1, k0);
      },
      gamma: sums && (() => sum(sums().dgamma, [0, 1])),
      beta: sums && (() => sum(sums().dbeta, [0, 1])),
    };
  },
});

/**
 * Group normalisation (Wu and He, ECCV 2018): the channels of x [N, ..., C] in `groups` groups of C / groups neighbours;
 * each group of each sample to mean 0 and variance 1, then each channel times gamma [C] plus beta [C]. One group for each
 * channel is instance normalisation. Throws ShapeError unless x has rank 2 or more, groups divides C and gamma and beta
 * fit, ValueError for a negative epsilon, DTypeError unless all are f32.
 */
export function groupNorm(
  x: Tensor,
  groups: number,
  gamma: Tensor,
  beta: Tensor,
  { epsilon = 1e-5 }: GroupNormOptions = {},
): Tensor {
  checkTensors("groupNorm", "f32", { x, gamma, beta });
  const [batch, ...rest] = x.shape;
  const channels = rest.at(-1);
  if (batch === undefined || channels === undefined) {
    throw new ShapeError(`groupNorm: expected x [N, ..., C], got shape ${formatShape(x.shape)}`);
  }
  if (!Number.isInteger(groups) || groups < 1 || groups > channels || channels % groups !== 0) {
    throw new ShapeError(`groupNorm: expected groups to divide the ${channels} channels, got ${groups}`);
  }
  checkShapeIs("groupNorm", "gamma", gamma, [channels], "for the channels of x");
  checkShapeIs("groupNorm", "beta", beta, [channels], "for the channels of x");
  checkEpsilon("groupNorm", epsilon);
  return scope(() => {
    const pixels = reshape(x, [batch, sizeOf(rest.slice(0, -1)), channels]);
    return reshape(groupNormOp({ x: pixels, gamma, beta }, { groups, epsilon }).output, x.shape);
  });
}
