import { sizeOf } from "../engine/shape.ts";
import type { Shape } from "../engine/shape.ts";
import type { Tensor } from "../engine/tensor.ts";
import { layerNorm } from "../kernels/index.ts";
import type { LayerNormOptions } from "../kernels/index.ts";
import { checkNonNegative, checkPositiveInteger } from "./check.ts";
import { Module, parameter } from "./module.ts";

/**
 * Layer normalisation (Ba, Kiros and Hinton, 2016): y = gamma (x - mean) / sqrt(variance + epsilon) + beta, with the
 * mean and variance of each sample over its last axes, and gamma `weight` and beta `bias` of the shape of those axes.
 */
export class LayerNorm extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly epsilon: number;

  /**
   * @param shape - of the last axes; a number for one.
   * @throws ValueError for sizes that are not positive integers, or a negative epsilon.
   */
  constructor(shape: number | Shape, { epsilon = 1e-5 }: LayerNormOptions = {}) {
    super();
    const axes = typeof shape === "number" ? [shape] : shape;
    for (const length of axes) checkPositiveInteger("LayerNorm", "shape", length);
    checkNonNegative("LayerNorm", "epsilon", epsilon);
    this.weight = parameter(axes, new Float64Array(sizeOf(axes)).fill(1));
    this.bias = parameter(axes, new Float64Array(sizeOf(axes)));
    this.epsilon = epsilon;
  }

  override forward(x: Tensor): Tensor {
    return layerNorm(x, this.weight, this.bias, { epsilon: this.epsilon });
  }
}
