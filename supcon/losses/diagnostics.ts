import type { Indices } from "../../kernels/index.ts";
import { compare, countedAnchors, definedAnchors } from "./comparison.ts";
import { resolveOptions } from "./options.ts";
import type { SupConOptions } from "./options.ts";

/** What the labels alone say about a batch's loss. */
export interface SupConDiagnostics {
  /** The number of anchors. */
  readonly anchors: number;
  /** Anchors without positives (or negatives, where the denominator has nothing else). */
  readonly emptyAnchors: number;
  /** The loss cannot be below this. */
  readonly floor: number;
  /** The loss cannot be above this; Infinity for features that are not normalised. */
  readonly ceiling: number;
  /**
   * The loss where all features are equal: the mean of log|A(i)|, whatever the labels; for other denominators of
   * log(1 + |N(i)|), or of log|N(i)|. Such features have no gradient: see {@link collapseWarning}.
   */
  readonly collapsed: number;
  /** That value as a formula: "1.429 log(511)", or "a mean of logs" where anchors differ. */
  readonly collapsedForm: string;
}

/**
 * The range of the loss over all features. With unit vectors every similarity is in [-1, 1]: at best all positives are
 * at 1 and all negatives at -1, at worst the other way round. So, for an anchor with |P| positives and |N| negatives,
 * |A| = |P| + |N|,
 *
 *     log(|P| + |N| e^(-2/tau))  <=  L_i  <=  log|A| + 2/tau             on the denominator "all",
 *     log(1 + |N| e^(-2/tau))    <=  L_i  <=  log(1 + |N| e^(2/tau))     on "onePositive",
 *     log|N| - 2/tau             <=  L_i  <=  log|N| + 2/tau             on "negatives",
 *
 * for L_out and L_in. Without normalisation L_i >= log|P|, 0 and -Infinity still hold. With a mask, floor and ceiling are
 * those of equal weights.
 *
 * `labels` is one integer for each sample, `views` the number of views of each; for SimCLR give each sample a label of
 * its own. The options are the loss's: scale and empty anchors count as they do there. Throws as `supConLoss`.
 */
export function supConDiagnostics(
  labels: Indices | null,
  views: number,
  options: SupConOptions = {},
): SupConDiagnostics {
  const who = "supConDiagnostics";
  const resolved = resolveOptions(who, options);
  const samples = labels === null ? (resolved.mask?.length ?? 0) : lengthOf(labels);
  const comparison = compare(who, { of: "the batch", samples, views, labels }, resolved);
  const defined = definedAnchors(comparison, resolved);
  const count = countedAnchors(who, defined, resolved);
  const { temperature, normalize, factor, denominator } = resolved;
  // 2/tau is how far apart two similarities can be.
  const spread = normalize === false ? Infinity : 2 / temperature;
  const totals = { floor: 0, ceiling: 0, collapsed: 0 };
  const counts = new Set<number>();
  defined.forEach((isDefined, i) => {
    if (!isDefined) return;
    const [p, n] = [comparison.positives[i] ?? 0, comparison.negatives[i] ?? 0];
    const kept = denominator === "negatives" ? 0 : denominator === "onePositive" ? 1 : p;
    // log(kept + n e^gap), without overflow.
    const at = (gap: number): number =>
      n === 0 ? Math.log(kept) : Math.max(0, gap) + Math.log(kept * Math.exp(-Math.max(0, gap)) + n * Math.exp(Math.min(0, gap))); // prettier-ignore
    totals.floor += kept === 0 ? Math.log(n) - spread : at(-spread);
    totals.ceiling += denominator === "all" ? Math.log(p + n) + spread : at(spread);
    totals.collapsed += Math.log(kept + n);
    counts.add(kept + n);
  });
  const scaled = (total: number): number => (factor * total) / count;
  const [first = 1, ...more] = counts;
  const times = Number((scaled(totals.collapsed) / Math.log(first)).toPrecision(4));
  const prefix = times === 1 ? "" : `${times} `;
  return {
    anchors: defined.length,
    emptyAnchors: defined.filter((each) => !each).length,
    floor: scaled(totals.floor),
    ceiling: scaled(totals.ceiling),
    collapsed: scaled(totals.collapsed),
    collapsedForm: more.length > 0 ? "a mean of logs" : `${prefix}log(${first})`,
  };
}

/**
 * Whether a loss is where it would be if all features were equal, to a thousandth of the way down to its floor: then one
 * line that names the value and what helps; else null. Ask after some steps: an untrained encoder may begin there.
 */
export function collapseWarning(
  loss: number,
  { collapsed, collapsedForm, floor }: Pick<SupConDiagnostics, "collapsed" | "collapsedForm" | "floor">,
): string | null {
  const reach = Number.isFinite(floor) ? collapsed - floor : Math.abs(collapsed);
  if (!(reach > 0 && Math.abs(loss - collapsed) <= 1e-3 * reach)) return null;
  return (
    `the loss is ${loss.toFixed(4)}, and ${collapsed.toFixed(4)} = ${collapsedForm} is its value where all ` +
    `embeddings are equal, which no gradient leads away from; a longer warm-up or a smaller learning rate avoids it`
  );
}

const lengthOf = (labels: Indices): number => ("shape" in labels ? labels.size : labels.length);
