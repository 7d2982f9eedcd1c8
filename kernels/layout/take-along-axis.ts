import { defineOp, f32, runOne } from "../../engine/op.ts";
import { normalizeAxis } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkShapeIs, checkTensors, indexTensor } from "../arguments.ts";
import { replaceAxis, viewFrom } from "../axis.ts";
import { scatterAddAlongKernel, takeAlongKernel } from "./along.kernels.ts";

/** The axis, its length on the taken-from side, and the number of indices in each column. */
interface Along {
  readonly axis: number;
  readonly length: number;
  readonly count: number;
}

// y = take(x) is linear in x, a matrix of zeros and ones; scatterAdd is its transpose. Each is the other's gradient.
const takeOp = defineOp({
  name: "takeAlongAxis",
  infer: (_inputs: { x: Tensor; indices: Tensor }, along: Along) => along,
  forward: ({ x, indices }, { axis, length, count }) => {
    const { outer, inner } = viewFrom(x.shape, axis);
    const params = { outer, length, count, inner };
    const output = runOne(takeAlongKernel, params, [x, indices], f32(replaceAxis(x.shape, axis, count)));
    return { output, saved: { indices } };
  },
  // y_j = x_indices[j]  =>  dx_i = sum of dy_j over all j with indices[j] = i
  backward: ({ indices }, dy, along) => ({
    x: (): Tensor => scatterAddOp({ x: dy, indices }, along),
    indices: null,
  }),
});

const scatterAddOp = defineOp({
  name: "scatterAddAlongAxis",
  infer: (_inputs: { x: Tensor; indices: Tensor }, along: Along) => along,
  forward: ({ x, indices }, { axis, length, count }) => {
    const { outer, inner } = viewFrom(x.shape, axis);
    const params = { outer, length, count, inner };
    const spec = f32(replaceAxis(x.shape, axis, length));
    return { output: runOne(scatterAddAlongKernel, params, [x, indices], spec), saved: { indices } };
  },
  // y_i = sum of x_j over all j with indices[j] = i  =>  dx_j = dy_indices[j]
  backward: ({ indices }, dy, along) => ({
    x: (): Tensor => takeOp({ x: dy, indices }, along),
    indices: null,
  }),
});

/**
 * One entry of x for each index, along an axis, and at the index' own place along the others (NumPy's
 * `take_along_axis`, PyTorch's `gather`): for matrices and axis 1, y[i, j] = x[i, indices[i, j]]. Indices: an i32 tensor
 * of x's shape but for the axis. Throws ShapeError for another shape or an axis out of range, ValueError for indices
 * known to be out of range, DTypeError unless x is f32 and indices i32.
 */
export function takeAlongAxis(x: Tensor, indices: Tensor, axis: number): Tensor {
  const along = normalizeAxis("takeAlongAxis", axis, x.shape.length);
  const length = x.shape[along] ?? 0;
  const count = indices.shape[along] ?? 0;
  checkShapeIs("takeAlongAxis", "indices", indices, replaceAxis(x.shape, along, count), `for x but for axis ${along}`); // prettier-ignore
  checkTensors("takeAlongAxis", "f32", { x });
  indexTensor("takeAlongAxis", "indices", indices, length, x.backend);
  return takeOp({ x, indices }, { axis: along, length, count });
}
