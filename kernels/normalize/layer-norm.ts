import { ShapeError } from "../../engine/errors.ts";
import { scope } from "../../engine/scope.ts";
import { formatShape, sameShape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { checkShapeIs, checkTensors } from "../arguments.ts";
import { normalizeOver } from "./normalize-over.ts";
import { checkEpsilon } from "./statistics.ts";

/** Options of {@link layerNorm}. */
export interface LayerNormOptions {
  /** Added to the variance. Default 1e-5. */
  readonly epsilon?: number;
}

/**
 * Layer normalisation (Ba, Kiros and Hinton, 2016): every sample of x to mean 0 and variance 1 over its last axes, those
 * of gamma and beta, then times gamma plus beta. For x [..., C] and gamma [C] that is each row by itself.
 * Throws ShapeError unless gamma and beta have the shape of one or more of x's last axes, ValueError for a negative
 * epsilon, DTypeError unless all are f32.
 */
export function layerNorm(
  x: Tensor,
  gamma: Tensor,
  beta: Tensor,
  { epsilon = 1e-5 }: LayerNormOptions = {},
): Tensor {
  checkTensors("layerNorm", "f32", { x, gamma, beta });
  const { shape } = gamma;
  if (
    shape.length === 0 ||
    shape.length > x.shape.length ||
    !sameShape(shape, x.shape.slice(-shape.length))
  ) {
    throw new ShapeError(
      `layerNorm: expected gamma of the shape of x's last axes, got ${formatShape(shape)} for x ${formatShape(x.shape)}`,
    );
  }
  checkShapeIs("layerNorm", "beta", beta, shape, "as gamma");
  checkEpsilon("layerNorm", epsilon);
  const { size } = gamma;
  return scope(() => {
    const rows = reshape(x, [size === 0 ? 0 : x.size / size, size]);
    return reshape(normalizeOver(rows, [1], reshape(gamma, [size]), reshape(beta, [size]), epsilon), x.shape);
  });
}
