/**
 * Every op by family: the table to read first. An op is a plain function on tensors. Its file holds the shape rule,
 * forward and backward; kernels written by hand lie beside it, in `*.kernels.ts`, all others come from expressions.
 */
import { reshape } from "../engine/view.ts";
import { contrastiveSoftplus, contrastiveSplitSums, contrastiveSums } from "./contrastive/contrastive.ts";
import { contrastiveGradientKernel } from "./contrastive/gradient.kernels.ts";
import { contrastiveSoftplusKernel } from "./contrastive/softplus.kernels.ts";
import { contrastiveSplitSumsKernel, contrastiveSumsKernel } from "./contrastive/sums.kernels.ts";
import { convTranspose2d } from "./conv2d/conv-transpose2d.ts";
import { conv2d, conv2dGradInput, conv2dGradWeight } from "./conv2d/conv2d.ts";
import * as conv2dKernels from "./conv2d/conv2d.kernels.ts";
import { einsum } from "./einsum/einsum.ts";
import { elu, gelu, leakyRelu, relu, silu } from "./elementwise/activations.ts";
import { logSigmoid, sigmoid, softplus } from "./elementwise/activations.ts";
import { add, clamp, div, maximum, minimum, mul, neg, pow, sub } from "./elementwise/arithmetic.ts";
import { equal, greater, greaterEqual, less, lessEqual, where } from "./elementwise/comparisons.ts";
import { abs, cos, erf, exp, expm1, log, log1p } from "./elementwise/functions.ts";
import { reciprocal, rsqrt, sin, sqrt, square, tanh } from "./elementwise/functions.ts";
import { floor, round, sign } from "./elementwise/steps.ts";
import { scatterAddAlongKernel, takeAlongKernel } from "./layout/along.kernels.ts";
import { broadcastTo } from "./layout/broadcast.ts";
import { concatKernels } from "./layout/concat.kernels.ts";
import { concat } from "./layout/concat.ts";
import { flip } from "./layout/flip.ts";
import { gatherKernels, scatterAddKernel } from "./layout/gather.kernels.ts";
import { gather, scatterAdd } from "./layout/gather.ts";
import { oneHot } from "./layout/one-hot.ts";
import { pad } from "./layout/pad.ts";
import { padKernel, sliceKernels } from "./layout/slice.kernels.ts";
import { slice } from "./layout/slice.ts";
import { split } from "./layout/split.ts";
import { squeeze, unsqueeze } from "./layout/squeeze.ts";
import { stack } from "./layout/stack.ts";
import { takeAlongAxis } from "./layout/take-along-axis.ts";
import { transpose } from "./layout/transpose.ts";
import { binaryCrossEntropyWithLogits } from "./loss/binary-cross-entropy.ts";
import { crossEntropy } from "./loss/cross-entropy.ts";
import { mse } from "./loss/mse.ts";
import { batchedMatmul } from "./matmul/batched.kernels.ts";
import { matmul as matmulKernel } from "./matmul/matmul.kernels.ts";
import { matmul } from "./matmul/matmul.ts";
import { batchNorm, batchNormInference } from "./normalize/batch-norm.ts";
import { groupNorm } from "./normalize/group-norm.ts";
import { l2Normalize } from "./normalize/l2-normalize.ts";
import { layerNorm } from "./normalize/layer-norm.ts";
import { logSoftmax, softmax } from "./normalize/softmax.ts";
import { foldKernel, unfoldKernel } from "./patches/unfold.kernels.ts";
import { fold, unfold } from "./patches/unfold.ts";
import { adaptiveAvgPool2d } from "./pool/adaptive-avg-pool.ts";
import { avgPoolGradInputKernel, avgPoolKernel } from "./pool/avg-pool.kernels.ts";
import { avgPool2d, globalAvgPool } from "./pool/avg-pool.ts";
import * as maxPoolKernels from "./pool/max-pool.kernels.ts";
import { maxPool2d } from "./pool/max-pool.ts";
import { dropout } from "./random/dropout.ts";
import { argMaxKernel } from "./reduce/arg-max.kernels.ts";
import { argMax } from "./reduce/arg-max.ts";
import { cumsumKernel } from "./reduce/cumsum.kernels.ts";
import { cumsum } from "./reduce/cumsum.ts";
import { logSumExp } from "./reduce/log-sum-exp.ts";
import { max } from "./reduce/max.ts";
import { min } from "./reduce/min.ts";
import { norm } from "./reduce/norm.ts";
import { prod } from "./reduce/prod.ts";
import { mean, sum } from "./reduce/sum.ts";
import { std, variance } from "./reduce/variance.ts";
import { resampleKernel } from "./resample/resample.kernels.ts";
import { resize } from "./resample/resize.ts";
import { orderKernel } from "./sort/order.kernels.ts";
import { sort, topK } from "./sort/sort.ts";

/**
 * Every op, by family.
 * @internal
 */
export const ops = {
  /** Element by element, over shapes that broadcast. */
  elementwise: {
    ...{ add, sub, mul, div, neg, pow, maximum, minimum, clamp },
    ...{ exp, expm1, log, log1p, sqrt, rsqrt, square, reciprocal, abs, sin, cos, tanh, erf },
    ...{ relu, leakyRelu, elu, gelu, silu, sigmoid, logSigmoid, softplus },
    ...{ less, lessEqual, greater, greaterEqual, equal, where },
    ...{ sign, floor, round },
  },
  /** Along axes, which disappear (but for cumsum's). */
  reduce: { sum, mean, variance, std, norm, prod, max, min, logSumExp, argMax, cumsum },
  /** The same elements, elsewhere. */
  layout: {
    ...{ reshape, squeeze, unsqueeze, transpose, flip, broadcastTo },
    ...{ slice, split, pad, concat, stack },
    ...{ gather, scatterAdd, takeAlongAxis, oneHot },
  },
  sort: { sort, topK },
  matmul: { matmul, einsum },
  conv2d: { conv2d, convTranspose2d, conv2dGradInput, conv2dGradWeight },
  pool: { avgPool2d, maxPool2d, adaptiveAvgPool2d, globalAvgPool },
  /** Windows of images as rows of a matrix, and back. */
  patches: { unfold, fold },
  /** Images of another size. */
  resample: { resize },
  normalize: { batchNorm, batchNormInference, layerNorm, groupNorm, l2Normalize, softmax, logSoftmax },
  random: { dropout },
  loss: { crossEntropy, binaryCrossEntropyWithLogits, mse },
  contrastive: { contrastiveSums, contrastiveSplitSums, contrastiveSoftplus },
} as const;

/**
 * Every kernel that is written by hand.
 * @internal
 */
export const kernels = [
  ...[argMaxKernel, cumsumKernel, orderKernel],
  ...[sliceKernels.f32, sliceKernels.i32, padKernel],
  ...[concatKernels.f32, concatKernels.i32],
  ...[gatherKernels.f32, gatherKernels.i32, scatterAddKernel],
  ...[takeAlongKernel, scatterAddAlongKernel],
  ...[matmulKernel, batchedMatmul],
  ...[conv2dKernels.conv2dForward, conv2dKernels.conv2dGradInput, conv2dKernels.conv2dGradWeight],
  ...[avgPoolKernel, avgPoolGradInputKernel, resampleKernel],
  ...[maxPoolKernels.maxPoolKernel, maxPoolKernels.maxPoolGradInputKernel, maxPoolKernels.maxPoolPickKernel],
  ...[unfoldKernel, foldKernel],
  ...[
    contrastiveSumsKernel,
    contrastiveSplitSumsKernel,
    contrastiveSoftplusKernel,
    contrastiveGradientKernel,
  ],
] as const;

export * from "./elementwise/arithmetic.ts";
export * from "./elementwise/functions.ts";
export * from "./elementwise/activations.ts";
export * from "./elementwise/comparisons.ts";
export * from "./elementwise/steps.ts";
export * from "./reduce/sum.ts";
export * from "./reduce/variance.ts";
export * from "./reduce/norm.ts";
export * from "./reduce/prod.ts";
export * from "./reduce/max.ts";
export * from "./reduce/min.ts";
export { logSumExp } from "./reduce/log-sum-exp.ts";
export * from "./reduce/arg-max.ts";
export * from "./reduce/cumsum.ts";
export { reshape } from "../engine/view.ts";
export * from "./layout/squeeze.ts";
export * from "./layout/transpose.ts";
export * from "./layout/flip.ts";
export * from "./layout/broadcast.ts";
export { slice } from "./layout/slice.ts";
export * from "./layout/split.ts";
export * from "./layout/pad.ts";
export * from "./layout/concat.ts";
export * from "./layout/stack.ts";
export * from "./layout/gather.ts";
export * from "./layout/take-along-axis.ts";
export * from "./layout/one-hot.ts";
export * from "./sort/sort.ts";
export * from "./matmul/matmul.ts";
export * from "./einsum/einsum.ts";
export * from "./conv2d/conv2d.ts";
export * from "./conv2d/conv-transpose2d.ts";
export * from "./pool/avg-pool.ts";
export * from "./pool/max-pool.ts";
export * from "./pool/adaptive-avg-pool.ts";
export * from "./patches/unfold.ts";
export * from "./resample/resize.ts";
export * from "./normalize/batch-norm.ts";
export * from "./normalize/layer-norm.ts";
export * from "./normalize/group-norm.ts";
export * from "./normalize/l2-normalize.ts";
export * from "./normalize/softmax.ts";
export * from "./random/dropout.ts";
export * from "./loss/cross-entropy.ts";
export * from "./loss/binary-cross-entropy.ts";
export * from "./loss/mse.ts";
export * from "./contrastive/contrastive.ts";
export type { Indices } from "./arguments.ts";
