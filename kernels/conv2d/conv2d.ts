/**
 * Two-dimensional convolution (cross-correlation, as everywhere in deep learning) and its gradients.
 *
 * y = conv(x, w) is linear in x and in w. With any g of y's shape, <conv(x, w), g> is therefore a trilinear form
 * T(x, w, g), and the three ops are what stands before one factor if the other two are given:
 *
 *     T(x, w, g) = <conv(x, w), g> = <x, gradInput(g, w)> = <w, gradWeight(x, g)>
 *
 * Differentiating T by one of two given factors leaves the op of the third. So each op's gradients are the other two,
 * and gradients of gradients need nothing new.
 */
import { defineOp, f32, runOne } from "../../engine/op.ts";
import type { Shape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkDType, checkShapeIs } from "../arguments.ts";
import * as kernels from "./conv2d.kernels.ts";
import { conv2dGeometry } from "./geometry.ts";
import type { ConvGeometry, ConvOptions } from "./geometry.ts";

export type { ConvOptions } from "./geometry.ts";

const xShape = (g: ConvGeometry): Shape => [g.batch, g.height, g.width, g.inChannels];
const wShape = (g: ConvGeometry): Shape => [g.kernelHeight, g.kernelWidth, g.inChannels, g.outChannels];
const yShape = (g: ConvGeometry): Shape => [g.batch, g.outHeight, g.outWidth, g.outChannels];

const forwardOp = defineOp({
  name: "conv2d",
  infer: (_inputs: { x: Tensor; w: Tensor }, geometry: ConvGeometry) => geometry,
  forward: ({ x, w }, geometry) => ({
    output: runOne(kernels.conv2dForward, { ...geometry }, [x, w], f32(yShape(geometry))),
    saved: { x, w },
  }),
  // T(dx, w, dy) and T(x, dw, dy)
  backward: ({ x, w }, dy, geometry) => ({
    x: (): Tensor => gradInputOp({ dy, w }, geometry),
    w: (): Tensor => gradWeightOp({ x, dy }, geometry),
  }),
});

const gradInputOp = defineOp({
  name: "conv2dGradInput",
  infer: (_inputs: { dy: Tensor; w: Tensor }, geometry: ConvGeometry) => geometry,
  forward: ({ dy, w }, geometry) => ({
    output: runOne(kernels.conv2dGradInput, { ...geometry }, [dy, w], f32(xShape(geometry))),
    saved: { dy, w },
  }),
  // with g = dL/d(dx), of x's shape: T(g, w, .) and T(g, ., dy)
  backward: ({ dy, w }, g, geometry) => ({
    dy: (): Tensor => forwardOp({ x: g, w }, geometry),
    w: (): Tensor => gradWeightOp({ x: g, dy }, geometry),
  }),
});

const gradWeightOp = defineOp({
  name: "conv2dGradWeight",
  infer: (_inputs: { x: Tensor; dy: Tensor }, geometry: ConvGeometry) => geometry,
  forward: ({ x, dy }, geometry) => ({
    output: runOne(kernels.conv2dGradWeight, { ...geometry }, [x, dy], f32(wShape(geometry))),
    saved: { x, dy },
  }),
  // with g = dL/d(dw), of w's shape: T(., g, dy) and T(x, g, .)
  backward: ({ x, dy }, g, geometry) => ({
    x: (): Tensor => gradInputOp({ dy, w: g }, geometry),
    dy: (): Tensor => forwardOp({ x, w: g }, geometry),
  }),
});

/**
 * y [batch, outHeight, outWidth, outChannels] = x [batch, height, width, inChannels] convolved with
 * w [kernelHeight, kernelWidth, inChannels, outChannels]. Options: `stride` (default 1), `padding` (default 0).
 * Throws ShapeError if shapes or options do not fit together, DTypeError unless both are f32.
 */
export function conv2d(x: Tensor, w: Tensor, options: ConvOptions = {}): Tensor {
  const geometry = conv2dGeometry("conv2d", x.shape, w.shape, options);
  checkDType("conv2d", "f32", { x, w });
  return forwardOp({ x, w }, geometry);
}

/** The gradient of <conv2d(x, w, options), dy> with respect to x, whose shape must be told. */
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

/** The gradient of <conv2d(x, w, options), dy> with respect to w, whose shape must be told. */
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
