/**
 * spheregrad: tensors, reverse-mode differentiation and every op.
 *
 * ```ts
 * await init();
 * const x = tensor([[1, 2], [3, 4]], undefined, { requiresGrad: true });
 * backward(sum(square(x)));
 * console.log(await x.grad?.data()); // Float32Array(4) [2, 4, 6, 8]
 * ```
 */
export { init } from "./engine/backend.ts";
export type { Backend, BackendName, BackendStats, Elements, InitOptions } from "./engine/backend.ts";
export { full, ones, randn, tensor, zeros } from "./engine/create.ts";
export type { NestedNumbers, TensorOptions } from "./engine/create.ts";
export type { Tensor } from "./engine/tensor.ts";
export type { Shape } from "./engine/shape.ts";
export type { DType } from "./engine/kernel.ts";
export { Random } from "./engine/random.ts";
export type { RandomState } from "./engine/random.ts";

export { backward, grad, noGrad, stopGradient } from "./engine/autograd.ts";
export type { GradOptions } from "./engine/autograd.ts";
export { gradCheck, GradientError } from "./engine/gradcheck.ts";
export type { GradCheckOptions, GradCheckResult } from "./engine/gradcheck.ts";
export { graph } from "./engine/graph.ts";
export { keep, scope } from "./engine/scope.ts";
export { setDebug } from "./engine/debug.ts";

/** Builders of scalar expressions, for {@link elementwise} and {@link reduction}. */
export * as e from "./engine/expr/expr.ts";
export { elementwise } from "./engine/elementwise.ts";
export { reduction } from "./engine/reduction.ts";
export type { Axes, Reduction, ReductionOptions } from "./engine/reduction.ts";

export * from "./engine/errors.ts";
export * from "./kernels/index.ts";
