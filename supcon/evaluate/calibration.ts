import { checkPositiveInteger } from "../../nn/check.ts";
import { checkPredictions, predictedClasses } from "./scores.ts";
import type { Predictions } from "./scores.ts";

/** The predictions whose confidence lies in (from, to]. */
export interface ReliabilityBin {
  readonly from: number;
  readonly to: number;
  readonly count: number;
  /** How many of them are right, and how sure they are on average: null where there are none. */
  readonly accuracy: number | null;
  readonly confidence: number | null;
}

/** How well probabilities tell how often they are right. */
export interface Calibration {
  /** Expected calibration error, in [0, 1]. */
  readonly value: number;
  readonly bins: readonly ReliabilityBin[];
}

/**
 * Expected calibration error and the bins of the reliability diagram (Guo, Pleiss, Sun and Weinberger, "On Calibration of
 * Modern Neural Networks", ICML 2017, eq. 3). The confidence of a prediction is its greatest probability; predictions are
 * put into bins of equal width by it, and with B_b those in bin b of n in all
 *
 *     ECE = sum_b |B_b| / n |accuracy(B_b) - confidence(B_b)|
 *
 * Scores must be probabilities. Throws ValueError for predictions that do not fit, or less than one bin.
 */
export function calibration(predictions: Predictions, bins = 15): Calibration {
  checkPredictions("calibration", predictions);
  checkPositiveInteger("calibration", "bins", bins);
  const { scores, labels, classes } = predictions;
  const sums = Array.from({ length: bins }, () => ({ count: 0, correct: 0, confidence: 0 }));
  for (const [row, predicted] of predictedClasses(predictions).entries()) {
    const confidence = scores[row * classes + predicted] ?? 0;
    // The upper bound of a bin belongs to it. Softmax in single precision may give a little more than 1.
    const bin = sums[Math.min(bins - 1, Math.max(0, Math.ceil(confidence * bins) - 1))];
    if (!bin) continue;
    bin.count++;
    bin.confidence += confidence;
    if (predicted === labels[row]) bin.correct++;
  }
  const gaps = sums.reduce((total, { correct, confidence }) => total + Math.abs(correct - confidence), 0);
  return {
    value: gaps / labels.length,
    bins: sums.map(({ count, correct, confidence }, b) => ({
      from: b / bins,
      to: (b + 1) / bins,
      count,
      accuracy: count > 0 ? correct / count : null,
      confidence: count > 0 ? confidence / count : null,
    })),
  };
}
