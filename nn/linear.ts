import type { Random } from "../engine/random.ts";
import type { Tensor } from "../engine/tensor.ts";
import { add, matmul } from "../kernels/index.ts";
import { checkPositiveInteger } from "./check.ts";
import { glorotUniform } from "./init.ts";
import type { Initializer } from "./init.ts";
import { Module, parameter } from "./module.ts";

/** Options of {@link Linear}. */
export interface LinearOptions {
  /** Where the initial weight is drawn from. */
  readonly random: Random;
  /** Whether there is a bias, which starts at 0. Default true. */
  readonly bias?: boolean;
  /** Initial values of the weight. Default {@link glorotUniform}. */
  readonly init?: Initializer;
}

/**
 * y = x W + b for x [batch, inFeatures], W [inFeatures, outFeatures] (PyTorch stores its transpose) and b [outFeatures].
 */
export class Linear extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor | null;

  /** Throws ValueError for sizes that are not positive integers. */
  constructor(inFeatures: number, outFeatures: number, options: LinearOptions) {
    super();
    checkPositiveInteger("Linear", "inFeatures", inFeatures);
    checkPositiveInteger("Linear", "outFeatures", outFeatures);
    const { random, bias = true, init = glorotUniform } = options;
    const shape = [inFeatures, outFeatures];
    this.weight = parameter(shape, () => init(shape, random));
    this.bias = bias ? parameter([outFeatures], new Float64Array(outFeatures)) : null;
  }

  override forward(x: Tensor): Tensor {
    const y = matmul(x, this.weight);
    return this.bias ? add(y, this.bias) : y;
  }
}
