import type { Indices } from "../../kernels/index.ts";
import { anchorsOf, countedAnchors } from "./anchors.ts";
import { resolveOptions } from "./options.ts";
import type { SupConOptions } from "./options.ts";

/** What the labels alone say about a batch's loss. */
export interface SupConDiagnostics {
  /** M, the number of anchors. */
  readonly anchors: number;
  /** Anchors without positives. */
  readonly emptyAnchors: number;
  /** The loss cannot be below this. */
  readonly floor: number;
  /** The loss cannot be above this; Infinity for features that are not normalised. */
  readonly ceiling: number;
  /**
   * The loss where all features are equal: log(M - 1), whatever the labels. Such features have no gradient. A loss that
   * stays here from the start has collapsed: warm-up, or a smaller learning rate, avoids it.
   */
  readonly collapsed: number;
}

/**
 * The range of the loss over all features. With unit vectors every similarity is in [-1, 1], so that for an anchor with
 * |P| positives and |N| negatives, |A| = |P| + |N|,
 *
 *     log(|P| + |N| e^(-2/tau))  <=  L_i  <=  log|A| + 2/tau:
 *
 * at best all positives are at 1 and all negatives at -1. Unscaled, and without normalisation, L_i >= log|P| still holds.
 *
 * `labels` is one integer for each sample, `views` the number of views of each; for SimCLR give each sample a label of
 * its own. The options are the loss's: scale and empty anchors count as they do there. Throws as `supConLoss`.
 */
export function supConDiagnostics(
  labels: Indices,
  views: number,
  options: SupConOptions = {},
): SupConDiagnostics {
  const resolved = resolveOptions("supConDiagnostics", options);
  const anchors = anchorsOf("supConDiagnostics", labels, views);
  const count = countedAnchors("supConDiagnostics", anchors, resolved.emptyAnchors);
  const { temperature, normalize, factor } = resolved;
  const others = anchors.positives.length - 1;
  const least = normalize ? Math.exp(-2 / temperature) : 0;
  const filled = anchors.positives.length - anchors.empty;
  let floor = 0;
  for (const p of anchors.positives) if (p > 0) floor += Math.log(p + (others - p) * least);
  return {
    anchors: anchors.positives.length,
    emptyAnchors: anchors.empty,
    floor: (factor * floor) / count,
    ceiling: normalize ? (factor * filled * (Math.log(others) + 2 / temperature)) / count : Infinity,
    collapsed: (factor * filled * Math.log(others)) / count,
  };
}
