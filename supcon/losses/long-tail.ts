/**
 * Contrastive losses for classes of very different sizes: their denominators and positives count with weights, so that
 * each is the composed loss on other numbers.
 */
import { stopGradient } from "../../engine/autograd.ts";
import { ValueError } from "../../engine/errors.ts";
import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkDType, checkShapeIs, hostTensor } from "../../kernels/arguments.ts";
import { add, concat, div, l2Normalize, matmul, mean, reshape } from "../../kernels/index.ts";
import type { Indices } from "../../kernels/index.ts";
import { checkPositive } from "../../nn/check.ts";
import { batchOf, hostLabels } from "./comparison.ts";
import { composedLosses } from "./composed.ts";
import type { Queue } from "./options.ts";

const supConOut = { summation: "out", denominator: "all" } as const;

/** Options of {@link balancedLoss}. */
export interface BalancedOptions {
  /** tau. Default 0.07, the authors'. */
  readonly temperature?: number;
}

/**
 * Balanced contrastive learning (Zhu et al., CVPR 2022): each class has a prototype, a row of `prototypes` [C, D], which
 * is compared with all views but is no anchor itself; and in the denominator each class counts as the mean of its rows,
 * however many those are:
 *
 *     L_i = -1/|P(i)| sum over P(i) of log( e^(s_ip) / sum_a e^(s_ia) / w_ia ),   s = z z / tau,
 *
 * over a among all views but i and all prototypes; P(i) are those of i's class, its prototype among them, so that no
 * anchor is without a positive; and w_ia is the number of rows of a's class, i itself not counted. The mean of L_i.
 *
 * Features are [N, V, D] or [M, D], labels integers from 0 to C-1; all rows are brought to length 1, and the gradient
 * reaches the prototypes too. The authors' prototypes are a small network's values at the classifier's weights, and the
 * whole loss is cross-entropy on logits + log prior + 0.35 times this. Throws ShapeError, DTypeError and ValueError as
 * `supConLoss`, and ValueError for labels out of range.
 */
export function balancedLoss(
  features: Tensor,
  labels: Indices,
  prototypes: Tensor,
  options: BalancedOptions = {},
): Tensor {
  return mean(balancedAnchorLosses(features, labels, prototypes, options));
}

/** L_i of {@link balancedLoss} for each view: [N, V] or [M]. */
export function balancedAnchorLosses(
  features: Tensor,
  labels: Indices,
  prototypes: Tensor,
  { temperature = 0.07 }: BalancedOptions = {},
): Tensor {
  const who = "balancedLoss";
  checkPositive(who, "temperature", temperature);
  const width = features.shape.at(-1) ?? 0;
  const [classes = 0] = prototypes.shape;
  checkShapeIs(who, "prototypes", prototypes, [classes, width], "for the features");
  const own = classesOf(who, features, labels, classes);
  const [rows, columns] = [own.length, own.length + classes];
  // One row of each class is its prototype.
  const sizes = new Float64Array(classes).fill(1);
  for (const each of own) sizes[each] = (sizes[each] ?? 0) + 1;

  const weights = new Float64Array(rows * columns);
  const others = new Float64Array(rows * columns);
  own.forEach((ofAnchor, i) => {
    for (let a = 0; a < columns; a++) {
      if (a === i) continue;
      const each = a < rows ? (own[a] ?? 0) : a - rows;
      const isPositive = each === ofAnchor;
      weights[i * columns + a] = Number(isPositive);
      others[i * columns + a] = 1 / ((sizes[each] ?? 0) - Number(isPositive));
    }
  });
  return scope(() => {
    const z = l2Normalize(reshape(features, [rows, width]));
    const set = concat([z, l2Normalize(prototypes)], 0);
    const logits = div(matmul(z, set, { transposeB: true }), temperature);
    const onDevice = (values: Float64Array): Tensor =>
      hostTensor(features.backend, values, [rows, columns], "f32");
    const terms = { weights: onDevice(weights), others: onDevice(others) };
    return reshape(composedLosses(logits, terms, supConOut), features.shape.slice(0, -1));
  });
}

/** Options of {@link parametricLoss}. */
export interface ParametricOptions {
  /** tau of similarities between features. Default 0.2. */
  readonly temperature?: number;
  /** What a positive counts among the features: default 0.05. */
  readonly alpha?: number;
  /** What the anchor's own centre counts as a positive: default 1. */
  readonly beta?: number;
  /** What the other features count in the denominator: default 1. */
  readonly gamma?: number;
  /** How often each class occurs in the training set, [C]: log of its share is added to its logits. Default: none is. */
  readonly classCounts?: readonly number[];
  /** Keys of earlier batches, as constants, with labels from 0 to C-1. */
  readonly queue?: Queue;
}

/**
 * Parametric contrastive learning, PaCo (Cui et al., ICCV 2021): class centres, which are learned, stand among the
 * contrast set. `logits` [M, C] (for features [N, V, D]: M = N V) are a classifier's, one for each row and centre. With
 * l_ic = logits_ic + log prior_c for centres and l_ia = z_i z_a / tau for features,
 *
 *     L_i = -1/W_i ( beta log p_iy + alpha sum over P(i) of log p_ia ),   W_i = beta + alpha |P(i)|,
 *     p_ia = e^(l_ia) / ( sum_c e^(l_ic) + gamma sum_b e^(l_ib) ),
 *
 * over b among all other rows and the queue. The mean of L_i. Features are brought to length 1; the gradient reaches
 * logits too. BPaCo (Zhou et al., MICCAI 2024) is cross-entropy + 0.25 (this, with alpha = 1 and a queue, +
 * {@link balancedLoss}). Throws as `balancedLoss`.
 */
export function parametricLoss(
  features: Tensor,
  labels: Indices,
  logits: Tensor,
  options: ParametricOptions = {},
): Tensor {
  const who = "parametricLoss";
  const { temperature = 0.2, alpha = 0.05, beta = 1, gamma = 1, classCounts, queue } = options;
  for (const [name, value] of Object.entries({ temperature, alpha, beta, gamma })) {
    checkPositive(who, name, value);
  }
  const width = features.shape.at(-1) ?? 0;
  const classes = logits.shape[1] ?? 0;
  const own = classesOf(who, features, labels, classes);
  const rows = own.length;
  checkShapeIs(who, "logits", logits, [rows, classes], "for each row of the features");
  if (classCounts && (classCounts.length !== classes || !classCounts.every((count) => count > 0))) {
    throw new ValueError(
      `${who}: expected ${classes} classCounts above 0, got ${JSON.stringify(classCounts)}`,
    );
  }
  if (queue) checkShapeIs(who, "queue.keys", queue.keys, [queue.keys.shape[0] ?? 0, width], "as features");
  const ofKeys = queue ? classesOf(who, queue.keys, queue.labels ?? [], classes) : [];

  const columns = classes + rows + ofKeys.length;
  const weights = new Float64Array(rows * columns);
  const others = new Float64Array(rows * columns);
  own.forEach((ofAnchor, i) => {
    for (let a = 0; a < columns; a++) {
      if (a === classes + i) continue;
      const isCentre = a < classes;
      const each = isCentre ? a : a < classes + rows ? own[a - classes] : ofKeys[a - classes - rows];
      if (each === ofAnchor) weights[i * columns + a] = isCentre ? beta : alpha;
      others[i * columns + a] = isCentre ? 1 : gamma;
    }
  });
  return scope(() => {
    const onDevice = (values: readonly number[] | Float64Array, shape: readonly number[]): Tensor =>
      hostTensor(features.backend, values, shape, "f32");
    const total = classCounts?.reduce((a, b) => a + b, 0) ?? 1;
    const priors = classCounts?.map((count) => Math.log(count / total));
    const ofCentres = priors ? add(logits, onDevice(priors, [classes])) : logits;
    const z = l2Normalize(reshape(features, [rows, width]));
    const sets = queue ? [z, l2Normalize(stopGradient(queue.keys))] : [z];
    const similarities = sets.map((set) => div(matmul(z, set, { transposeB: true }), temperature));
    const terms = {
      weights: onDevice(weights, [rows, columns]),
      others: onDevice(others, [rows, columns]),
    };
    return mean(composedLosses(concat([ofCentres, ...similarities], 1), terms, supConOut));
  });
}

/** The class of each row, from 0 to classes-1. */
function classesOf(who: string, features: Tensor, labels: Indices, classes: number): Int32Array {
  features.checkAlive(who);
  checkDType(who, "f32", { features });
  const { samples, views, of } = batchOf(who, "features", features.shape, labels);
  const host = hostLabels(who, labels, samples, of);
  for (let i = 0; i < host.length; i++) {
    const label = host[i] ?? -1;
    if (Number.isInteger(label) && label >= 0 && label < classes) continue;
    throw new ValueError(
      `${who}: expected labels to be integers from 0 to ${classes - 1}, got ${label} at position ${i}`,
    );
  }
  return Int32Array.from({ length: samples * views }, (_, i) => host[Math.floor(i / views)] ?? -1);
}
