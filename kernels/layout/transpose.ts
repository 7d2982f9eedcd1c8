import { ShapeError } from "../../engine/errors.ts";
import { input } from "../../engine/expr/expr.ts";
import type { ExpressionDefinition } from "../../engine/expr/kernel.ts";
import { runOneExpression } from "../../engine/launch.ts";
import { defineOp } from "../../engine/op.ts";
import { formatShape, stridesOf } from "../../engine/shape.ts";
import type { Shape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { gather } from "./gather.ts";

// Nothing but a copy: the permutation is in the strides with which x is walked.
const copy: ExpressionDefinition = { name: "transpose", accumulators: [], outputs: [input(0)] };

const transposeOp = defineOp({
  name: "transpose",
  infer: ({ x }: { x: Tensor }, permutation: readonly number[]) => {
    const axes = x.shape.map((_, axis) => axis);
    if (permutation.length !== axes.length || !axes.every((axis) => permutation.includes(axis))) {
      throw new ShapeError(
        `transpose: expected a permutation of the axes ${formatShape(axes)} of ${formatShape(x.shape)}, ` +
          `got ${formatShape(permutation)}`,
      );
    }
    return permutation;
  },
  forward: ({ x }, permutation) => {
    const own = stridesOf(x.shape);
    const strides = permutation.map((axis) => own[axis] ?? 0);
    const shape = permutation.map((axis) => x.shape[axis] ?? 0);
    // Expressions give floats. Integers, which are labels and indices and few, are gathered in the order of the result.
    if (x.dtype === "i32") {
      const flat = gather(reshape(x, [x.size]), positions(shape, strides), 0);
      return { output: reshape(flat, shape), saved: {} };
    }
    return { output: runOneExpression(copy, [{ tensor: x, strides }], shape), saved: {} };
  },
  // axis i of y is axis p(i) of x  =>  axis p(i) of dx is axis i of dy: the inverse permutation
  backward: (_saved, dy, permutation) => ({
    x: () => transpose(dy, permutation.map((_, axis) => permutation.indexOf(axis))), // prettier-ignore
  }),
});

/** Where the elements of a tensor that is walked with strides lie, row-major. */
const positions = (shape: Shape, strides: readonly number[]): Int32Array =>
  Int32Array.from(
    shape.reduce<number[]>(
      (starts, length, axis) =>
        starts.flatMap((start) => Array.from({ length }, (_, i) => start + i * (strides[axis] ?? 0))),
      [0],
    ),
  );

/**
 * The tensor with its axes in another order: axis i of the result is axis `permutation[i]` of x (NumPy's `transpose`,
 * PyTorch's `permute`). Default: the reverse order. Elements are copied. Throws ShapeError unless each axis occurs once.
 */
export const transpose = (x: Tensor, permutation?: readonly number[]): Tensor =>
  transposeOp({ x }, permutation ?? x.shape.map((_, axis) => x.shape.length - 1 - axis));
