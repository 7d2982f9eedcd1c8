/**
 * The three passes of a convolution as ops on a geometry.
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
import type { Tensor } from "../../engine/tensor.ts";
import * as kernels from "./conv2d.kernels.ts";
import { wShape, xShape, yShape } from "./geometry.ts";
import type { ConvGeometry } from "./geometry.ts";

/** y = conv(x, w). */
export const forwardOp = defineOp({
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

/** dx, from dy and w. */
export const gradInputOp = defineOp({
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

/** dw, from x and dy. */
export const gradWeightOp = defineOp({
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
