/** How an image goes on beyond its borders. */

/** Which of 0 ... n - 1 stands for index i, which may lie outside. */
export type Border = (i: number, n: number) => number;

/** a a a | a b c d | d d d */
export const nearest: Border = (i, n) => (i < 0 ? 0 : i >= n ? n - 1 : i);

/** d c b | a b c d | c b a: the edge is not repeated (OpenCV's reflect 101). */
export const mirror: Border = (i, n) => {
  const period = Math.max(1, 2 * (n - 1));
  const j = i - period * Math.floor(i / period);
  return j < n ? j : period - j;
};

/** c b a | a b c d | d c b: the edge is repeated (SciPy's reflect). */
export const symmetric: Border = (i, n) => {
  const j = i - 2 * n * Math.floor(i / (2 * n));
  return j < n ? j : 2 * n - 1 - j;
};
