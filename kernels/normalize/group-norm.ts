import { ShapeError } from "../../engine/errors.ts";
import { scope } from "../../engine/scope.ts";
import { formatShape, sizeOf } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { checkShapeIs, checkTensors } from "../arguments.ts";
import { normalizeOver } from "./normalize-over.ts";
import { checkEpsilon } from "./statistics.ts";

/** Options of {@link groupNorm}. */
export interface GroupNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
}

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
  if (!Number.isInteger(groups) || groups < 1 || channels % groups !== 0) {
    throw new ShapeError(`groupNorm: expected groups to divide the ${channels} channels, got ${groups}`);
  }
  checkShapeIs("groupNorm", "gamma", gamma, [channels], "for the channels of x");
  checkShapeIs("groupNorm", "beta", beta, [channels], "for the channels of x");
  checkEpsilon("groupNorm", epsilon);
  return scope(() => {
    const [pixels, perGroup] = [sizeOf(rest.slice(0, -1)), [groups, channels / groups]];
    const parts = reshape(x, [batch, pixels, ...perGroup]);
    const [scale, shift] = [reshape(gamma, perGroup), reshape(beta, perGroup)];
    return reshape(normalizeOver(parts, [1, 3], scale, shift, epsilon), x.shape);
  });
}
