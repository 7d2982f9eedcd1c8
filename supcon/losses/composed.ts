import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import {
  add,
  div,
  greater,
  log,
  logSumExp,
  maximum,
  mul,
  softplus,
  sub,
  sum,
  where,
} from "../../kernels/index.ts";
import type { ResolvedOptions } from "./options.ts";

/** Stands for -Infinity, whose differences would be NaN: e^-3e38 = 0. */
const NOTHING = -3.0e38;

/**
 * The loss of each anchor from plain ops, all options included. For anchors in rows and the contrast set in columns,
 * all [R, M]: `logits` = s_ia / tau; `weights` w_ia, above 0 for the positives P(i); `others` v_ia, how much a row
 * counts in denominators: 1 for A(i), else 0.
 *
 *     log p_ia = s_ia / tau - log sum of v_ib e^(s_ib / tau) over b in A(i), or N(i), or N(i) and a itself
 *
 *     L_out,i = - sum_P w_ip log p_ip / sum_P w_ip,     L_in,i = - log( sum_P w_ip p_ip / sum_P w_ip )
 *
 * where w = v = 1 gives equations 2 and 3 of the paper. What it is for anchors without positives is of no meaning.
 */
export function composedLosses(
  logits: Tensor,
  { weights, others }: { readonly weights: Tensor; readonly others: Tensor },
  { summation, denominator }: Pick<ResolvedOptions, "summation" | "denominator">,
): Tensor {
  return scope(() => {
    const isPositive = greater(weights, 0);
    const isNegative = where(isPositive, 0, others);
    const logSumOf = (set: Tensor): Tensor =>
      // The anchor itself is not among them, and not in the maximum that logSumExp subtracts either: with features of
      // different lengths z_i z_i may be so large that all others vanish beside it.
      logSumExp(where(set, add(logits, log(where(set, set, 1))), NOTHING), 1, { keepDims: true });

    const denominators = {
      all: () => logSumOf(others),
      negatives: () => logSumOf(isNegative),
      // log(e^s + e^n) = s + log(1 + e^(n - s)): a denominator for each pair.
      onePositive: () => add(logits, softplus(sub(logSumOf(isNegative), logits))),
    }[denominator]();
    const logProbabilities = sub(logits, denominators);

    const total = maximum(sum(weights, 1), 1e-30);
    if (summation === "out") {
      return div(sum(mul(weights, where(isPositive, logProbabilities, 0)), 1), mul(total, -1));
    }
    const weighted = add(logProbabilities, log(where(isPositive, weights, 1)));
    return sub(log(total), logSumExp(where(isPositive, weighted, NOTHING), 1));
  });
}
