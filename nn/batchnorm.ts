import { ValueError } from "../engine/errors.ts";
import * as e from "../engine/expr/expr.ts";
import type { Tensor } from "../engine/tensor.ts";
import { batchNorm, batchNormInference } from "../kernels/index.ts";
import type { BatchNormOptions } from "../kernels/index.ts";
import { checkNonNegative, checkPositiveInteger } from "./check.ts";
import { Module, buffer, parameter } from "./module.ts";
import { defineUpdate } from "./update.ts";

/** Options of {@link BatchNorm2d}. */
export interface BatchNorm2dOptions {
  /** How much of the running statistics each batch replaces, in (0, 1]. Default 0.1. */
  readonly momentum?: number;
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
  /** Initial value of the scale (gamma). Default 1. */
  readonly gamma?: number;
}

// running <- (1 - m) running + m batch;  the variance of n samples times n / (n - 1) estimates the population's
const updateStatistics = defineUpdate(
  "runningStatistics",
  (mean, variance, batchMean, batchVariance, m, unbias) => [
    e.add(e.mul(e.sub(1, m), mean), e.mul(m, batchMean)),
    e.add(e.mul(e.sub(1, m), variance), e.mul(m, e.mul(unbias, batchVariance))),
  ],
);

/**
 * Batch normalisation of x [batch, height, width, channels] over all axes but the channels (Ioffe and Szegedy, ICML
 * 2015): y = gamma (x - mean) / sqrt(variance + epsilon) + beta, with gamma `weight` and beta `bias`.
 *
 * In training, mean and variance are the batch's, and running averages follow them (also under `noGrad`); in evaluation
 * they are the running ones. Names, momentum and the running variance's factor n / (n - 1) are PyTorch's.
 */
export class BatchNorm2d extends Module {
  readonly weight: Tensor;
  readonly bias: Tensor;
  /** Running mean; spelled as in PyTorch because the field's name is the name in checkpoints. */
  readonly running_mean: Tensor;
  /** Running variance. */
  readonly running_var: Tensor;
  readonly momentum: number;
  readonly epsilon: number;

  /** Throws ValueError for options out of their range. */
  constructor(channels: number, { momentum = 0.1, epsilon = 1e-5, gamma = 1 }: BatchNorm2dOptions = {}) {
    super();
    checkPositiveInteger("BatchNorm2d", "channels", channels);
    if (!(momentum > 0 && momentum <= 1)) {
      throw new ValueError(`BatchNorm2d: expected momentum in (0, 1], got ${momentum}`);
    }
    checkNonNegative("BatchNorm2d", "epsilon", epsilon);
    const all = (value: number) => new Float64Array(channels).fill(value);
    this.weight = parameter([channels], all(gamma));
    this.bias = parameter([channels], all(0));
    this.running_mean = buffer([channels], all(0));
    this.running_var = buffer([channels], all(1));
    this.momentum = momentum;
    this.epsilon = epsilon;
  }

  /**
   * With a residual (of the shape of x) and relu: relu(y + residual), in the same pass. Throws ShapeError in training if
   * x has a single value per channel, which has no variance.
   */
  override forward(x: Tensor, after: Pick<BatchNormOptions, "residual" | "relu"> = {}): Tensor {
    const options = { ...after, epsilon: this.epsilon };
    const { weight: gamma, bias: beta, running_mean: runningMean, running_var: runningVariance } = this;
    if (!this.training) {
      return batchNormInference(x, gamma, beta, runningMean, runningVariance, options);
    }
    const { output, mean, variance } = batchNorm(x, gamma, beta, options);
    const n = x.size / gamma.size;
    updateStatistics(runningMean, runningVariance, mean, variance, this.momentum, n / (n - 1));
    return output;
  }
}
