/**
 * sin, cos and pow on four f32 lanes. Each has a step that single precision cannot hold, and that a few operations in
 * double precision do: taking a large argument modulo pi/2, and multiplying a logarithm by a large exponent, whose
 * rounding errors the exponential would blow up. sin and cos are at most 2 units in the last place from the rounded
 * result, pow at most 1 (measured).
 */
import { f32x4, f64x2, i32x4, v128 } from "../assembler.ts";
import type { FunctionBuilder, Local, Value } from "../assembler.ts";
import { polynomial, scaledExp, splitExponent } from "./math.ts";

type Lanes = Value<"v128">;

/** Runs `body` on two lanes at a time, as doubles. Its two results are rounded to floats, four lanes each. */
function inDouble(
  f: FunctionBuilder,
  args: readonly Local<"v128">[],
  body: (...doubles: Local<"v128">[]) => readonly [Lanes, Lanes],
): readonly [Local<"v128">, Local<"v128">] {
  const half = (pick: (x: Local<"v128">) => Lanes) => {
    const [a, b] = body(...args.map((x) => f.let(f64x2.promoteLowF32x4(pick(x)))));
    return [f.let(f64x2.demoteToF32x4(a)), f.let(f64x2.demoteToF32x4(b))] as const;
  };
  const [aLow, bLow] = half((x) => x);
  const [aHigh, bHigh] = half((x) => v128.shuffle(x, x, [2, 3, 2, 3]));
  const join = (low: Lanes, high: Lanes) => f.let(v128.shuffle(low, high, [0, 1, 4, 5]));
  return [join(aLow, aHigh), join(bLow, bHigh)];
}

// pi/2 in three parts: the first two have 22 bits, so that multiples below 2^31 of them are exact (Cody and Waite).
const HALF_PI = [1.570796012878418, 3.139164164167596e-7, 6.223372171896613e-14] as const;

/** From here on neighbouring floats are 256 and more apart, and multiples of pi/2 are no longer exact. */
const LARGEST_ANGLE = 2 ** 31;

/** Sine (shift 0) or cosine (shift 1): x = n pi/2 + r, and the quadrant n + shift says which polynomial, and the sign. */
function sineOf(f: FunctionBuilder, x: Local<"v128">, shift: 0 | 1): Local<"v128"> {
  const [r, n] = inDouble(f, [x], (angle) => {
    const turns = f.let(f64x2.nearest(f64x2.mul(angle, f64x2.const(2 / Math.PI))));
    const rest = HALF_PI.reduce<Lanes>((left, part) => f64x2.sub(left, f64x2.mul(turns, f64x2.const(part))), angle); // prettier-ignore
    // Modulo 4, since only that matters and a float could not hold more.
    const whole = f64x2.nearest(f64x2.mul(turns, f64x2.const(0.25)));
    return [rest, f64x2.sub(turns, f64x2.mul(whole, f64x2.const(4)))];
  });
  const quadrant = f.let(i32x4.add(i32x4.truncSatF32x4S(n), i32x4.const(shift)));
  const square = f.let(f32x4.mul(r, r));
  const sineTail = polynomial(f, square, [-1.9515295891e-4, 8.3321608736e-3, -1.6666654611e-1]);
  const sine = f.madd(f32x4.mul(square, r), sineTail, r);
  const cosineTail = polynomial(f, square, [2.443315711809948e-5, -1.388731625493765e-3, 4.166664568298827e-2]); // prettier-ignore
  const cosine = f.madd(f32x4.mul(square, square), cosineTail, f.nmadd(square, f32x4.const(0.5), f32x4.const(1))); // prettier-ignore
  const isOdd = i32x4.shrS(i32x4.shl(quadrant, 31), 31);
  const sign = v128.and(i32x4.shl(quadrant, 30), i32x4.const(-(2 ** 31)));
  const y = v128.xor(v128.bitselect(cosine, sine, isOdd), sign);
  // A mask of all ones is a NaN.
  return f.let(v128.or(y, v128.not(f32x4.lt(f32x4.abs(x), f32x4.const(LARGEST_ANGLE)))));
}

/** sin x for |x| < 2^31, else NaN. */
export function sinLanes(f: FunctionBuilder, argument: Lanes): Local<"v128"> {
  const x = f.let(argument);
  // Where x^2 / 6 is less than half a unit in the last place sin x rounds to x, -0 included.
  return f.let(v128.bitselect(x, sineOf(f, x, 0), f32x4.lt(f32x4.abs(x), f32x4.const(2 ** -12))));
}

/** cos x for |x| < 2^31, else NaN. */
export const cosLanes = (f: FunctionBuilder, x: Lanes): Local<"v128"> => sineOf(f, f.let(x), 1);

/** log2(1 + m) = 2 / ln 2 artanh(s) with s = m / (2 + m), |s| < 0.172: (s + s^3 / 3 + s^5 / 5 + ...) 2 / ln 2 */
const LOG2_SERIES = [15, 13, 11, 9, 7, 5, 3, 1].map((odd) => 2 / (Math.LN2 * odd));

/** base^exponent = 2^(exponent log2 |base|), with the sign, and what IEEE says of zeros, infinities and NaN (as Math.pow). */
export function powLanes(f: FunctionBuilder, base: Lanes, power: Lanes): Local<"v128"> {
  const [a, b] = [f.let(base), f.let(power)];
  const size = f.let(f32x4.abs(a));
  const { m, e } = splitExponent(f, size);
  // log2 of Infinity and NaN are themselves, log2 0 is -Infinity.
  f.set(e, v128.bitselect(e, size, f32x4.lt(size, f32x4.const(Infinity))));
  f.set(e, v128.bitselect(f32x4.const(-Infinity), e, f32x4.eq(size, f32x4.const(0))));
  const [r, n] = inDouble(f, [m, e, b], (fraction, exponent, factor) => {
    const s = f.let(f64x2.div(fraction, f64x2.add(fraction, f64x2.const(2))));
    const square = f.let(f64x2.mul(s, s));
    const [first = 0, ...rest] = LOG2_SERIES;
    const series = rest.reduce<Lanes>((sum, c) => f64x2.add(f64x2.mul(sum, square), f64x2.const(c)), f64x2.const(first)); // prettier-ignore
    const log2 = f64x2.add(exponent, f64x2.mul(s, series));
    const z = f.let(f64x2.pmin(f64x2.pmax(f64x2.mul(factor, log2), f64x2.const(-151)), f64x2.const(129)));
    const whole = f.let(f64x2.nearest(z));
    return [f64x2.mul(f64x2.sub(z, whole), f64x2.const(Math.LN2)), whole];
  });
  const positive = scaledExp(f, r, f.let(i32x4.truncSatF32x4S(n)));
  const isInteger = f.let(f32x4.eq(f32x4.nearest(b), b));
  const half = f.let(f32x4.mul(b, f32x4.const(0.5)));
  const isOdd = v128.and(isInteger, f32x4.ne(f32x4.nearest(half), half));
  const sign = v128.and(v128.and(a, i32x4.const(-(2 ** 31))), isOdd);
  const isNegative = v128.and(f32x4.lt(a, f32x4.const(0)), f32x4.gt(a, f32x4.const(-Infinity)));
  // A mask of all ones is a NaN: a negative number has no power that is not an integer.
  const y = v128.or(v128.or(positive, sign), v128.andnot(isNegative, isInteger));
  return f.let(v128.bitselect(f32x4.const(1), y, f32x4.eq(b, f32x4.const(0))));
}
