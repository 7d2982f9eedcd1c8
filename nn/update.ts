import { DTypeError, ShapeError } from "../engine/errors.ts";
import { input } from "../engine/expr/expr.ts";
import type { Expr } from "../engine/expr/expr.ts";
import type { ExpressionDefinition } from "../engine/expr/kernel.ts";
import type { Operand } from "../engine/formula.ts";
import { launchOf, runLaunchInto } from "../engine/launch.ts";
import { formatShape, sameShape } from "../engine/shape.ts";
import type { Shape } from "../engine/shape.ts";
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
 * tensors of one shape to which the others broadcast, DTypeError unless they are f32.
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
    const launch = launchOf(definition, operands);
    runLaunchInto(launch, operands, checkTargets(name, operands.slice(0, outputs.length), launch.shape));
  };
}

/** target <- source, of one shape. The target keeps its buffer, where an assignment would only rename. */
export const copy = defineUpdate("copy", (_target, source) => [source]);

/** The overwritten operands, which must be f32 and have the shape to which all operands broadcast. */
function checkTargets(name: string, targets: readonly Operand[], shape: Shape): Tensor[] {
  const tensors = targets.filter((target) => target instanceof Tensor);
  for (const { dtype } of tensors) {
    if (dtype !== "f32") throw new DTypeError(`${name}: expected f32 to overwrite, got ${dtype}`);
  }
  if (tensors.length === targets.length && tensors.every((target) => sameShape(target.shape, shape)))
    return tensors;
  const got = targets.map((target) => (target instanceof Tensor ? formatShape(target.shape) : "a number"));
  throw new ShapeError(
    `${name}: expected overwritten operands of the common shape ${formatShape(shape)}, got ${got.join(" and ")}`,
  );
}
