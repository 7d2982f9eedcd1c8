import { defineOp, f32, runOne } from "../../engine/op.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkDType, checkTensors } from "../arguments.ts";
import { nonEmptyAxes } from "../axis.ts";
import { mean } from "../reduce/sum.ts";
import { rank4 } from "../window.ts";
import { avgPoolGradInputKernel, avgPoolKernel } from "./avg-pool.kernels.ts";
import { poolGeometry, xShape, yShape } from "./geometry.ts";
import type { PoolGeometry, PoolOptions } from "./geometry.ts";

export type { PoolOptions } from "./geometry.ts";

const avgPoolOp = defineOp({
  name: "avgPool2d",
  infer: (_inputs: { x: Tensor }, geometry: PoolGeometry) => geometry,
  forward: ({ x }, geometry) => ({
    output: runOne(avgPoolKernel, { ...geometry }, [x], f32(yShape(geometry))),
    saved: {},
  }),
  // y = A x  =>  dx = A^T dy: each pixel collects from the windows that cover it
  backward: (_saved, dy, geometry) => ({ x: (): Tensor => gradInputOp({ dy }, geometry) }),
});

const gradInputOp = defineOp({
  name: "avgPool2dGradInput",
  infer: (_inputs: { dy: Tensor }, geometry: PoolGeometry) => geometry,
  forward: ({ dy }, geometry) => ({
    output: runOne(avgPoolGradInputKernel, { ...geometry }, [dy], f32(xShape(geometry))),
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
  const geometry = poolGeometry("avgPool2d", x.shape, { kernel, stride, padding });
  checkDType("avgPool2d", "f32", { x });
  return avgPoolOp({ x }, geometry);
}

/**
 * The average over all pixels: [batch, height, width, channels] to [batch, channels]. Throws ShapeError unless x is of
 * rank 4 with pixels, DTypeError unless it is f32.
 */
export function globalAvgPool(x: Tensor): Tensor {
  rank4("globalAvgPool", "x", x.shape, "batch, height, width, channels");
  checkTensors("globalAvgPool", "f32", { x });
  return mean(x, nonEmptyAxes("globalAvgPool", [1, 2], x.shape));
}
