import { ValueError } from "../../engine/errors.ts";

/** What a classifier says of images whose labels are known. */
export interface Predictions {
  /** [count, classes], row-major: the greater, the more likely. */
  readonly scores: ArrayLike<number>;
  /** [count], each in 0 ... classes - 1. */
  readonly labels: Int32Array;
  readonly classes: number;
}

/** Throws ValueError unless there are predictions, each of so many scores and with a label. */
export function checkPredictions(who: string, { scores, labels, classes }: Predictions): void {
  if (labels.length > 0 && scores.length === labels.length * classes) return;
  throw new ValueError(
    `${who}: expected ${classes} scores for each of at least one label, got ${scores.length} and ${labels.length} labels`,
  );
}

/** The class with the greatest score of each row, the first one of equals. */
export function predictedClasses({ scores, labels, classes }: Predictions): Int32Array {
  return labels.map((_, row) => {
    let best = row * classes;
    for (let i = best + 1; i < (row + 1) * classes; i++) if ((scores[i] ?? 0) > (scores[best] ?? 0)) best = i;
    return best - row * classes;
  });
}

/**
 * Top-k accuracy, in [0, 1]: how often the label's score is among the k greatest; of equal ones the first classes come
 * first. With k from `classes` on it is 1. Throws ValueError for predictions that do not fit.
 */
export function topK(predictions: Predictions, k: number): number {
  checkPredictions("topK", predictions);
  const { scores, labels, classes } = predictions;
  const correct = labels.reduce((sum, label, row) => {
    const own = scores[row * classes + label] ?? 0;
    let before = 0;
    for (let c = 0; c < classes; c++) {
      const other = scores[row * classes + c] ?? 0;
      if (other > own || (other === own && c < label)) before++;
    }
    return sum + (before < k ? 1 : 0);
  }, 0);
  return correct / labels.length;
}

/** [label][predicted]: how many. Throws ValueError for predictions that do not fit. */
export function confusionMatrix(predictions: Predictions): number[][] {
  checkPredictions("confusionMatrix", predictions);
  const { labels, classes } = predictions;
  const counts = Array.from({ length: classes }, () => Array.from({ length: classes }, () => 0));
  for (const [i, predicted] of predictedClasses(predictions).entries()) {
    const row = counts[labels[i] ?? 0];
    if (row) row[predicted] = (row[predicted] ?? 0) + 1;
  }
  return counts;
}

/** The accuracy of each class by a confusion matrix; null for one of which there are no images. */
export const perClassAccuracy = (confusion: readonly (readonly number[])[]): (number | null)[] =>
  confusion.map((row, c) => {
    const total = row.reduce((sum, count) => sum + count, 0);
    return total > 0 ? (row[c] ?? 0) / total : null;
  });
