import { ShapeError } from "../../engine/errors.ts";

/**
 * A mask for `supConLoss` from samples that have any number of labels: entry (i, j) is how much the label sets of i and j
 * have in common, |A and B| / |A or B| (Jaccard's index); 1 for equal sets, 0 for sets without a common label, and for
 * two empty ones but for a sample's own views, which are always positives. `sets` holds the labels of each sample. Throws
 * ShapeError for no sample.
 */
export function multiLabelMask(sets: readonly Iterable<number>[]): number[][] {
  if (sets.length === 0) throw new ShapeError("multiLabelMask: expected label sets of samples, got none");
  const labels = sets.map((set) => new Set(set));
  return labels.map((own, i) =>
    labels.map((other, j) => {
      if (i === j) return 1;
      const common = [...own].filter((label) => other.has(label)).length;
      return common === 0 ? 0 : common / (own.size + other.size - common);
    }),
  );
}
