/**
 * The error function, erf(x) = 2 / sqrt(pi) * integral of e^(-t^2) dt from 0 to x, which JavaScript's Math does not have.
 *
 *     |x| < 1:   erf(x) = x + x P(x^2)                     accurate near 0 too
 *     |x| >= 1:  erf(x) = +-(1 - e^(-m^2) Q((m - 3) / (m + 3))),   m = min(|x|, 6), where 1 - erf(6) < 2^-55
 *
 * P and Q are interpolated at Chebyshev nodes (mpmath's chebyfit, 40 digits), with errors below 8e-18 and 6e-18. In double
 * and in single precision erf is then within 1 unit in the last place (measured).
 */

/** P, the highest power first. */
export const nearZero: readonly number[] = [
  -7.795898827002142e-10, 1.3720064546777686e-8, -1.6208483801871705e-7, 1.6447424703317362e-6,
  -1.492473690741966e-5, 0.00012055294904839707, -0.0008548325975389692, 0.0052239776071164225,
  -0.02686617064323777, 0.11283791670945006, -0.37612638903183543, 0.12837916709551257,
];

/** Q, the highest power first. */
export const tail: readonly number[] = [
  3.381355142042904e-9, 1.2755818949624478e-6, 2.0135111426447427e-6, -8.00978093907608e-6,
  -1.2845780030775907e-5, 6.406279226046039e-5, 4.525434558991009e-5, -0.0005970624964924544,
  0.0007077464666941425, 0.004269136356961225, -0.024392499318915004, 0.07166583719747308,
  -0.15011593650077898, 0.24560380171233487, -0.3262335600430372, 0.17900115118138996,
];

const polynomial = (coefficients: readonly number[], x: number): number =>
  coefficients.reduce((sum, c) => sum * x + c, 0);

/** erf in double precision. */
export function erf(x: number): number {
  if (Math.abs(x) < 1) return x + x * polynomial(nearZero, x * x);
  const m = Math.min(Math.abs(x), 6);
  return Math.sign(x) * (1 - Math.exp(-m * m) * polynomial(tail, (m - 3) / (m + 3)));
}
