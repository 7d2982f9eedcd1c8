/** The median and its like, of few numbers. */

/** The value below which the share `q` of the values lies, between neighbours in proportion. NaN for no values. */
export function quantile(values: readonly number[], q: number): number {
  const sorted = [...values].sort((a, b) => a - b);
  const at = q * (sorted.length - 1);
  const [low, high] = [sorted[Math.floor(at)] ?? NaN, sorted[Math.ceil(at)] ?? NaN];
  return low + (at - Math.floor(at)) * (high - low);
}

export const median = (values: readonly number[]): number => quantile(values, 0.5);

/** The distance between the quartiles as a share of the median: 0.1 if half of the values lie within 10 %. */
export const spread = (values: readonly number[]): number =>
  (quantile(values, 0.75) - quantile(values, 0.25)) / median(values);

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
