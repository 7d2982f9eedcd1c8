import { defineOp, f32, runOne } from "../../engine/op.ts";
import { normalizeAxis } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkTensors } from "../arguments.ts";
import { viewFrom } from "../axis.ts";
import { cumsumKernel } from "./cumsum.kernels.ts";

const cumsumOp = defineOp({
  name: "cumsum",
  infer: (_inputs: { x: Tensor }, plan: { axis: number; reverse: boolean }) => plan,
  forward: ({ x }, { axis, reverse }) => {
    const params = { ...viewFrom(x.shape, axis), reverse: Number(reverse) };
    return { output: runOne(cumsumKernel, params, [x], f32(x.shape)), saved: {} };
  },
  // x_i is in y_i, y_(i+1), ...  =>  dx_i = dy_i + dy_(i+1) + ...: the sums from the other end
  backward: (_saved, dy, { axis, reverse }) => ({
    x: (): Tensor => cumsumOp({ x: dy }, { axis, reverse: !reverse }),
  }),
});

/**
 * Cumulative sums along an axis: entry i is the sum of the entries 0 ... i of x. Throws ShapeError for an axis out of
 * range, DTypeError unless x is f32.
 */
export function cumsum(x: Tensor, axis: number): Tensor {
  checkTensors("cumsum", "f32", { x });
  return cumsumOp({ x }, { axis: normalizeAxis("cumsum", axis, x.shape.length), reverse: false });
}
