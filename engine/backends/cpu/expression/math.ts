/**
 * Exponentials and logarithms on four f32 lanes, after the Cephes library's single-precision functions (Moshier): reduce
 * the argument to a short interval with the exponent bits, then a polynomial. At most 1 unit in the last place from the
 * rounded result (measured over all exponents, with and without fused multiply-add).
 */
import { f32x4, i32x4, v128 } from "../assembler.ts";
import type { FunctionBuilder, Local, Value } from "../assembler.ts";

type Lanes = Value<"v128">;

// ln 2 in two parts: the first has few bits, so that n * high is exact.
const LN2_HIGH = 0.693359375;
const LN2_LOW = -2.12194440054690583e-4;

/** Combines four lanes; all lanes of the result are it. */
export function across(
  f: FunctionBuilder,
  x: Local<"v128">,
  combine: (a: Value<"v128">, b: Value<"v128">) => Value<"v128">,
): Local<"v128"> {
  const halves = f.let(combine(x, v128.shuffle(x, x, [2, 3, 0, 1])));
  return f.let(combine(halves, v128.shuffle(halves, halves, [1, 0, 3, 2])));
}

/** c0 x^n + c1 x^(n-1) + ... + cn */
export function polynomial(
  f: FunctionBuilder,
  x: Local<"v128">,
  [first = 0, ...rest]: readonly number[],
): Lanes {
  return rest.reduce((sum, c) => f.madd(sum, x, f32x4.const(c)), f32x4.const(first));
}

/** Below this an odd function f with f'(0) = 1 and a bounded f''' or f'' rounds to its argument; it keeps -0 there. */
const TINY = 2 ** -25;

/** y, or x itself where x is tiny. */
const orTiny = (f: FunctionBuilder, x: Lanes, y: Lanes): Local<"v128"> =>
  f.let(v128.bitselect(x, y, f32x4.lt(f32x4.abs(x), f32x4.const(TINY))));

/** x clamped to a range; NaN stays, since pmin and pmax return their first argument when it is NaN. */
const clamped = (f: FunctionBuilder, x: Lanes, low: number, high: number): Local<"v128"> =>
  f.let(f32x4.pmin(f32x4.pmax(x, f32x4.const(low)), f32x4.const(high)));

/**
 * The larger of each lane; NaN where one is; of 0 and -0 the second. `f32x4.max` takes V8 eight instructions on x64, for it
 * also orders zeros and keeps a NaN's bits; pmax, which is b where that is NaN, and a mask, which is a NaN where a is, three.
 */
export function maxLanes(f: FunctionBuilder, first: Lanes, b: Lanes): Lanes {
  const a = f.let(first);
  return v128.or(f32x4.pmax(b, a), f32x4.ne(a, a));
}

/**
 * Floats between 2^23 and 2^24 are 1 apart: x + ROUND is rounded to an integer, by which its bits differ from those of ROUND.
 * The half leaves room for 2^22 on both sides.
 */
const ROUND = 1.5 * 2 ** 23;

/** x = n ln 2 + r with n in integer lanes and |r| <= ln(2) / 2, for |x| < 2^14. For a NaN n is anything, and r NaN. */
function splitByLn2(f: FunctionBuilder, x: Local<"v128">): { n: Local<"v128">; r: Local<"v128"> } {
  const sum = f.let(f.madd(x, f32x4.const(Math.LOG2E), f32x4.const(ROUND)));
  const whole = f.let(f32x4.sub(sum, f32x4.const(ROUND)));
  const r = f.let(f.nmadd(whole, f32x4.const(LN2_LOW), f.nmadd(whole, f32x4.const(LN2_HIGH), x)));
  return { n: f.let(i32x4.sub(sum, f32x4.const(ROUND))), r };
}

/** e^r - 1 for |r| <= ln(2) / 2. */
function smallExpm1(f: FunctionBuilder, r: Local<"v128">): Lanes {
  const tail = polynomial(f, r, [1.9875691500e-4, 1.3981999507e-3, 8.3334519073e-3, 4.1665795894e-2, 1.6666665459e-1, 5.0000001201e-1]); // prettier-ignore
  return f.madd(f32x4.mul(r, r), tail, r);
}

/** 2^k from the integer lanes of k, -126 <= k <= 127. */
const powerOfTwo = (k: Lanes): Lanes => i32x4.shl(i32x4.add(k, i32x4.const(127)), 23);

/** e^r 2^n for |r| <= ln(2) / 2 and integer lanes n from -151 to 129: Infinity, subnormals and 0 where they are due. */
export function scaledExp(f: FunctionBuilder, r: Local<"v128">, n: Local<"v128">): Local<"v128"> {
  const p = f.let(f32x4.add(smallExpm1(f, r), f32x4.const(1)));
  // 2^n in two factors, since 2^128 and 2^-150 are no normal floats although the result may be one.
  const half = f.let(i32x4.shrS(n, 1));
  return f.let(f32x4.mul(f32x4.mul(p, powerOfTwo(half)), powerOfTwo(i32x4.sub(n, half))));
}

/** e^x = 2^n e^r. Overflow gives Infinity, underflow passes through the subnormals to 0, NaN stays NaN. */
export function expLanes(f: FunctionBuilder, argument: Lanes): Local<"v128"> {
  const { n, r } = splitByLn2(f, clamped(f, argument, -104, 89));
  return scaledExp(f, r, n);
}

/** e^x - 1 = 2^n (e^r - 1) + (2^n - 1). */
export function expm1Lanes(f: FunctionBuilder, argument: Lanes): Local<"v128"> {
  const x = f.let(argument);
  const { n, r } = splitByLn2(f, clamped(f, x, -40, 89));
  // With half of 2^n, since 2^128 is no float although the result may be one.
  const half = f.let(powerOfTwo(i32x4.sub(n, i32x4.const(1))));
  const y = f.madd(half, smallExpm1(f, r), f32x4.sub(half, f32x4.const(0.5)));
  return orTiny(f, x, f32x4.mul(y, f32x4.const(2)));
}

/** ln x. ln 0 = -Infinity, ln(x < 0) = NaN. */
export const logLanes = (f: FunctionBuilder, x: Lanes): Local<"v128"> => logOfSum(f, f.let(x));

/** ln(1 + x), from the rounded sum and what rounding lost. */
export function log1pLanes(f: FunctionBuilder, argument: Lanes): Local<"v128"> {
  const x = f.let(argument);
  const sum = f.let(f32x4.add(x, f32x4.const(1)));
  const lost = f.let(f32x4.sub(x, f32x4.sub(sum, f32x4.const(1))));
  return orTiny(f, x, logOfSum(f, sum, lost));
}

/** x = (1 + m) 2^e with sqrt(1/2) <= 1 + m < sqrt(2), for a positive, finite x. */
export function splitExponent(
  f: FunctionBuilder,
  x: Local<"v128">,
): { m: Local<"v128">; e: Local<"v128">; exponent: Local<"v128"> } {
  // Subnormals have no exponent of their own: scale them up by 2^24 first.
  const tiny = f.let(f32x4.lt(x, f32x4.const(2 ** -126)));
  const scaled = f.let(v128.bitselect(f32x4.mul(x, f32x4.const(2 ** 24)), x, tiny));
  const exponent = f.let(i32x4.shrS(i32x4.sub(scaled, i32x4.const(0x3f3504f3)), 23));
  const m = f.let(f32x4.sub(i32x4.sub(scaled, i32x4.shl(exponent, 23)), f32x4.const(1)));
  const e = f.let(f32x4.sub(f32x4.convertI32x4S(exponent), v128.and(tiny, f32x4.const(24))));
  return { m, e, exponent };
}

/** ln(x + lost) = e ln 2 + ln(1 + m), with x = (1 + m) 2^e. */
function logOfSum(f: FunctionBuilder, x: Local<"v128">, lost?: Local<"v128">): Local<"v128"> {
  const { m, e, exponent } = splitExponent(f, x);
  // Where 2^-e would be no normal float, nothing was lost.
  if (lost) f.set(m, f.madd(lost, powerOfTwo(i32x4.maxS(i32x4.neg(exponent), i32x4.const(-126))), m));
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

/** tanh x: a polynomial near 0, where the quotient would cancel, and +-(1 - 2 / (e^(2|x|) + 1)) elsewhere. */
export function tanhLanes(f: FunctionBuilder, argument: Lanes): Local<"v128"> {
  const x = f.let(argument);
  const size = f.let(f32x4.abs(x));
  const square = f.let(f32x4.mul(x, x));
  const tail = polynomial(f, square, [-5.70498872745e-3, 2.06390887954e-2, -5.37397155531e-2, 1.33314422036e-1, -3.33332819422e-1]); // prettier-ignore
  const small = f.madd(f32x4.mul(square, x), tail, x);
  const growth = f32x4.add(expLanes(f, f32x4.add(size, size)), f32x4.const(1));
  const large = f32x4.sub(f32x4.const(1), f32x4.div(f32x4.const(2), growth));
  const signed = v128.or(large, v128.andnot(x, i32x4.const(0x7fffffff)));
  return orTiny(f, x, v128.bitselect(small, signed, f32x4.lt(size, f32x4.const(0.625))));
}
