import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import {
  div,
  equal,
  greater,
  logSumExp,
  matmul,
  maximum,
  mul,
  reshape,
  sub,
  sum,
  where,
} from "../../kernels/index.ts";

/**
 * L_i of equation 2 for every row of z [M, D], from plain ops, with classes [M] and their rows' positions [M], both i32:
 *
 *     L_i = log sum_{a != i} e^(z_i z_a / tau)  -  1/|P(i)| sum_{p in P(i)} z_i z_p / tau,
 *
 * which is the equation with the logarithm of the quotient taken apart; 0 where P(i) is empty.
 */
export function composedLosses(z: Tensor, classes: Tensor, positions: Tensor, temperature: number): Tensor {
  const column = (x: Tensor): Tensor => reshape(x, [x.size, 1]);
  return scope(() => {
    const isSelf = equal(column(positions), positions);
    const isPositive = where(isSelf, 0, equal(column(classes), classes));
    const positives = sum(isPositive, 1);

    const logits = div(matmul(z, z, { transposeB: true }), temperature);
    // logSumExp subtracts the row's maximum. The anchor itself, at -Infinity, is neither in it nor in the sum: with
    // features of different lengths z_i z_i may be so large that all others vanish beside it.
    const denominators = logSumExp(where(isSelf, -Infinity, logits), 1);
    const numerators = div(sum(mul(isPositive, logits), 1), maximum(positives, 1));
    return where(greater(positives, 0), sub(denominators, numerators), 0);
  });
}
