import * as e from "../../engine/expr/expr.ts";
import { Formula } from "../../engine/formula.ts";
import { scope } from "../../engine/scope.ts";
import { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { checkBroadcastsTo, checkNotEmpty, checkShapeIs, checkTensors } from "../arguments.ts";
import { div } from "../elementwise/arithmetic.ts";

/** Options of {@link binaryCrossEntropyWithLogits}. */
export interface BinaryCrossEntropyOptions {
  /** Multiplies the term of positive targets; a tensor broadcasts to the logits: [C] for each class. Default 1. */
  readonly positiveWeight?: Tensor | number;
}

// With p = sigmoid(x):  -w t log p - (1 - t) log(1 - p) = w t softplus(-x) + (1 - t) softplus(x): no term cancels another.
const total = ((): Formula => {
  const [x, t, w] = [e.input(0), e.input(1), e.input(2)];
  const positive = e.mul(e.mul(w, t), e.softplus(e.neg(x)));
  const loss = e.add(positive, e.mul(e.sub(1, t), e.softplus(x)));
  return new Formula("binaryCrossEntropyWithLogits", 3, loss, "sum");
})();

/**
 * The cross-entropy between sigmoid(logits) and targets from 0 to 1, of the same shape, averaged over all elements; exact
 * and without overflow however large the logits. Throws ShapeError for other shapes or no elements, DTypeError unless all
 * are f32.
 */
export function binaryCrossEntropyWithLogits(
  logits: Tensor,
  targets: Tensor,
  { positiveWeight = 1 }: BinaryCrossEntropyOptions = {},
): Tensor {
  const who = "binaryCrossEntropyWithLogits";
  checkTensors(who, "f32", { logits, targets, ...(positiveWeight instanceof Tensor && { positiveWeight }) });
  checkShapeIs(who, "targets", targets, logits.shape, "as the logits");
  checkNotEmpty(who, "logits", logits);
  if (positiveWeight instanceof Tensor)
    checkBroadcastsTo(who, "positiveWeight", positiveWeight, logits.shape);
  const axes = logits.shape.map((_, axis) => axis);
  return scope(() => div(reshape(total.apply([logits, targets, positiveWeight], { axes }), []), logits.size));
}
