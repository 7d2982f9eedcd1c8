/** Patches of images as rows of a matrix, and the way back: each is the other's gradient. */
import { defineOp, f32, runOne } from "../../engine/op.ts";
import type { Shape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkDType, checkShapeIs } from "../arguments.ts";
import { patchGeometry, xShape, yShape } from "./geometry.ts";
import type { PatchGeometry, UnfoldOptions } from "./geometry.ts";
import { foldKernel, unfoldKernel } from "./unfold.kernels.ts";

export type { UnfoldOptions } from "./geometry.ts";

const unfoldOp = defineOp({
  name: "unfold",
  infer: (_inputs: { x: Tensor }, geometry: PatchGeometry) => geometry,
  forward: ({ x }, geometry) => ({
    output: runOne(unfoldKernel, { ...geometry }, [x], f32(yShape(geometry))),
    saved: {},
  }),
  // y = A x, where A repeats pixels  =>  dx = A^T dy: each pixel collects from the patches that cover it
  backward: (_saved, dy, geometry) => ({ x: (): Tensor => foldOp({ y: dy }, geometry) }),
});

const foldOp = defineOp({
  name: "fold",
  infer: (_inputs: { y: Tensor }, geometry: PatchGeometry) => geometry,
  forward: ({ y }, geometry) => ({
    output: runOne(foldKernel, { ...geometry }, [y], f32(xShape(geometry))),
    saved: {},
  }),
  // x = A^T y  =>  dy = A dx
  backward: (_saved, dx, geometry) => ({ y: (): Tensor => unfoldOp({ x: dx }, geometry) }),
});

/**
 * The patches of x [batch, height, width, channels], side by side: y [batch, outHeight, outWidth, kernelHeight *
 * kernelWidth * channels], each patch row by row with its channels innermost, zeros outside of the image. Then
 * conv2d(x, w) is the matrix product of y and w as [kernelHeight * kernelWidth * inChannels, outChannels]. Options as
 * those of conv2d, and `kernel`, the size of a patch; where its stride is the kernel's size, patches do not overlap.
 * PyTorch's `unfold` has channels outermost, and axes in another order.
 * Throws ShapeError if shape and options do not fit together, DTypeError unless x is f32.
 */
export function unfold(x: Tensor, options: UnfoldOptions): Tensor {
  const geometry = patchGeometry("unfold", x.shape, options);
  checkDType("unfold", "f32", { x });
  return unfoldOp({ x }, geometry);
}

/**
 * The gradient of <unfold(x, options), y> with respect to x, whose shape must be told: images in which every pixel is
 * the sum of the elements of y that `unfold` would copy from it. Throws ShapeError if shapes and options do not fit
 * together, DTypeError unless y is f32.
 */
export function fold(
  y: Tensor,
  { inputShape, ...options }: UnfoldOptions & { readonly inputShape: Shape },
): Tensor {
  const geometry = patchGeometry("fold", inputShape, options);
  checkShapeIs("fold", "y", y, yShape(geometry), "(that of unfold's result)");
  checkDType("fold", "f32", { y });
  return foldOp({ y }, geometry);
}
