/**
 * The supervised contrastive loss (Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, equation 2).
 *
 * Every view of every sample is an anchor i. A(i) are all other views, P(i) those of them with the same label, N(i) all
 * others:
 *
 *     L_i = -1/|P(i)| sum_{p in P(i)} log( e^(z_i z_p / tau) / sum_{a in A(i)} e^(z_i z_a / tau) ),   L = mean of L_i
 *
 * It is the cross-entropy between the softmax over A(i) and the uniform distribution over P(i), so it is never below
 * log |P(i)|, and not 0 for perfect features: `supConDiagnostics` tells the range.
 */
import { stopGradient } from "../../engine/autograd.ts";
import { BackendError, DTypeError, ShapeError, ValueError } from "../../engine/errors.ts";
import { scope } from "../../engine/scope.ts";
import { formatShape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { hostTensor } from "../../kernels/arguments.ts";
import { concat, div, gather, l2Normalize, matmul, mul, reshape, sum, where } from "../../kernels/index.ts";
import type { Indices } from "../../kernels/index.ts";
import { batchOf, compare, countedAnchors, definedAnchors } from "./comparison.ts";
import type { Comparison, Side } from "./comparison.ts";
import { composedLosses } from "./composed.ts";
import { fusedLosses } from "./fused.ts";
import { canBeFused, resolveOptions } from "./options.ts";
import type { ResolvedOptions, SupConOptions } from "./options.ts";
import { relationsOfClasses } from "./relations.ts";

/**
 * The loss of features [N, V, D] (V views of each of N samples) or [M, D] (one view): a scalar.
 *
 * Labels are N (or M) integers, on the host or as an i32 tensor; any integers will do, only equality counts. Without
 * labels (null) the positives of a view are the other views of its sample: SimCLR.
 *
 * Throws ShapeError for features of another rank or another number of labels, ValueError for options out of their range
 * or in contradiction, fewer than two anchors, or anchors without positives where `emptyAnchors` refuses them, DTypeError
 * for labels that are no integers.
 */
export function supConLoss(
  features: Tensor,
  labels: Indices | null | undefined,
  options: SupConOptions = {},
): Tensor {
  const { comparison, resolved, defined } = check("supConLoss", features, labels, options);
  const count = countedAnchors("supConLoss", defined, resolved);
  return scope(() => mul(sum(losses(features, comparison, defined, resolved)), resolved.factor / count));
}

/**
 * L_i of every anchor: of shape [N, V] or [M], as the features are; [N] where the first views alone are anchors. 0 for
 * anchors without positives. The factor of `scale` is in it. Arguments and errors as for {@link supConLoss}.
 */
export function supConAnchorLosses(
  features: Tensor,
  labels: Indices | null | undefined,
  options: SupConOptions = {},
): Tensor {
  const { comparison, resolved, defined } = check("supConAnchorLosses", features, labels, options);
  countedAnchors("supConAnchorLosses", defined, resolved);
  const shape = resolved.contrastMode === "one" ? features.shape.slice(0, 1) : features.shape.slice(0, -1);
  return scope(() => reshape(mul(losses(features, comparison, defined, resolved), resolved.factor), shape));
}

function check(
  who: string,
  features: Tensor,
  labels: Indices | null | undefined,
  options: SupConOptions,
): { comparison: Comparison; resolved: ResolvedOptions; defined: readonly boolean[] } {
  features.checkAlive(who);
  const resolved = resolveOptions(who, options);
  const { contrast, queue, mask, normalize } = resolved;
  const width = features.shape.at(-1) ?? 0;
  const tensors = { features, "contrast.features": contrast?.features, "queue.keys": queue?.keys };
  for (const [name, tensor] of Object.entries(tensors)) {
    if (!tensor) continue;
    tensor.checkAlive(who);
    if (tensor.dtype !== "f32") throw new DTypeError(`${who}: expected f32 for ${name}, got ${tensor.dtype}`);
    if (tensor.shape.at(-1) === width && !(name === "queue.keys" && tensor.shape.length !== 2)) continue;
    throw new ShapeError(
      `${who}: expected ${name} with rows of length ${width}, as features have, got shape ${formatShape(tensor.shape)}`,
    );
  }
  const batch = batchOf(who, "features", features.shape, labels);
  if (labels == null && mask === undefined && batch.views < 2) {
    throw new ShapeError(
      `${who}: expected features [N, V, D] with V >= 2 where there are no labels, got shape ${formatShape(features.shape)}; ` +
        `the positives are then the other views`,
    );
  }
  const comparison = compare(who, batch, resolved);
  if (normalize === "verify") {
    for (const [name, tensor] of Object.entries(tensors)) if (tensor) verifyLengths(who, name, tensor);
  }
  return { comparison, resolved, defined: definedAnchors(comparison, resolved) };
}

/** The loss of each anchor, [R], unscaled. */
function losses(
  features: Tensor,
  { anchors, contrast, positives, relations }: Comparison,
  defined: readonly boolean[],
  options: ResolvedOptions,
): Tensor {
  const { backend } = features;
  const rowsOf = (x: Tensor): Tensor => {
    const flat = reshape(x, [-1, x.shape.at(-1) ?? 0]);
    return options.normalize === true ? l2Normalize(flat) : flat;
  };
  const own = rowsOf(features);
  // The very tensor, where all rows are anchors: then it is compared with itself, which takes half of the work.
  const all = anchors.names.length === own.shape[0];
  const rows = all
    ? own
    : gather(
        own,
        Int32Array.from(anchors.names, (_, i) => i * viewsOf(features)),
        0,
      );
  const sets = [options.contrast ? rowsOf(options.contrast.features) : own];
  if (options.queue) sets.push(rowsOf(stopGradient(options.queue.keys)));

  if (options.implementation === "composed" || !canBeFused(options)) {
    const columns = {
      classes: joined(contrast.map(({ classes }) => classes)),
      names: joined(contrast.map(({ names }) => names)),
    };
    const logits = div(matmul(rows, concat(sets, 0), { transposeB: true }), options.temperature);
    const dense = relations ?? relationsOfClasses(anchors, columns);
    const weights = hostTensor(backend, dense.weights, logits.shape, "f32");
    const others = hostTensor(backend, dense.others, logits.shape, "f32");
    const isDefined = hostTensor(backend, defined.map(Number), [defined.length], "f32");
    return where(isDefined, composedLosses(logits, { weights, others }, options), 0);
  }
  const labelsOf = ({ classes, names }: Side): Tensor =>
    hostTensor(backend, joined([classes, names]), [2, names.length], "i32");
  const anchorLabels = labelsOf(anchors);
  const inverse = Array.from(positives, (count, i) => (defined[i] ? 1 / count : 0));
  return fusedLosses(
    contrast.map((side, part) => {
      const set = sets[part] ?? rows;
      // The very tensor again: by it the kernels see that the pairs are symmetric.
      const contrastLabels = set === rows ? anchorLabels : labelsOf(side);
      return { anchors: rows, anchorLabels, contrast: set, contrastLabels };
    }),
    hostTensor(backend, inverse, [inverse.length], "f32"),
    options,
  );
}

function joined(lists: readonly Int32Array[]): Int32Array {
  const all = new Int32Array(lists.reduce((length, list) => length + list.length, 0));
  let at = 0;
  for (const list of lists) {
    all.set(list, at);
    at += list.length;
  }
  return all;
}

const viewsOf = ({ shape }: Tensor): number => (shape.length === 3 ? (shape[1] ?? 1) : 1);

/** Throws ValueError for a row whose length is not 1, to three digits. */
function verifyLengths(who: string, name: string, x: Tensor): void {
  const values = x.backend.peek?.(x.buffer);
  if (!values) {
    throw new BackendError(
      `${who}: expected a backend that can be read at once where normalize is "verify", got ${x.backend.name}`,
    );
  }
  const width = x.shape.at(-1) ?? 1;
  for (let row = 0; row * width < values.length; row++) {
    const length = Math.hypot(...values.subarray(row * width, (row + 1) * width));
    if (Math.abs(length - 1) <= 1e-3) continue;
    throw new ValueError(
      `${who}: expected rows of length 1 in ${name}, got one of length ${length} at position ${row}; ` +
        `normalize over the last axis, or let normalize be true`,
    );
  }
}
