import { defineOp, f32, i32, run, runOne } from "../../engine/op.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkDType } from "../arguments.ts";
import type { Pair } from "../window.ts";
import { checkWindowsMeet, poolGeometry, xShape, yShape } from "./geometry.ts";
import type { PoolGeometry, PoolOptions } from "./geometry.ts";
import { maxPoolGradInputKernel, maxPoolKernel, maxPoolPickKernel } from "./max-pool.kernels.ts";

/** Options of {@link maxPool2d}. */
export interface MaxPoolOptions extends PoolOptions {
  /** Input pixels between neighbouring taps of a window. Default 1. */
  readonly dilation?: Pair;
}

// The pixels of the maxima are saved, not searched again: they take the memory of y, where the search would keep all of x
// alive and read it once more. Between jumps they do not change, so that given them the op is linear.
const maxPoolOp = defineOp({
  name: "maxPool2d",
  infer: (_inputs: { x: Tensor }, geometry: PoolGeometry) => geometry,
  forward: ({ x }, geometry) => {
    const specs = [f32(yShape(geometry)), i32(yShape(geometry))];
    const [output, pixels] = run(maxPoolKernel, { ...geometry }, [x], specs);
    if (!output || !pixels) throw new RangeError("maxPool2d: no output");
    return { output, saved: { pixels } };
  },
  // y = P x, where P picks the maxima  =>  dx = P^T dy
  backward: ({ pixels }, dy, geometry) => ({ x: (): Tensor => gradInputOp({ dy, pixels }, geometry) }),
});

const gradInputOp = defineOp({
  name: "maxPool2dGradInput",
  infer: (_inputs: { dy: Tensor; pixels: Tensor }, geometry: PoolGeometry) => geometry,
  forward: ({ dy, pixels }, geometry) => ({
    output: runOne(maxPoolGradInputKernel, { ...geometry }, [dy, pixels], f32(xShape(geometry))),
    saved: { pixels },
  }),
  // dx = P^T dy  =>  with g = dL/d(dx): P g
  backward: ({ pixels }, g, geometry) => ({
    dy: (): Tensor => pickOp({ x: g, pixels }, geometry),
    pixels: null,
  }),
});

const pickOp = defineOp({
  name: "maxPool2dPick",
  infer: (_inputs: { x: Tensor; pixels: Tensor }, geometry: PoolGeometry) => geometry,
  forward: ({ x, pixels }, geometry) => ({
    output: runOne(maxPoolPickKernel, { ...geometry }, [x, pixels], f32(yShape(geometry))),
    saved: { pixels },
  }),
  // y = P x  =>  dx = P^T dy
  backward: ({ pixels }, dy, geometry) => ({
    x: (): Tensor => gradInputOp({ dy, pixels }, geometry),
    pixels: null,
  }),
});

/**
 * The largest element of windows of x [batch, height, width, channels]; NaN if there is one. Pixels of the padding count
 * as -Infinity. The gradient goes to the first of equal maxima, as in PyTorch.
 * Throws ShapeError if shape and options do not fit together or a window has no tap on the image, DTypeError unless x is
 * f32.
 */
export function maxPool2d(x: Tensor, options: MaxPoolOptions): Tensor {
  const geometry = poolGeometry("maxPool2d", x.shape, options);
  checkWindowsMeet("maxPool2d", geometry);
  checkDType("maxPool2d", "f32", { x });
  return maxPoolOp({ x }, geometry);
}
