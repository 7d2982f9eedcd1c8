import { ShapeError } from "../engine/errors.ts";
import { input } from "../engine/expr/expr.ts";
import type { Expr } from "../engine/expr/expr.ts";
import { expressionKernel, expressionParams } from "../engine/expr/kernel.ts";
import type { ExpressionDefinition } from "../engine/expr/kernel.ts";
import { broadcastStrides, iterationSpace } from "../engine/expr/space.ts";
import type { Operand } from "../engine/formula.ts";
import { runInPlace } from "../engine/op.ts";
import { broadcastShapes, formatShape, sameShape } from "../engine/shape.ts";
import { Tensor } from "../engine/tensor.ts";

/**
 * Defines an in-place update from scalar expressions: expression i of `build` overwrites operand i, all in one kernel,
 * on every backend. Operands without an expression are only read; they broadcast to the overwritten ones.
 *
 * ```ts
 * const decay = defineUpdate("decay", (w, rate) => [e.mul(w, e.sub(1, rate))]);
 * decay(weight, 0.01);
 * ```
 * An update is not recorded on the tape, and what the tape saved of an overwritten tensor changes with it: update
 * after `backward`, not between it and the forward pass. It throws ShapeError unless the overwritten operands are
 * tensors of one shape to which the others broadcast.
 */
export function defineUpdate<Inputs extends Expr[]>(
  name: string,
  build: (...inputs: Inputs) => readonly Expr[],
): (...operands: { [K in keyof Inputs]: Operand }) => void {
  // The tuple has the length of the parameter list from which it was inferred.
  const inputs = Array.from({ length: build.length }, (_, i) => input(i)) as Inputs;
  const outputs = build(...inputs);
  const definition: ExpressionDefinition = {
    name,
    accumulators: [],
    outputs,
    inPlace: outputs.map((_, i) => i),
  };
  return (...operands) => {
    const tensors = operands.filter((operand) => operand instanceof Tensor);
    const numbers = operands.filter((operand) => typeof operand === "number");
    const targets = tensors.slice(0, outputs.length);
    const shape = checkTargets(name, operands.slice(0, outputs.length), tensors);
    const space = iterationSpace(
      shape,
      [],
      operands.map((operand) => broadcastStrides(operand instanceof Tensor ? operand.shape : [], shape)),
    );
    const kinds = operands.map((operand) => (operand instanceof Tensor ? operand.dtype : "number"));
    const kernel = expressionKernel(definition, kinds, space);
    runInPlace(kernel, expressionParams(space, kinds, numbers), tensors, targets);
  };
}

/** The shape of the overwritten operands, which is also what all tensors broadcast to. */
function checkTargets(name: string, targets: readonly Operand[], tensors: readonly Tensor[]) {
  const shapes = targets.map((target) => (target instanceof Tensor ? target.shape : undefined));
  const all = broadcastShapes(name, ...tensors.map((tensor) => tensor.shape));
  if (!shapes.every((shape) => shape && sameShape(shape, all))) {
    throw new ShapeError(
      `${name}: expected overwritten operands of the common shape ${formatShape(all)}, ` +
        `got ${shapes.map((shape) => (shape ? formatShape(shape) : "a number")).join(" and ")}`,
    );
  }
  return all;
}
