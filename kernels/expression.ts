import { expressionKernel, expressionParams } from "../engine/expr/kernel.ts";
import type { ExpressionDefinition } from "../engine/expr/kernel.ts";
import { broadcastStrides, iterationSpace } from "../engine/expr/space.ts";
import { f32, run } from "../engine/op.ts";
import { reduceShape } from "../engine/shape.ts";
import type { Shape } from "../engine/shape.ts";
import { Tensor } from "../engine/tensor.ts";

/** A number, a tensor that broadcasts to the shape, or one walked with strides of its own along the shape's axes. */
export type ExpressionOperand =
  number | Tensor | { readonly tensor: Tensor; readonly strides: readonly number[] };

/**
 * Runs an expression kernel over `shape`, folding over `axes`, which stay with length 1. For ops that need what a
 * `Formula` does not have: several folds or outputs in one pass, or strides. Not recorded.
 */
export function runExpression(
  definition: ExpressionDefinition,
  operands: readonly ExpressionOperand[],
  shape: Shape,
  axes: readonly number[] = [],
): Tensor[] {
  const walked = operands.map((operand) =>
    operand instanceof Tensor
      ? { tensor: operand, strides: broadcastStrides(operand.shape, shape) }
      : operand,
  );
  const kinds = walked.map((operand) => (typeof operand === "number" ? "number" : operand.tensor.dtype));
  const strides = walked.map((operand) => (typeof operand === "number" ? [] : operand.strides));
  const space = iterationSpace(shape, axes, strides);
  return run(
    expressionKernel(definition, kinds, space),
    expressionParams(space, kinds, walked.filter((operand) => typeof operand === "number")), // prettier-ignore
    walked.flatMap((operand) => (typeof operand === "number" ? [] : [operand.tensor])),
    definition.outputs.map(() => f32(reduceShape(shape, axes, true))),
  );
}
