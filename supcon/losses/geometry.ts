import { DTypeError, ShapeError, ValueError } from "../../engine/errors.ts";
import type { Numbers } from "../../engine/kernel.ts";
import { checkPositive } from "../../nn/check.ts";
import { requireOneOf } from "./options.ts";

/** What a batch of embeddings looks like on the sphere, and what the loss makes of it. NaN for means over nothing. */
export interface EmbeddingDiagnostics {
  /** Mean of |z_i - z_p|^2 over positive pairs: 0 where classes are points (Wang and Isola, ICML 2020). */
  readonly alignment: number;
  /** log of the mean of e^(-2 |z_i - z_j|^2) over all pairs: 0 where all is one point, lower the more it is spread out. */
  readonly uniformity: number;
  /** Mean similarity of positive pairs, and of negative ones. */
  readonly positiveSimilarity: number;
  readonly negativeSimilarity: number;
  /** Share of anchors whose nearest negative is nearer than their farthest positive. */
  readonly confused: number;
  /**
   * Mean over anchors of how hard all of their positives pull, and negatives push: see {@link embeddingDiagnostics}. Both
   * near 0: nothing is left to learn, or the embeddings have collapsed.
   */
  readonly positiveHardness: number;
  readonly negativeHardness: number;
}

/** Options of {@link embeddingDiagnostics}. */
export interface EmbeddingDiagnosticsOptions {
  /** Length of a row. */
  readonly width: number;
  /** Rows of each sample, one after the other. Default 1. */
  readonly views?: number;
  /** The loss's. Default 0.1. */
  readonly temperature?: number;
  /** The loss's. Default `"out"`. */
  readonly summation?: "out" | "in";
}

/**
 * Looks at a batch on the host: rows [M, width] one after the other, M = N views, a label for each of N samples. Rows are
 * brought to length 1 first. It takes M^2 width steps: for once in a while, not for each step.
 *
 * Hardness is the length of an example's part in the gradient of L_i by its anchor before normalisation, without the
 * factor 1 / (tau |w_i|) (Khosla et al., equation 18): for a positive p and a negative n
 *
 *     |P_ip - X_ip| sqrt(1 - s_ip^2),   P_in sqrt(1 - s_in^2),
 *
 * with the softmax P over A(i), and X_ip = 1/|P(i)| (L_out) or the softmax over P(i) (L_in). The root is the length of
 * what z_p adds at right angles to z_i: examples that are as good as they can be have none. Throws ShapeError for rows
 * that are no whole number of samples, ValueError for options out of their range, DTypeError for labels that are no
 * integers.
 */
export function embeddingDiagnostics(
  embeddings: Numbers,
  labels: Numbers,
  { width, views = 1, temperature = 0.1, summation = "out" }: EmbeddingDiagnosticsOptions,
): EmbeddingDiagnostics {
  const who = "embeddingDiagnostics";
  checkPositive(who, "temperature", temperature);
  requireOneOf(who, "summation", summation, ["out", "in"]);
  const rows = checkedRows(who, embeddings, labels, width, views);
  const z = unitRows(embeddings, rows, width);
  const labelOf = (row: number): number => labels[Math.floor(row / views)] ?? 0;
  const [align, spread] = [new Mean(), new Mean()];
  const [ofPositives, ofNegatives] = [new Mean(), new Mean()];
  const [pull, push, confused] = [new Mean(), new Mean(), new Mean()];

  for (let i = 0; i < rows; i++) {
    const positives: number[] = [];
    const negatives: number[] = [];
    for (let a = 0; a < rows; a++) {
      if (a === i) continue;
      const s = similarity(z, i, a, width);
      (labelOf(a) === labelOf(i) ? positives : negatives).push(s);
      // |z_i - z_a|^2 = 2 - 2 s
      spread.add(Math.exp(-2 * (2 - 2 * s)));
    }
    for (const s of positives) {
      align.add(2 - 2 * s);
      ofPositives.add(s);
    }
    for (const s of negatives) ofNegatives.add(s);
    if (positives.length === 0) continue;

    const softmaxOver = (all: readonly number[]): ((s: number) => number) => {
      const largest = all.reduce((a, b) => Math.max(a, b), -Infinity);
      const total = all.reduce((sum, s) => sum + Math.exp((s - largest) / temperature), 0);
      return (s) => Math.exp((s - largest) / temperature) / total;
    };
    const softmax = softmaxOver([...positives, ...negatives]);
    const target = summation === "in" ? softmaxOver(positives) : () => 1 / positives.length;
    const sideways = (s: number): number => Math.sqrt(Math.max(0, 1 - s * s));
    pull.add(positives.reduce((sum, s) => sum + Math.abs(softmax(s) - target(s)) * sideways(s), 0));
    push.add(negatives.reduce((sum, s) => sum + softmax(s) * sideways(s), 0));
    const [farthest, nearest] = [Math.min(...positives), Math.max(...negatives, -Infinity)];
    confused.add(nearest > farthest ? 1 : 0);
  }
  return {
    alignment: align.value,
    uniformity: Math.log(spread.value),
    positiveSimilarity: ofPositives.value,
    negativeSimilarity: ofNegatives.value,
    confused: confused.value,
    positiveHardness: pull.value,
    negativeHardness: push.value,
  };
}

/**
 * The share of rows whose nearest row of another sample, by the angle, is of their own class: how well a batch classifies
 * itself. Of a batch with a single sample NaN. Rows, cost and errors as for {@link embeddingDiagnostics}.
 */
export function neighbourAccuracy(
  embeddings: Numbers,
  labels: Numbers,
  { width, views = 1 }: Pick<EmbeddingDiagnosticsOptions, "width" | "views">,
): number {
  const rows = checkedRows("neighbourAccuracy", embeddings, labels, width, views);
  const z = unitRows(embeddings, rows, width);
  const sampleOf = (row: number): number => Math.floor(row / views);
  const right = new Mean();
  for (let i = 0; i < rows && labels.length > 1; i++) {
    let [nearest, best] = [-1, -Infinity];
    for (let a = 0; a < rows; a++) {
      if (sampleOf(a) === sampleOf(i)) continue;
      const s = similarity(z, i, a, width);
      if (s > best) [nearest, best] = [a, s];
    }
    right.add(labels[sampleOf(nearest)] === labels[sampleOf(i)] ? 1 : 0);
  }
  return right.value;
}

/** The number of rows, after a look at what a batch consists of. */
function checkedRows(
  who: string,
  embeddings: Numbers,
  labels: Numbers,
  width: number,
  views: number,
): number {
  const rows = labels.length * views;
  if (!(width > 0) || embeddings.length !== rows * width) {
    throw new ShapeError(
      `${who}: expected ${labels.length} samples of ${views} rows of length ${width}, got ${embeddings.length} numbers`,
    );
  }
  if (rows < 2) throw new ValueError(`${who}: expected at least 2 rows, got ${rows}`);
  for (let i = 0; i < labels.length; i++) {
    if (Number.isInteger(labels[i])) continue;
    throw new DTypeError(`${who}: expected integers as labels, got ${labels[i] ?? "none"} at position ${i}`);
  }
  return rows;
}

class Mean {
  #total = 0;
  #count = 0;

  add(x: number): void {
    this.#total += x;
    this.#count++;
  }

  get value(): number {
    return this.#total / this.#count;
  }
}

function unitRows(values: Numbers, rows: number, width: number): Float64Array {
  const z = Float64Array.from(values);
  for (let row = 0; row < rows; row++) {
    const own = z.subarray(row * width, (row + 1) * width);
    const length = Math.sqrt(own.reduce((sum, x) => sum + x * x, 0));
    if (length > 0) own.forEach((x, k) => (own[k] = x / length));
  }
  return z;
}

function similarity(z: Float64Array, i: number, a: number, width: number): number {
  let dot = 0;
  for (let k = 0; k < width; k++) dot += (z[i * width + k] ?? 0) * (z[a * width + k] ?? 0);
  return dot;
}
