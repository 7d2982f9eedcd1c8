import { defineOp, f32, runOne } from "../../engine/op.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkDType } from "../arguments.ts";
import { conv2dGeometry } from "../conv2d/geometry.ts";
import type { ConvGeometry } from "../conv2d/geometry.ts";
import { mean } from "../reduce/sum.ts";
import { avgPoolGradInputKernel, avgPoolKernel } from "./avg-pool.kernels.ts";

/** Options of {@link avgPool2d}. One number stands for both axes; pairs are [height, width]. */
export interface PoolOptions {
  /** Size of the window. */
  readonly kernel: number | readonly [number, number];
  /** Input pixels between neighbouring windows. Default: the window's size. */
  readonly stride?: number | readonly [number, number];
  /** Rows and columns of zeros added on each side. Default 0. */
  readonly padding?: number | readonly [number, number];
}

// A pool slides over its input as a convolution does, with as many channels out as in.
const xShape = (g: ConvGeometry) => [g.batch, g.height, g.width, g.inChannels];
const yShape = (g: ConvGeometry) => [g.batch, g.outHeight, g.outWidth, g.inChannels];
const paramsOf = (g: ConvGeometry) => ({ ...g, channels: g.inChannels });

const avgPoolOp = defineOp({
  name: "avgPool2d",
  infer: (_inputs: { x: Tensor }, geometry: ConvGeometry) => geometry,
  forward: ({ x }, geometry) => ({
    output: runOne(avgPoolKernel, paramsOf(geometry), [x], f32(yShape(geometry))),
    saved: {},
  }),
  // y = A x  =>  dx = A^T dy: each pixel collects from the windows that cover it
  backward: (_saved, dy, geometry) => ({ x: (): Tensor => gradInputOp({ dy }, geometry) }),
});

const gradInputOp = defineOp({
  name: "avgPool2dGradInput",
  infer: (_inputs: { dy: Tensor }, geometry: ConvGeometry) => geometry,
  forward: ({ dy }, geometry) => ({
    output: runOne(avgPoolGradInputKernel, paramsOf(geometry), [dy], f32(xShape(geometry))),
    saved: {},
  }),
  // dx = A^T dy  =>  with g = dL/d(dx): A g
  backward: (_saved, g, geometry) => ({ dy: (): Tensor => avgPoolOp({ x: g }, geometry) }),
});

/**
 * The average over windows of x [batch, height, width, channels]. Zeros of the padding count as elements of the window
 * (PyTorch's default, `count_include_pad`). Throws ShapeError if shape and options do not fit together, DTypeError
 * unless x is f32.
 */
export function avgPool2d(x: Tensor, { kernel, stride = kernel, padding = 0 }: PoolOptions): Tensor {
  const [kernelHeight, kernelWidth] = typeof kernel === "number" ? [kernel, kernel] : kernel;
  const channels = x.shape[3] ?? 0;
  const weight = [kernelHeight, kernelWidth, channels, channels];
  const geometry = conv2dGeometry("avgPool2d", x.shape, weight, { stride, padding });
  checkDType("avgPool2d", "f32", { x });
  return avgPoolOp({ x }, geometry);
}

/** The average over all pixels: [batch, height, width, channels] to [batch, channels]. */
export const globalAvgPool = (x: Tensor): Tensor => mean(x, [1, 2]);
