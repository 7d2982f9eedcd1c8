/** Two-dimensional convolution (cross-correlation, as everywhere in deep learning) and its gradients. */
import type { Shape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkDType, checkShapeIs } from "../arguments.ts";
import { conv2dGeometry, yShape } from "./geometry.ts";
import type { ConvOptions } from "./geometry.ts";
import { forwardOp, gradInputOp, gradWeightOp } from "./passes.ts";

export type { ConvOptions } from "./geometry.ts";

/**
 * y [batch, outHeight, outWidth, outChannels] = x [batch, height, width, inChannels] convolved with
 * w [kernelHeight, kernelWidth, inChannels / groups, outChannels]. Options: `stride` (default 1), `padding` (0),
 * `dilation` (1), `groups` (1); the meaning is PyTorch's, whose weights [outChannels, inChannels / groups, kernelHeight,
 * kernelWidth] become w by `transpose(weight, [2, 3, 1, 0])`.
 * Throws ShapeError if shapes or options do not fit together, DTypeError unless both are f32.
 */
export function conv2d(x: Tensor, w: Tensor, options: ConvOptions = {}): Tensor {
  const geometry = conv2dGeometry("conv2d", x.shape, w.shape, options);
  checkDType("conv2d", "f32", { x, w });
  return forwardOp({ x, w }, geometry);
}

/**
 * The gradient of <conv2d(x, w, options), dy> with respect to x, of shape `inputShape`; dy has conv2d's shape. Throws
 * ShapeError if shapes or options do not fit together, DTypeError unless both are f32.
 */
export function conv2dGradInput(
  dy: Tensor,
  w: Tensor,
  { inputShape, ...options }: ConvOptions & { readonly inputShape: Shape },
): Tensor {
  const geometry = conv2dGeometry("conv2dGradInput", inputShape, w.shape, options);
  checkShapeIs("conv2dGradInput", "dy", dy, yShape(geometry), "(that of conv2d's result)");
  checkDType("conv2dGradInput", "f32", { dy, w });
  return gradInputOp({ dy, w }, geometry);
}

/**
 * The gradient of <conv2d(x, w, options), dy> with respect to w, of shape `weightShape`; dy has conv2d's shape. Throws
 * ShapeError if shapes or options do not fit together, DTypeError unless both are f32.
 */
export function conv2dGradWeight(
  x: Tensor,
  dy: Tensor,
  { weightShape, ...options }: ConvOptions & { readonly weightShape: Shape },
): Tensor {
  const geometry = conv2dGeometry("conv2dGradWeight", x.shape, weightShape, options);
  checkShapeIs("conv2dGradWeight", "dy", dy, yShape(geometry), "(that of conv2d's result)");
  checkDType("conv2dGradWeight", "f32", { x, dy });
  return gradWeightOp({ x, dy }, geometry);
}
