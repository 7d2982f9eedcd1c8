import { ValueError } from "../engine/errors.ts";
import type { Tensor } from "../engine/tensor.ts";
import { groupNorm } from "../kernels/index.ts";
import type { GroupNormOptions } from "../kernels/index.ts";
import { checkNonNegative, checkPositiveInteger } from "./check.ts";
import { Module, parameter } from "./module.ts";

/**
 * Group normalisation of x [batch, ..., channels] (Wu and He, ECCV 2018): y = gamma (x - mean) / sqrt(variance +
 * epsilon) + beta, with the mean and variance of each sample over `groups` groups of neighbouring channels, and gamma
 * `weight` and beta `bias` of each channel. Unlike batch normalisation it is the same in training and evaluation.
 */
export class GroupNorm extends Module {
  readonly groups: number;
  readonly weight: Tensor;
  readonly bias: Tensor;
  readonly epsilon: number;

  /** Throws ValueError unless groups divides channels, both positive integers, and for a negative epsilon. */
  constructor(groups: number, channels: number, { epsilon = 1e-5 }: GroupNormOptions = {}) {
    super();
    checkPositiveInteger("GroupNorm", "groups", groups);
    checkPositiveInteger("GroupNorm", "channels", channels);
    if (channels % groups !== 0) {
      throw new ValueError(`GroupNorm: expected groups to divide ${channels} channels, got ${groups}`);
    }
    checkNonNegative("GroupNorm", "epsilon", epsilon);
    this.groups = groups;
    this.weight = parameter([channels], new Float64Array(channels).fill(1));
    this.bias = parameter([channels], new Float64Array(channels));
    this.epsilon = epsilon;
  }

  override forward(x: Tensor): Tensor {
    return groupNorm(x, this.groups, this.weight, this.bias, { epsilon: this.epsilon });
  }
}
