import { ShapeError } from "../../engine/errors.ts";
import { input } from "../../engine/expr/expr.ts";
import type { ExpressionDefinition } from "../../engine/expr/kernel.ts";
import { runExpression } from "../../engine/launch.ts";
import { defineOp } from "../../engine/op.ts";
import { formatShape, stridesOf } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkDType } from "../arguments.ts";

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
    checkDType("transpose", "f32", { x });
    return permutation;
  },
  forward: ({ x }, permutation) => {
    const own = stridesOf(x.shape);
    const strides = permutation.map((axis) => own[axis] ?? 0);
    const shape = permutation.map((axis) => x.shape[axis] ?? 0);
    const [output] = runExpression(copy, [{ tensor: x, strides }], shape);
    if (!output) throw new RangeError("transpose: no output");
    return { output, saved: {} };
  },
  // axis i of y is axis p(i) of x  =>  axis p(i) of dx is axis i of dy: the inverse permutation
  backward: (_saved, dy, permutation) => ({
    x: () => transpose(dy, permutation.map((_, axis) => permutation.indexOf(axis))), // prettier-ignore
  }),
});

/**
 * The tensor with its axes in another order: axis i of the result is axis `permutation[i]` of x. Default: the reverse
 * order. Elements are copied. Throws ShapeError unless each axis occurs once, DTypeError unless x is f32.
 */
export const transpose = (x: Tensor, permutation?: readonly number[]): Tensor =>
  transposeOp({ x }, permutation ?? x.shape.map((_, axis) => x.shape.length - 1 - axis));
