import * as e from "../../engine/expr/expr.ts";
import { Formula } from "../../engine/formula.ts";
import { ShapeError } from "../../engine/errors.ts";
import { scope } from "../../engine/scope.ts";
import { formatShape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { checkShapeIs, indexTensor } from "../arguments.ts";
import type { Indices } from "../arguments.ts";
import { sub } from "../elementwise/arithmetic.ts";
import { logSumExp } from "../reduce/log-sum-exp.ts";
import { mean } from "../reduce/sum.ts";

// The logit of the label: sum over classes of [class = label] logit. Operands: logits, classes, labels.
const picked = new Formula(
  "crossEntropy.picked",
  3,
  e.where(e.equal(e.input(1), e.input(2)), e.input(0), 0),
  "sum",
);

/**
 * -log softmax(logits)[label], averaged over the N rows of logits [N, C]. Labels: an i32 tensor [N], or N integers on
 * the host, from 0 to C - 1. Throws ShapeError for other shapes or no rows, ValueError for labels out of range (an i32
 * tensor's where known), DTypeError for labels that are no integers.
 */
export function crossEntropy(logits: Tensor, labels: Indices): Tensor {
  const [rows, classes, ...more] = logits.shape;
  if (rows === undefined || classes === undefined || more.length > 0 || rows === 0) {
    throw new ShapeError(
      `crossEntropy: expected logits [N, C] with N > 0, got shape ${formatShape(logits.shape)}`,
    );
  }
  return scope(() => {
    const own = indexTensor("crossEntropy", "labels", labels, classes, logits.backend);
    checkShapeIs("crossEntropy", "labels", own, [rows], "for each row of the logits");
    const all = indexTensor(
      "crossEntropy",
      "classes",
      Int32Array.from({ length: classes }, (_, i) => i),
      classes,
      logits.backend,
    );
    // -log(e^x_label / sum e^x) = log sum e^x - x_label
    const chosen = picked.apply([logits, all, reshape(own, [rows, 1])], { axes: [1] });
    return mean(sub(logSumExp(logits, 1, { keepDims: true }), chosen));
  });
}
