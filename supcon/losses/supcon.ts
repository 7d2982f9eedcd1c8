/**
 * The supervised contrastive loss (Khosla et al., "Supervised Contrastive Learning", NeurIPS 2020, equation 2).
 *
 * Every view of every sample is an anchor i. A(i) are all other anchors, P(i) those of them with the same label:
 *
 *     L_i = -1/|P(i)| sum_{p in P(i)} log( e^(z_i z_p / tau) / sum_{a in A(i)} e^(z_i z_a / tau) ),   L = mean of L_i
 *
 * It is the cross-entropy between the softmax over A(i) and the uniform distribution over P(i), so it is never below
 * log |P(i)|, and not 0 for perfect features: `supConDiagnostics` tells the range.
 */
import { DTypeError } from "../../engine/errors.ts";
import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { indexTensor } from "../../kernels/arguments.ts";
import { contrastiveLosses, l2Normalize, mul, reshape, sum } from "../../kernels/index.ts";
import type { Indices } from "../../kernels/index.ts";
import { anchorsOfFeatures, countedAnchors } from "./anchors.ts";
import type { Anchors } from "./anchors.ts";
import { composedLosses } from "./composed.ts";
import { resolveOptions } from "./options.ts";
import type { ResolvedOptions, SupConOptions } from "./options.ts";

/**
 * The loss of features [N, V, D] (V views of each of N samples) or [M, D] (one view): a scalar.
 *
 * Labels are N (or M) integers, on the host or as an i32 tensor; any integers will do, only equality counts. Without
 * labels (null) the positives of a view are the other views of its sample: SimCLR.
 *
 * Throws ShapeError for features of another rank or another number of labels, ValueError for options out of their range,
 * fewer than two anchors, or anchors without positives where `emptyAnchors` refuses them, DTypeError for labels that are
 * no integers.
 */
export function supConLoss(
  features: Tensor,
  labels: Indices | null | undefined,
  options: SupConOptions = {},
): Tensor {
  const { anchors, resolved } = check("supConLoss", features, labels, options);
  const count = countedAnchors("supConLoss", anchors, resolved.emptyAnchors);
  return scope(() => mul(sum(losses(features, anchors, resolved)), resolved.factor / count));
}

/**
 * L_i of every anchor: of shape [N, V] or [M], as the features are. 0 for anchors without positives. The factor of
 * `scale` is in it. Arguments and errors as for {@link supConLoss}.
 */
export function supConAnchorLosses(
  features: Tensor,
  labels: Indices | null | undefined,
  options: SupConOptions = {},
): Tensor {
  const { anchors, resolved } = check("supConAnchorLosses", features, labels, options);
  countedAnchors("supConAnchorLosses", anchors, resolved.emptyAnchors);
  return scope(() =>
    reshape(mul(losses(features, anchors, resolved), resolved.factor), features.shape.slice(0, -1)),
  );
}

function check(
  who: string,
  features: Tensor,
  labels: Indices | null | undefined,
  options: SupConOptions,
): { anchors: Anchors; resolved: ResolvedOptions } {
  features.checkAlive(who);
  const resolved = resolveOptions(who, options);
  if (features.dtype !== "f32")
    throw new DTypeError(`${who}: expected f32 for features, got ${features.dtype}`);
  return { resolved, anchors: anchorsOfFeatures(who, features, labels) };
}

/** [M], unscaled. */
function losses(
  features: Tensor,
  { classes, classCount }: Anchors,
  { normalize, temperature, implementation }: ResolvedOptions,
): Tensor {
  const rows = classes.length;
  const flat = reshape(features, [rows, -1]);
  const z = normalize ? l2Normalize(flat) : flat;
  const onDevice = (values: Int32Array, limit: number): Tensor =>
    indexTensor("supConLoss", "labels", values, limit, features.backend);
  const ofRows = onDevice(classes, classCount);
  if (implementation === "fused") return contrastiveLosses(z, ofRows, temperature);
  const positions = onDevice(
    Int32Array.from({ length: rows }, (_, i) => i),
    rows,
  );
  return composedLosses(z, ofRows, positions, temperature);
}
