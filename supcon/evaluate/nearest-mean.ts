import { Random } from "../../engine/random.ts";
import { checkFeatures } from "./features.ts";
import type { LabelledFeatures } from "./features.ts";
import { LinearClassifier } from "./linear.ts";

/** The distances of {@link nearestClassMean}. */
export type MeanDistance = "euclidean" | "cosine";

/** Less than any other logit: a class without training vectors is never predicted. */
const never = -1e30;

/**
 * The classifier that predicts the class whose mean m_c of training features is nearest (Mensink, Verbeek, Perronnin and
 * Csurka, TPAMI 2013). It is linear: since |x - m|^2 = |x|^2 - 2 (x m - |m|^2 / 2), the nearest mean has the greatest
 *
 *     x m_c - |m_c|^2 / 2   (Euclidean)          x m_c / |m_c|   (cosine, m_c the mean of x / |x|)
 *
 * There is nothing to train. Throws ValueError for features that do not fit their labels.
 */
export function nearestClassMean(train: LabelledFeatures, distance: MeanDistance): LinearClassifier {
  checkFeatures("nearestClassMean", "training", train);
  const { length: features, classes } = train;
  const means = classMeans(train, distance === "cosine");
  const classifier = new LinearClassifier({ features, classes, random: new Random(0) });
  const weight = new Float64Array(features * classes);
  const bias = new Float64Array(classes);
  for (const [c, mean] of means.entries()) {
    const squares = mean?.reduce((sum, m) => sum + m ** 2, 0) ?? 0;
    const factor = distance === "euclidean" ? 1 : 1 / (Math.sqrt(squares) || 1);
    mean?.forEach((m, i) => (weight[i * classes + c] = factor * m));
    bias[c] = !mean ? never : distance === "euclidean" ? -squares / 2 : 0;
  }
  const state = { weight: { shape: [features, classes], data: weight }, bias: { shape: [classes], data: bias } }; // prettier-ignore
  classifier.linear.loadStateDict(new Map(Object.entries(state)));
  return classifier;
}

/** The mean vector of each class; null for a class without vectors. */
function classMeans(
  { values, labels, length, classes }: LabelledFeatures,
  normalize: boolean,
): (Float64Array | null)[] {
  const sums = Array.from({ length: classes }, () => new Float64Array(length));
  const counts = new Int32Array(classes);
  for (const [row, label] of labels.entries()) {
    const x = values.subarray(row * length, (row + 1) * length);
    const scale = normalize ? 1 / (Math.sqrt(x.reduce((sum, v) => sum + v ** 2, 0)) || 1) : 1;
    const sum = sums[label];
    if (sum) for (let i = 0; i < length; i++) sum[i] = (sum[i] ?? 0) + scale * (x[i] ?? 0);
    counts[label] = (counts[label] ?? 0) + 1;
  }
  return sums.map((sum, c) => {
    const count = counts[c] ?? 0;
    return count > 0 ? sum.map((total) => total / count) : null;
  });
}
