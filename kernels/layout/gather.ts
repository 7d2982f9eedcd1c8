/**
 * gather and scatterAdd: y = gather(x) is linear in x, a matrix of zeros and ones that has a one at (j, indices[j]);
 * scatterAdd is its transpose. Each is therefore the gradient of the other.
 */
import { defineOp, f32, runOne } from "../../engine/op.ts";
import { scope } from "../../engine/scope.ts";
import { checkShape, normalizeAxis } from "../../engine/shape.ts";
import { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { checkDType, checkShapeIs, indexTensor, withBounds } from "../arguments.ts";
import type { Indices } from "../arguments.ts";
import { replaceAxis, viewFrom } from "../axis.ts";
import { gatherKernels, scatterAddKernel } from "./gather.kernels.ts";

/** The axis, its length on the gathered-from side, and the number of indices. */
interface Along {
  readonly axis: number;
  readonly length: number;
  readonly count: number;
}

const gatherOp = defineOp({
  name: "gather",
  infer: (_inputs: { x: Tensor; indices: Tensor }, along: Along) => along,
  forward: ({ x, indices }, { axis, length, count }) => {
    const { outer, inner } = viewFrom(x.shape, axis);
    const spec = { shape: replaceAxis(x.shape, axis, count), dtype: x.dtype };
    const picked = runOne(gatherKernels[x.dtype], { outer, length, count, inner }, [x, indices], spec);
    return { output: withBounds(picked, x.bounds), saved: { indices } };
  },
  // y_j = x_indices[j]  =>  dx_i = sum of dy_j over all j with indices[j] = i
  backward: ({ indices }, dy, along) => ({
    x: (): Tensor => scatterAddOp({ x: dy, indices }, along),
    indices: null,
  }),
});

const scatterAddOp = defineOp({
  name: "scatterAdd",
  infer: (_inputs: { x: Tensor; indices: Tensor }, along: Along) => along,
  forward: ({ x, indices }, { axis, length, count }) => {
    const { outer, inner } = viewFrom(x.shape, axis);
    const spec = f32(replaceAxis(x.shape, axis, length));
    return {
      output: runOne(scatterAddKernel, { outer, length, count, inner }, [x, indices], spec),
      saved: { indices },
    };
  },
  // y_i = sum of x_j over all j with indices[j] = i  =>  dx_j = dy_indices[j]
  backward: ({ indices }, dy, along) => ({
    x: (): Tensor => gatherOp({ x: dy, indices }, along),
    indices: null,
  }),
});

/**
 * The entries of x along an axis, by their indices (NumPy's `take`, PyTorch's `index_select`): the axis is replaced by
 * the axes of `indices`, an i32 tensor or a list of integers from 0 to the axis' length - 1.
 * Throws ShapeError for an axis out of range, ValueError for indices out of range (an i32 tensor's where known).
 */
export function gather(x: Tensor, indices: Indices, axis: number): Tensor {
  const along = normalizeAxis("gather", axis, x.shape.length);
  const length = x.shape[along] ?? 0;
  return scope(() => {
    const list = indexTensor("gather", "indices", indices, length, x.backend);
    const flat = reshape(list, [list.size]);
    const picked = gatherOp({ x, indices: flat }, { axis: along, length, count: list.size });
    return reshape(picked, replaceAxis(x.shape, along, ...list.shape));
  });
}

/**
 * A tensor of `length` entries along an axis, of which entry i is the sum of the entries j of x with indices[j] = i;
 * 0 where there are none. The transpose of {@link gather} with a list of indices.
 * Throws ShapeError unless there is an index for each entry of x and `length` is a length, ValueError for indices not in
 * 0 ... length-1, DTypeError unless x is f32.
 */
export function scatterAdd(x: Tensor, indices: Indices, length: number, axis: number): Tensor {
  const along = normalizeAxis("scatterAdd", axis, x.shape.length);
  const count = x.shape[along] ?? 0;
  checkShape("scatterAdd", [length]);
  return scope(() => {
    const list = indexTensor("scatterAdd", "indices", indices, length, x.backend);
    checkDType("scatterAdd", "f32", { x });
    checkShapeIs("scatterAdd", "indices", list, [count], `for axis ${along} of x`);
    return scatterAddOp({ x, indices: list }, { axis: along, length, count });
  });
}
