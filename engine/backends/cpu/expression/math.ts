/**
 * exp and log on four f32 lanes, after the Cephes library's single-precision functions (Moshier): reduce the argument
 * to a short interval with the exponent bits, then a polynomial. At most 1 unit in the last place from the rounded result.
 */
import { f32x4, i32x4, v128 } from "../assembler.ts";
import type { FunctionBuilder, Local, Value } from "../assembler.ts";

// ln 2 in two parts: the first has few bits, so that n * high is exact.
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.12194440054690583e-4;

/** c0 x^n + c1 x^(n-1) + ... + cn */
function polynomial(
  f: FunctionBuilder,
  x: Local<"v128">,
  [first = 0, ...rest]: readonly number[],
): Value<"v128"> {
  return rest.reduce((sum, c) => f.madd(sum, x, f32x4.const(c)), f32x4.const(first));
}

/**
 * e^x = 2^n e^r with n = round(x / ln 2), |r| <= ln(2) / 2. Overflow gives Infinity, underflow passes through the
 * subnormals to 0, NaN stays NaN.
 */
export function expLanes(f: FunctionBuilder, argument: Value<"v128">): Local<"v128"> {
  // The clamp keeps n in range; pmin and pmax return their first argument when it is NaN.
  const x = f.let(f32x4.pmin(f32x4.pmax(argument, f32x4.const(-104)), f32x4.const(89)));
  const n = f.let(f32x4.nearest(f32x4.mul(x, f32x4.const(Math.LOG2E))));
  const r = f.let(f.nmadd(n, f32x4.const(LN2_LOW), f.nmadd(n, f32x4.const(LN2_HIGH), x)));
  const tail = polynomial(f, r, [1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1]); // prettier-ignore
  const p = f.let(f32x4.add(f.madd(f32x4.mul(r, r), tail, r), f32x4.const(1)));
  // 2^n in two factors, since 2^128 and 2^-150 are no normal floats although the result may be one.
  const whole = f.let(i32x4.truncSatF32x4S(n));
  const half = f.let(i32x4.shrS(whole, 1));
  const power = (k: Value<"v128">) => i32x4.shl(i32x4.add(k, i32x4.const(127)), 23);
  return f.let(f32x4.mul(f32x4.mul(p, power(half)), power(i32x4.sub(whole, half))));
}

/** ln x = e ln 2 + ln m with x = m 2^e, sqrt(1/2) <= m < sqrt(2). ln 0 = -Infinity, ln(x < 0) = NaN. */
export function logLanes(f: FunctionBuilder, argument: Value<"v128">): Local<"v128"> {
  const x = f.let(argument);
  // Subnormals have no exponent of their own: scale them up by 2^24 first.
  const tiny = f.let(f32x4.lt(x, f32x4.const(2 ** -126)));
  const scaled = f.let(v128.bitselect(f32x4.mul(x, f32x4.const(2 ** 24)), x, tiny));
  const exponent = f.let(i32x4.shrS(i32x4.sub(scaled, i32x4.const(0x3f3504f3)), 23));
  const m = f.let(f32x4.sub(i32x4.sub(scaled, i32x4.shl(exponent, 23)), f32x4.const(1)));
  const e = f.let(f32x4.sub(f32x4.convertI32x4S(exponent), v128.and(tiny, f32x4.const(24))));
  const square = f.let(f32x4.mul(m, m));
  const tail = polynomial(f, m, [7.0376836292e-2, -1.1514610310e-1, 1.1676998740e-1, -1.2420140846e-1, 1.4249322787e-1, -1.6668057665e-1, 2.0000714765e-1, -2.4999993993e-1, 3.3333331174e-1]); // prettier-ignore
  const cubic = f32x4.mul(f32x4.mul(m, square), tail);
  const low = f.madd(e, f32x4.const(LN2_LOW), cubic);
  const y = f32x4.add(m, f.nmadd(square, f32x4.const(0.5), low));
  const finite = f.let(f.madd(e, f32x4.const(LN2_HIGH), y));
  // Infinity and NaN stay; a negative argument's mask of all ones is a NaN; 0 gives -Infinity.
  const large = v128.bitselect(finite, x, f32x4.lt(x, f32x4.const(Infinity)));
  const defined = f.let(v128.or(large, f32x4.lt(x, f32x4.const(0))));
  return f.let(v128.bitselect(f32x4.const(-Infinity), defined, f32x4.eq(x, f32x4.const(0))));
}
