/**
 * The cross-entropy between softmax(x) and a target distribution q over the C classes, for each row of logits x:
 *
 *     -sum_c q_c log softmax(x)_c = sum_c q_c (lse - x_c),   lse = log sum e^x
 *
 * With labels, q is 1 at the label and 0 elsewhere. Label smoothing (Szegedy et al., CVPR 2016) spreads a part of it over
 * all classes, and class weights w multiply each term: q_c = w_c ((1 - smoothing) [c = label] + smoothing / C). The mean
 * over rows is then weighted by w_label, as in PyTorch.
 */
import * as e from "../../engine/expr/expr.ts";
import { Formula } from "../../engine/formula.ts";
import { ShapeError, ValueError } from "../../engine/errors.ts";
import { commonBackend } from "../../engine/op.ts";
import { scope } from "../../engine/scope.ts";
import { formatShape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { checkShapeIs, checkTensors, indexTensor, range } from "../arguments.ts";
import type { Indices } from "../arguments.ts";
import { div } from "../elementwise/arithmetic.ts";
import { gather } from "../layout/gather.ts";
import { logSumExp } from "../reduce/log-sum-exp.ts";
import { sum } from "../reduce/sum.ts";

/** Options of {@link crossEntropy}. */
export interface CrossEntropyOptions {
  /** The part of the target that all classes share, from 0 to 1. Default 0. */
  readonly labelSmoothing?: number;
  /** A weight for each class, [C]. Default 1. */
  readonly classWeights?: Tensor;
}

// Operands: logits, classes, labels, lse, weights, 1 - smoothing, smoothing / C.
const total = ((): Formula => {
  const [x, c, label, lse, weight] = [e.input(0), e.input(1), e.input(2), e.input(3), e.input(4)];
  const share = e.add(e.where(e.equal(c, label), e.input(5), 0), e.input(6));
  const q = e.mul(weight, share);
  // A class without a share does not count, not even with a logit of -Infinity.
  return new Formula("crossEntropy", 7, e.where(e.equal(q, 0), 0, e.mul(q, e.sub(lse, x))), "sum");
})();

/**
 * -log softmax(logits)[label], averaged over the N rows of logits [N, C]. Labels: an i32 tensor [N], or N integers on
 * the host, from 0 to C - 1. Throws ShapeError for other shapes or no rows, ValueError for labels out of range (an i32
 * tensor's where known) or a smoothing outside of [0, 1], DTypeError for labels that are no integers.
 */
export function crossEntropy(
  logits: Tensor,
  labels: Indices,
  { labelSmoothing = 0, classWeights }: CrossEntropyOptions = {},
): Tensor {
  checkTensors("crossEntropy", "f32", { logits, ...(classWeights && { classWeights }) });
  const [rows, classes, ...more] = logits.shape;
  if (rows === undefined || classes === undefined || more.length > 0 || rows === 0) {
    throw new ShapeError(
      `crossEntropy: expected logits [N, C] with N > 0, got shape ${formatShape(logits.shape)}`,
    );
  }
  if (!(labelSmoothing >= 0 && labelSmoothing <= 1)) {
    throw new ValueError(`crossEntropy: expected labelSmoothing from 0 to 1, got ${labelSmoothing}`);
  }
  if (classWeights) checkShapeIs("crossEntropy", "classWeights", classWeights, [classes], "for each class");
  return scope(() => {
    const own = indexTensor("crossEntropy", "labels", labels, classes, logits.backend);
    commonBackend("crossEntropy", [logits, own]);
    checkShapeIs("crossEntropy", "labels", own, [rows], "for each row of the logits");
    const all = range(logits.backend, classes);
    const lse = logSumExp(logits, 1, { keepDims: true });
    const shares = [1 - labelSmoothing, labelSmoothing / classes];
    const operands = [logits, all, reshape(own, [rows, 1]), lse, classWeights ?? 1, ...shares];
    const weightOfRows = classWeights ? sum(gather(classWeights, own, 0)) : rows;
    return div(reshape(total.apply(operands, { axes: [0, 1] }), []), weightOfRows);
  });
}
