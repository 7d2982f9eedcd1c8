/** Equations 2 and 3 of the paper as plain loops in double precision: shares no code with the library. */
import { Random } from "../../engine/random.ts";

export type Rows = readonly (readonly number[])[];

/** What the equations say about one batch of single rows with labels. */
export interface Oracle {
  /** L_out, equation 2, and L_in, equation 3, of each anchor; NaN without positives. */
  readonly lossOut: number[];
  readonly lossIn: number[];
  /** P_ia - X_ia for both losses; rows of zeros for anchors without positives. */
  readonly coefficientsOut: number[][];
  readonly coefficientsIn: number[][];
  /** |P(i)| and |N(i)|. */
  readonly positives: number[];
  readonly negatives: number[];
}

export const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((total, x, i) => total + x * b[i]!, 0);

export const normalized = (rows: Rows): number[][] =>
  rows.map((row) => row.map((x) => x / Math.sqrt(dot(row, row))));

/** log of the sum of e^x. */
export function logSum(xs: readonly number[]): number {
  const largest = Math.max(...xs);
  return largest + Math.log(xs.reduce((total, x) => total + Math.exp(x - largest), 0));
}

/** The oracle for rows that are taken as they are. */
export function oracle(z: Rows, labels: readonly number[], tau: number): Oracle {
  const all = z.map((_, i) => i);
  const s = z.map((a) => z.map((b) => dot(a, b) / tau));
  const others = all.map((i) => all.filter((a) => a !== i));
  const positives = all.map((i) => others[i]!.filter((a) => labels[a] === labels[i]));
  const pick = (i: number, of: readonly number[]) => of.map((a) => s[i]![a]!);
  const mean = (xs: readonly number[]) => xs.reduce((a, b) => a + b, 0) / xs.length;
  const denominator = all.map((i) => logSum(pick(i, others[i]!)));
  const coefficients = (x: (i: number, a: number) => number) =>
    all.map((i) =>
      all.map((a) => {
        if (a === i || positives[i]!.length === 0) return 0;
        const p = Math.exp(s[i]![a]! - denominator[i]!);
        return positives[i]!.includes(a) ? p - x(i, a) : p;
      }),
    );
  return {
    lossOut: all.map((i) => denominator[i]! - mean(pick(i, positives[i]!))),
    lossIn: all.map((i) => {
      const own = pick(i, positives[i]!);
      return own.length === 0 ? NaN : denominator[i]! - logSum(own) + Math.log(own.length);
    }),
    coefficientsOut: coefficients((i) => 1 / positives[i]!.length),
    coefficientsIn: coefficients((i, a) => Math.exp(s[i]![a]! - logSum(pick(i, positives[i]!)))),
    positives: positives.map((list) => list.length),
    negatives: all.map((i) => others[i]!.length - positives[i]!.length),
  };
}

/** Rows of independent normal numbers. */
export function normalRows(count: number, length: number, seed: number): number[][] {
  const random = new Random(seed);
  return Array.from({ length: count }, () => Array.from({ length }, () => random.normal()));
}

/** The features of the option matrix and of the gradient's golden values: 3 samples of 2 views. */
export const goldenFeatures = [
  [[0.01, 0.02, 0.14], [0.38, 0.61, 0.5]],
  [[0.86, 0.97, 0.33], [0.26, 0.68, 0.45]],
  [[0.32, 0.64, 0.28], [0.45, 0.74, 0.73]],
]; // prettier-ignore
export const goldenLabels = [0, 0, 1];

/** Options that change what a loss is. */
export interface LossForm {
  readonly summation: "out" | "in";
  readonly denominator: "all" | "onePositive" | "negatives";
}
export const lossForms: readonly LossForm[] = (["out", "in"] as const).flatMap((summation) =>
  (["all", "onePositive", "negatives"] as const).map((denominator) => ({ summation, denominator })),
);

/**
 * Any loss, pair by pair, for anchors and a contrast set that are taken as they are: `weight(i, a)` is above 0 for
 * positives, null for what is not in A(i). NaN without positives, or without negatives where they are the denominator.
 */
export function formOracle(
  anchors: Rows,
  contrast: Rows,
  weight: (i: number, a: number) => number | null,
  tau: number,
  { summation, denominator }: LossForm,
): number[] {
  return anchors.map((q, i) => {
    const pairs = contrast.map((k, a) => ({ s: dot(q, k) / tau, w: weight(i, a) }));
    const positives = pairs.filter(({ w }) => w !== null && w > 0);
    const negatives = pairs.filter(({ w }) => w === 0);
    if (positives.length === 0 || (denominator === "negatives" && negatives.length === 0)) return NaN;
    const logProbability = (s: number): number => {
      const alone =
        denominator === "onePositive" ? [s] : denominator === "all" ? positives.map((p) => p.s) : [];
      return s - logSum([...alone, ...negatives.map((n) => n.s)]);
    };
    const total = positives.reduce((sum, { w }) => sum + w!, 0);
    if (summation === "out") {
      return -positives.reduce((sum, { s, w }) => sum + (w! / total) * logProbability(s), 0);
    }
    return -logSum(positives.map(({ s, w }) => Math.log(w! / total) + logProbability(s)));
  });
}

/** The weights of {@link formOracle} for a batch of single rows with labels. */
export const byLabels =
  (labels: readonly number[]) =>
  (i: number, a: number): number | null =>
    i === a ? null : labels[i] === labels[a] ? 1 : 0;
