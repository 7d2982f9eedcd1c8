/**
 * Gradient clipping: in place, between `backward` and the optimiser's step. Tensors without a gradient are passed over.
 */
import { noGrad } from "../engine/autograd.ts";
import { elementwise } from "../engine/elementwise.ts";
import * as e from "../engine/expr/expr.ts";
import { scope } from "../engine/scope.ts";
import type { Tensor } from "../engine/tensor.ts";
import { checkPositive } from "./check.ts";
import { globalNorm } from "./norm.ts";
import { defineUpdate } from "./update.ts";

// min(1, maxNorm / norm), without a division by 0
const factorFor = elementwise("clipFactor", (norm, maxNorm) => e.div(maxNorm, e.max(norm, maxNorm)));

const scale = defineUpdate("scaleGradient", (g, factor) => [e.mul(g, factor)]);

const clamp = defineUpdate("clampGradient", (g, bound) => [
  e.where(e.less(bound, g), bound, e.where(e.less(g, e.neg(bound)), e.neg(bound), g)),
]);

/**
 * Scales all gradients by one factor so that together, as one vector, they are no longer than `maxNorm` (Pascanu,
 * Mikolov and Bengio, ICML 2013): the direction stays. Returns their Euclidean length before, a scalar.
 * Throws ValueError unless maxNorm > 0.
 */
export function clipGradNorm(parameters: Iterable<Tensor>, maxNorm: number): Tensor {
  checkPositive("clipGradNorm", "maxNorm", maxNorm);
  return noGrad(() =>
    scope(() => {
      const gradients = gradientsOf(parameters);
      const norm = globalNorm(gradients);
      const factor = factorFor(norm, maxNorm);
      for (const gradient of gradients) scale(gradient, factor);
      return norm;
    }),
  );
}

/** Brings each element of each gradient into [-maxValue, maxValue]. Throws ValueError unless maxValue > 0. */
export function clipGradValue(parameters: Iterable<Tensor>, maxValue: number): void {
  checkPositive("clipGradValue", "maxValue", maxValue);
  for (const gradient of gradientsOf(parameters)) clamp(gradient, maxValue);
}

const gradientsOf = (parameters: Iterable<Tensor>): Tensor[] =>
  [...parameters].flatMap(({ grad }) => (grad ? [grad] : []));
