/**
 * Losses that the contrastive loss contains or replaces, called as it is: on features [N, V, D] or [M, D] and labels.
 * Khosla et al., section 9: with one positive and many negatives it is the N-pairs loss, with one of each a triplet loss.
 */
import { DTypeError, ValueError } from "../../engine/errors.ts";
import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { hostTensor } from "../../kernels/arguments.ts";
import { add, div, l2Normalize, matmul, max, maximum, min, mul, relu } from "../../kernels/index.ts";
import { reshape, softplus, sqrt, square, sub, sum, where } from "../../kernels/index.ts";
import type { Indices } from "../../kernels/index.ts";
import { checkPositive } from "../../nn/check.ts";
import { batchOf, compare } from "./comparison.ts";
import { requireOneOf, resolveOptions } from "./options.ts";
import type { SupConOptions } from "./options.ts";
import { relationsOfClasses } from "./relations.ts";
import { supConLoss } from "./supcon.ts";

/** Options of {@link tripletLoss}. */
export interface TripletOptions {
  /** `"softplus"` (default) or `"margin"`. */
  readonly form?: "softplus" | "margin";
  /** tau of the softplus form. Default 0.1. */
  readonly temperature?: number;
  /** alpha of the margin form. Default 0.2, which is 2 tau. */
  readonly margin?: number;
  /**
   * Of each anchor the positive that is farthest and the negative that is nearest, `"hard"` (default), or `"all"` triplets
   * of the batch, which takes memory for M^3 numbers.
   */
  readonly mining?: "hard" | "all";
}

/**
 * The mean over triplets of an anchor a, a positive p and a negative n, all brought to length 1:
 *
 *     softplus:  log(1 + e^((s_an - s_ap) / tau)),   margin:  max(0, |a - p|^2 - |a - n|^2 + alpha).
 *
 * On unit vectors |a - p|^2 = 2 - 2 s_ap, so the latter is max(0, 2 (s_an - s_ap) + alpha). The former is the contrastive
 * loss with one positive and one negative: -log(e^(s_ap / tau) / (e^(s_ap / tau) + e^(s_an / tau))). Where both are
 * alike, it is nearly linear, log 2 + (s_an - s_ap) / (2 tau): 1 / (4 tau) of a margin of about 2 tau (Khosla et al.,
 * section 8).
 *
 * Anchors without a positive or without a negative are in no triplet. Throws ValueError if there is no triplet at all, or
 * for options out of their range, else as {@link supConLoss}.
 */
export function tripletLoss(
  features: Tensor,
  labels: Indices | null,
  { form = "softplus", temperature = 0.1, margin = 0.2, mining = "hard" }: TripletOptions = {},
): Tensor {
  const who = "tripletLoss";
  requireOneOf(who, "form", form, ["softplus", "margin"]);
  requireOneOf(who, "mining", mining, ["hard", "all"]);
  checkPositive(who, "temperature", temperature);
  checkPositive(who, "margin", margin);
  const pairs = pairsOf(who, features, labels);
  const { positives, negatives, rows } = pairs;
  const inTriplets = Array.from(positives, (p, i) => p > 0 && (negatives[i] ?? 0) > 0);
  if (!inTriplets.includes(true)) {
    throw new ValueError(
      `${who}: expected an anchor with a positive and a negative, got none among ${rows}; ` +
        `use two views, or batches of several classes`,
    );
  }
  return scope(() => {
    const { similarities: s, isPositive, isNegative } = onDevice(features, pairs);
    const lossOf = (gap: Tensor): Tensor =>
      form === "softplus" ? softplus(div(gap, temperature)) : relu(add(mul(gap, 2), margin));
    if (mining === "hard") {
      const far = min(where(isPositive, s, 2), 1);
      const near = max(where(isNegative, s, -2), 1);
      const anchors = hostTensor(features.backend, inTriplets.map(Number), [rows], "f32");
      const total = sum(where(anchors, lossOf(sub(near, far)), 0));
      return div(total, inTriplets.filter(Boolean).length);
    }
    // [anchor, positive, negative]
    const gaps = sub(reshape(s, [rows, 1, rows]), reshape(s, [rows, rows, 1]));
    const isTriplet = mul(reshape(isNegative, [rows, 1, rows]), reshape(isPositive, [rows, rows, 1]));
    const count = positives.reduce((all, p, i) => all + p * (negatives[i] ?? 0), 0);
    return div(sum(mul(lossOf(gaps), isTriplet)), count);
  });
}

/**
 * The N-pairs loss (Sohn, 2016), as the paper compares with it: every row has one positive, the first other row of its
 * class in the batch, and all rows of other classes as negatives; other rows of its class are left out:
 *
 *     L_i = -log( e^(z_i z_p / tau) / (e^(z_i z_p / tau) + sum over N(i) of e^(z_i z_n / tau)) ),   tau = 1.
 *
 * Views count as rows of their own. It is the contrastive loss with a cap of one positive, and takes its options. Sohn's
 * own form has `normalize: false` and a penalty on the lengths of features, which weight decay stands for.
 */
export function nPairsLoss(
  features: Tensor,
  labels: Indices | null,
  options: Pick<SupConOptions, "temperature" | "scale" | "emptyAnchors" | "normalize"> = {},
): Tensor {
  const { rowLabels } = pairsOf("nPairsLoss", features, labels);
  return scope(() =>
    supConLoss(reshape(features, [rowLabels.length, features.shape.at(-1) ?? 0]), rowLabels, {
      ...{ temperature: 1, ...options },
      positivesCap: 1,
    }),
  );
}

/**
 * The max-margin contrastive loss (Hadsell, Chopra and LeCun, 2006): the mean over all pairs of different rows, brought to
 * length 1, at the distance d = |z_i - z_j| = sqrt(2 - 2 s_ij), of
 *
 *     d^2 / 2 for a positive pair,   max(0, margin - d)^2 / 2 for a negative one.
 *
 * Distances of unit vectors are at most 2; default margin 1. The derivative where two rows are one is taken as 0. Throws
 * ValueError unless the margin is finite and > 0, else as {@link supConLoss}.
 */
export function maxMarginLoss(
  features: Tensor,
  labels: Indices | null,
  { margin = 1 }: { readonly margin?: number } = {},
): Tensor {
  const who = "maxMarginLoss";
  checkPositive(who, "margin", margin);
  const pairs = pairsOf(who, features, labels);
  return scope(() => {
    const { similarities, isPositive, isNegative } = onDevice(features, pairs);
    // Rounding may leave s above 1; and the root has no derivative at 0.
    const squares = maximum(sub(2, mul(similarities, 2)), 1e-12);
    const tooNear = relu(sub(margin, sqrt(squares)));
    const terms = add(mul(isPositive, squares), mul(isNegative, square(tooNear)));
    return div(sum(terms), 2 * pairs.rows * (pairs.rows - 1));
  });
}

/** What labels say of all pairs of rows. */
interface Pairs {
  readonly rows: number;
  /** |P(i)| and |N(i)|. */
  readonly positives: Int32Array;
  readonly negatives: Int32Array;
  /** The class of each row. */
  readonly rowLabels: Int32Array;
  /** 1 for positives, and 1 for all other rows, [rows, rows]. */
  readonly weights: Float64Array;
  readonly others: Float64Array;
}

function pairsOf(who: string, features: Tensor, labels: Indices | null): Pairs {
  features.checkAlive(who);
  if (features.dtype !== "f32")
    throw new DTypeError(`${who}: expected f32 for features, got ${features.dtype}`);
  const batch = batchOf(who, "features", features.shape, labels);
  const { anchors, positives, negatives } = compare(who, batch, resolveOptions(who, {}));
  const relations = relationsOfClasses(anchors, anchors);
  return { ...relations, positives, negatives, rows: anchors.classes.length, rowLabels: anchors.classes };
}

function onDevice(
  features: Tensor,
  { rows, weights, others }: Pairs,
): { readonly similarities: Tensor; readonly isPositive: Tensor; readonly isNegative: Tensor } {
  const z = l2Normalize(reshape(features, [rows, features.shape.at(-1) ?? 0]));
  const isPositive = hostTensor(features.backend, weights, [rows, rows], "f32");
  const isOther = hostTensor(features.backend, others, [rows, rows], "f32");
  return {
    similarities: matmul(z, z, { transposeB: true }),
    isPositive,
    isNegative: sub(isOther, isPositive),
  };
}
