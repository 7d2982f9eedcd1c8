import { expressionKernel, expressionParams } from "./expr/kernel.ts";
import type { ExpressionDefinition } from "./expr/kernel.ts";
import { broadcastStrides, iterationSpace } from "./expr/space.ts";
import { f32, run, runInPlace } from "./op.ts";
import { reduceShape } from "./shape.ts";
import type { Shape } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** A number, a tensor that broadcasts to the shape, or one walked with strides of its own along the shape's axes. */
export type ExpressionOperand =
  number | Tensor | { readonly tensor: Tensor; readonly strides: readonly number[] };

/**
 * Runs an expression kernel over `shape`, folding over `axes`, which stay with length 1; one new tensor for each
 * output. Not recorded: ops are made of it.
 */
export function runExpression(
  definition: ExpressionDefinition,
  operands: readonly ExpressionOperand[],
  shape: Shape,
  axes: readonly number[] = [],
): Tensor[] {
  const { kernel, params, inputs } = prepare(definition, operands, shape, axes);
  return run(kernel, params, inputs, definition.outputs.map(() => f32(reduceShape(shape, axes, true)))); // prettier-ignore
}

/** {@link runExpression} for a kernel with one output. */
export function runOneExpression(
  definition: ExpressionDefinition,
  operands: readonly ExpressionOperand[],
  shape: Shape,
  axes: readonly number[] = [],
): Tensor {
  const [output] = runExpression(definition, operands, shape, axes);
  if (!output) throw new RangeError(`${definition.name}: no output`);
  return output;
}

/** Runs an expression kernel over the shape of `targets`, which its outputs overwrite. Not recorded. */
export function updateExpression(
  definition: ExpressionDefinition,
  operands: readonly ExpressionOperand[],
  targets: readonly Tensor[],
): void {
  const { kernel, params, inputs } = prepare(definition, operands, targets[0]?.shape ?? [], []);
  runInPlace(kernel, params, inputs, targets);
}

function prepare(
  definition: ExpressionDefinition,
  operands: readonly ExpressionOperand[],
  shape: Shape,
  axes: readonly number[],
) {
  const walked = operands.map((operand) =>
    operand instanceof Tensor
      ? { tensor: operand, strides: broadcastStrides(operand.shape, shape) }
      : operand,
  );
  const kinds = walked.map((operand) => (typeof operand === "number" ? "number" : operand.tensor.dtype));
  const strides = walked.map((operand) => (typeof operand === "number" ? [] : operand.strides));
  const space = iterationSpace(shape, axes, strides);
  const numbers = walked.filter((operand) => typeof operand === "number");
  return {
    kernel: expressionKernel(definition, kinds, space),
    params: expressionParams(space, kinds, numbers),
    inputs: walked.flatMap((operand) => (typeof operand === "number" ? [] : [operand.tensor])),
  };
}
