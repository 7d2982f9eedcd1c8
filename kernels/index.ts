/**
 * Every op by family: the table to read first. An op is a plain function on tensors. Its file holds the shape rule,
 * forward and backward; kernels written by hand lie beside it, in `*.kernels.ts`, all others come from expressions.
 */
import { reshape } from "../engine/view.ts";
import { contrastiveGradientKernel, contrastiveLossesKernel } from "./contrastive/contrastive.kernels.ts";
import { contrastiveLosses } from "./contrastive/contrastive.ts";
import { conv2d, conv2dGradInput, conv2dGradWeight } from "./conv2d/conv2d.ts";
import * as conv2dKernels from "./conv2d/conv2d.kernels.ts";
import { add, div, maximum, mul, neg, sub } from "./elementwise/arithmetic.ts";
import { equal, greater, greaterEqual, less, lessEqual, where } from "./elementwise/comparisons.ts";
import { exp, log, relu, sqrt, square } from "./elementwise/functions.ts";
import { concatKernels } from "./layout/concat.kernels.ts";
import { concat } from "./layout/concat.ts";
import { gatherKernels, scatterAddKernel } from "./layout/gather.kernels.ts";
import { gather, scatterAdd } from "./layout/gather.ts";
import { padKernel, sliceKernels } from "./layout/slice.kernels.ts";
import { slice } from "./layout/slice.ts";
import { transpose } from "./layout/transpose.ts";
import { crossEntropy } from "./loss/cross-entropy.ts";
import { matmul as matmulKernel } from "./matmul/matmul.kernels.ts";
import { matmul } from "./matmul/matmul.ts";
import { batchNorm, batchNormInference } from "./normalize/batch-norm.ts";
import { l2Normalize } from "./normalize/l2-normalize.ts";
import { logSoftmax, softmax } from "./normalize/softmax.ts";
import { avgPoolGradInputKernel, avgPoolKernel } from "./pool/avg-pool.kernels.ts";
import { avgPool2d, globalAvgPool } from "./pool/avg-pool.ts";
import { argMaxKernel } from "./reduce/arg-max.kernels.ts";
import { argMax } from "./reduce/arg-max.ts";
import { logSumExp } from "./reduce/log-sum-exp.ts";
import { max } from "./reduce/max.ts";
import { mean, sum } from "./reduce/sum.ts";

/** Every op, by family. */
export const ops = {
  /** Element by element, over shapes that broadcast. */
  elementwise: {
    ...{ add, sub, mul, div, neg, maximum },
    ...{ exp, log, sqrt, square, relu },
    ...{ less, lessEqual, greater, greaterEqual, equal, where },
  },
  /** Along axes, which disappear. */
  reduce: { sum, mean, max, logSumExp, argMax },
  /** The same elements, elsewhere. */
  layout: { reshape, transpose, slice, concat, gather, scatterAdd },
  matmul: { matmul },
  conv2d: { conv2d, conv2dGradInput, conv2dGradWeight },
  pool: { avgPool2d, globalAvgPool },
  normalize: { batchNorm, batchNormInference, l2Normalize, softmax, logSoftmax },
  loss: { crossEntropy },
  contrastive: { contrastiveLosses },
} as const;

/** Every kernel that is written by hand. */
export const kernels = [
  ...[argMaxKernel],
  ...[sliceKernels.f32, sliceKernels.i32, padKernel],
  ...[concatKernels.f32, concatKernels.i32],
  ...[gatherKernels.f32, gatherKernels.i32, scatterAddKernel],
  ...[matmulKernel],
  ...[conv2dKernels.conv2dForward, conv2dKernels.conv2dGradInput, conv2dKernels.conv2dGradWeight],
  ...[avgPoolKernel, avgPoolGradInputKernel],
  ...[contrastiveLossesKernel, contrastiveGradientKernel],
] as const;

export * from "./elementwise/arithmetic.ts";
export * from "./elementwise/functions.ts";
export * from "./elementwise/comparisons.ts";
export * from "./reduce/sum.ts";
export * from "./reduce/max.ts";
export { logSumExp } from "./reduce/log-sum-exp.ts";
export * from "./reduce/arg-max.ts";
export { reshape } from "../engine/view.ts";
export * from "./layout/transpose.ts";
export { slice } from "./layout/slice.ts";
export * from "./layout/concat.ts";
export * from "./layout/gather.ts";
export * from "./matmul/matmul.ts";
export * from "./conv2d/conv2d.ts";
export * from "./pool/avg-pool.ts";
export * from "./normalize/batch-norm.ts";
export * from "./normalize/l2-normalize.ts";
export * from "./normalize/softmax.ts";
export * from "./loss/cross-entropy.ts";
export * from "./contrastive/contrastive.ts";
export type { Indices } from "./arguments.ts";
