/**
 * The losses of anchors as formulas of a few numbers of each, which the fused kernels compute without the matrix of
 * pairs. With n = log sum_N e^s and p = log sum_P e^s, and sum_P log p_ip written out:
 *
 *                     L_out                               L_in
 *     all             log sum_A e^s - mean_P s            log(e^n + e^p) - p + log|P|  =  log(1 + e^(n - p)) + log|P|
 *     negatives       n - mean_P s                        n - p + log|P|
 *     onePositive     mean_P log(1 + e^(n - s))           (composed)
 *
 * In each, the gradient by s_ia is a function of s_ia and of row i's numbers alone: by the chain rule through n,
 * L_out with one positive has
 *
 *     dL_i/ds_ip = -1/|P| 1 / (1 + e^(s_ip - n)),    dL_i/ds_in = e^(s_in - n) mean_P 1 / (1 + e^(s_ip - n)),
 *
 * and on negatives alone -1/|P| for positives and e^(s_in - n) for negatives. So row sums suffice, and backward streams.
 * One positive takes two passes forward, for n and then for the mean, and two back: twice the time of the others.
 *
 * Of a contrast set in parts, sums are those of the parts added up, and logs of sums as log(e^a + e^b).
 */
import { elementwise } from "../../engine/elementwise.ts";
import * as e from "../../engine/expr/expr.ts";
import type { Expr } from "../../engine/expr/expr.ts";
import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { add, contrastiveSoftplus, contrastiveSplitSums, contrastiveSums } from "../../kernels/index.ts";
import type { ContrastivePairs } from "../../kernels/index.ts";
import type { ResolvedOptions } from "./options.ts";

/** log(e^a + e^b), also where one or both stand for the log of nothing. */
const logAddExp = elementwise("logAddExp", (a, b) =>
  e.add(e.max(a, b), e.log1p(e.exp(e.neg(e.abs(e.sub(a, b)))))),
);

/** `inverse` is 1/|P|, or 0 for an anchor without a loss. */
const ifDefined = (inverse: Expr, loss: Expr): Expr => e.where(e.equal(inverse, 0), 0, loss);

// L_out on all others and on negatives alone.
const logLessMean = elementwise("supCon.out", (logSum, similarities, inverse) =>
  ifDefined(inverse, e.sub(logSum, e.mul(similarities, inverse))),
);
const inOverAll = elementwise("supCon.in", (negatives, positives, inverse) =>
  ifDefined(inverse, e.sub(e.softplus(e.sub(negatives, positives)), e.log(inverse))),
);
const inOverNegatives = elementwise("supCon.inOverNegatives", (negatives, positives, inverse) =>
  ifDefined(inverse, e.sub(e.sub(negatives, positives), e.log(inverse))),
);
const meanOf = elementwise("supCon.mean", (sums, inverse) => e.mul(sums, inverse));

/** L_i of each anchor, [R], compared with parts of a contrast set. `inverse` [R] is 1/|P|, 0 for anchors without a loss. */
export function fusedLosses(
  parts: readonly ContrastivePairs[],
  inverse: Tensor,
  { temperature, summation, denominator }: Pick<ResolvedOptions, "temperature" | "summation" | "denominator">,
): Tensor {
  return scope(() => {
    if (denominator === "all" && summation === "out") {
      const sums = parts.map((part) => contrastiveSums(part, temperature));
      return logLessMean(
        sums.map(({ logAll }) => logAll).reduce((a, b) => logAddExp(a, b)),
        sums.map(({ positives }) => positives).reduce((a, b) => add(a, b)),
        inverse,
      );
    }
    const sums = parts.map((part) => contrastiveSplitSums(part, temperature));
    const negatives = sums.map(({ logNegatives }) => logNegatives).reduce((a, b) => logAddExp(a, b));
    if (denominator === "onePositive") {
      const ofParts = parts.map((part) => contrastiveSoftplus(part, negatives, temperature));
      return meanOf(
        ofParts.reduce((a, b) => add(a, b)),
        inverse,
      );
    }
    if (summation === "out") {
      const similarities = sums.map(({ positives }) => positives).reduce((a, b) => add(a, b));
      return logLessMean(negatives, similarities, inverse);
    }
    const positives = sums.map(({ logPositives }) => logPositives).reduce((a, b) => logAddExp(a, b));
    return (denominator === "all" ? inOverAll : inOverNegatives)(negatives, positives, inverse);
  });
}
