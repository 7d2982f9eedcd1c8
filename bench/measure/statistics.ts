/** The median and its like, of few numbers. */

/** The middle of the values, or between the two middle ones. NaN for no values. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const [low, high] = [(sorted.length - 1) >> 1, sorted.length >> 1];
  return ((sorted[low] ?? NaN) + (sorted[high] ?? NaN)) / 2;
}

/**
 * How far from their median that of further values of the kind may lie, as a share of it: to the farther end of its 95 %
 * confidence interval. In the interval between the k-th least and the k-th greatest of n values the median of all lies
 * unless fewer than k of the n are below it, or above: with probability 1 - 2 P(Binomial(n, 1/2) < k), whatever their
 * distribution. k is the greatest for which this is at least 0.95; below 6 values there is none, and 1 is taken.
 */
export function spread(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const k = Math.max(1, rankOfInterval(sorted.length));
  const [low, middle, high] = [sorted[k - 1] ?? NaN, median(values), sorted.at(-k) ?? NaN];
  return Math.max(middle - low, high - middle) / middle;
}

/** The greatest k with 2 P(Binomial(n, 1/2) < k) <= 0.05. */
function rankOfInterval(n: number): number {
  let [k, choose, below] = [0, 1, 2 ** -n]; // n over k; P(Binomial(n, 1/2) <= k)
  while (2 * below <= 0.05) {
    choose *= (n - k) / (k + 1);
    k++;
    below += choose * 2 ** -n;
  }
  return k;
}

/** The greatest difference between two results as a share of the greatest value; Infinity for other lengths, or NaN. */
export function difference(expected: readonly Float32Array[], actual: readonly Float32Array[]): number {
  if (expected.length !== actual.length) return Infinity;
  return Math.max(0, ...expected.map((values, i) => differenceOf(values, actual[i] ?? new Float32Array())));
}

function differenceOf(expected: Float32Array, actual: Float32Array): number {
  if (expected.length !== actual.length) return Infinity;
  let [greatest, scale] = [0, 0];
  for (let i = 0; i < expected.length; i++) {
    const [a, b] = [expected[i] ?? NaN, actual[i] ?? NaN];
    if (!Number.isFinite(a) || !Number.isFinite(b)) return Infinity;
    greatest = Math.max(greatest, Math.abs(a - b));
    scale = Math.max(scale, Math.abs(a));
  }
  return scale === 0 ? greatest : greatest / scale;
}
