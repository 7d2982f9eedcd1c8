import { ValueError } from "./errors.ts";

/**
 * The 128 bits of a generator as four unsigned 32-bit integers, not all zero: plain JSON, part of a
 * checkpoint.
 */
export type RandomState = readonly [number, number, number, number];

/** What `shuffle` needs of an array: T[] and the numeric typed arrays fit. */
export interface MutableArrayLike<T> {
  readonly length: number;
  [index: number]: T;
}

/**
 * Seeded random numbers, the same bits on every machine: integer operations and IEEE 754 + - * / sqrt only,
 * because ECMAScript leaves the last bits of `Math.log` and its like to the engine.
 *
 * The generator is xoshiro128** (Blackman and Vigna, "Scrambled linear pseudorandom number generators", ACM
 * TOMS 47, 2021): period 2^128 - 1. Seeds and fork labels are spread over its state by {@link Random.fork}'s
 * hash. Not for cryptography.
 */
export class Random {
  // Signed 32-bit integers: V8 keeps those unboxed, which it does not do for unsigned ones.
  #a = 0;
  #b = 0;
  #c = 0;
  #d = 0;

  /** @param seed - integer in [0, 2^53); throws ValueError for anything else. */
  constructor(seed: number) {
    this.#absorb(seed, "seed");
  }

  /**
   * Continues a stream where `state` was read. Throws ValueError unless it is four uint32 that are not all
   * zero.
   */
  static fromState(state: readonly number[]): Random {
    const [a, b, c, d, ...rest] = state;
    const valid = isUint32(a) && isUint32(b) && isUint32(c) && isUint32(d) && rest.length === 0;
    // From the zero state xoshiro yields zeros for ever.
    if (!valid || (a | b | c | d) === 0) {
      throw new ValueError(`Random.fromState: expected 4 uint32, not all zero, got [${state.join(", ")}]`);
    }
    return Random.#of(a, b, c, d);
  }

  static #of(a: number, b: number, c: number, d: number): Random {
    const random = new Random(0);
    random.#a = a | 0;
    random.#b = b | 0;
    random.#c = c | 0;
    random.#d = d | 0;
    return random;
  }

  /** Where the stream stands, as four unsigned 32-bit integers: {@link Random.fromState} goes on from there. */
  get state(): RandomState {
    return [this.#a >>> 0, this.#b >>> 0, this.#c >>> 0, this.#d >>> 0];
  }

  /**
   * A generator for an independent stream: a pure function of this one's present state and the label, which
   * draws nothing. Different labels give different streams, so `epochRandom.fork(sample).fork(view)` yields
   * the same numbers in whatever order the samples are worked on.
   *
   * @param label - integer in [0, 2^53); throws ValueError for anything else.
   */
  fork(label: number): Random {
    const child = Random.#of(this.#a, this.#b, this.#c, this.#d);
    child.#absorb(label, "label");
    return child;
  }

  /**
   * Adds a 53-bit integer to the state and permutes the 128 bits so that each output bit depends on each
   * input bit. Each lane goes through SplitMix's step (a golden-ratio counter, then MurmurHash3's finaliser),
   * chained to the lane before it. Every step can be undone, so distinct labels never collide on one parent.
   * (One of the 2^128 states would become the forbidden zero state.)
   */
  #absorb(label: number, what: string): void {
    if (!Number.isSafeInteger(label) || label < 0) {
      throw new ValueError(`Random: expected ${what} to be an integer in [0, 2^53), got ${label}`);
    }
    this.#a ^= label | 0;
    this.#b ^= (label / 2 ** 32) | 0;
    let counter = 0;
    for (let round = 0; round < 2; round++) {
      this.#a = mix32(this.#a + this.#d + (counter += GOLDEN_RATIO));
      this.#b = mix32(this.#b + this.#a + (counter += GOLDEN_RATIO));
      this.#c = mix32(this.#c + this.#b + (counter += GOLDEN_RATIO));
      this.#d = mix32(this.#d + this.#c + (counter += GOLDEN_RATIO));
    }
  }

  /** The next 32 bits, as an integer in [0, 2^32). */
  uint32(): number {
    const scrambled = Math.imul(rotateLeft(Math.imul(this.#b, 5), 7), 9);
    const shifted = this.#b << 9;
    this.#c ^= this.#a;
    this.#d ^= this.#b;
    this.#b ^= this.#c;
    this.#a ^= this.#d;
    this.#c ^= shifted;
    this.#d = rotateLeft(this.#d, 11);
    return scrambled >>> 0;
  }

  /** Uniform on [low, high), on a grid of 2^53 points (rounding may reach `high` where low is not 0). */
  uniform(low = 0, high = 1): number {
    const upper = this.uint32() >>> 5; // 27 bits
    const lower = this.uint32() >>> 6; // 26 bits
    return low + (high - low) * ((upper * 2 ** 26 + lower) / 2 ** 53);
  }

  /**
   * Normal deviate by Marsaglia's polar method (SIAM Review 6, 1964): for (u, v) uniform in the unit disc and
   * q = u^2 + v^2, u sqrt(-2 ln(q) / q) is standard normal. The second one, with v, is dropped: kept, it
   * would be part of the state.
   */
  normal(mean = 0, std = 1): number {
    for (;;) {
      const u = this.uniform(-1, 1);
      const v = this.uniform(-1, 1);
      const q = u * u + v * v;
      if (q > 0 && q < 1) return mean + std * u * Math.sqrt((-2 * logOfFraction(q)) / q);
    }
  }

  /**
   * Uniform on the integers 0 .. n-1, without bias. Throws ValueError unless n is an integer in [1, 2^32].
   */
  integer(n: number): number {
    if (!Number.isInteger(n) || n < 1 || n > 2 ** 32) {
      throw new ValueError(`Random.integer: expected n to be an integer in [1, 2^32], got ${n}`);
    }
    // Draws beyond the last whole multiple of n would favour the small remainders: draw again.
    const limit = 2 ** 32 - (2 ** 32 % n);
    let draw = this.uint32();
    while (draw >= limit) draw = this.uint32();
    return draw % n;
  }

  /** Shuffles in place, every order equally likely (Fisher-Yates). */
  shuffle<T extends number | bigint | string | object>(array: MutableArrayLike<T>): void {
    for (let last = array.length - 1; last > 0; last--) {
      const chosen = this.integer(last + 1);
      const a = array[last];
      const b = array[chosen];
      if (a === undefined || b === undefined) {
        const hole = a === undefined ? last : chosen;
        throw new ValueError(`Random.shuffle: expected an array without holes, got one at index ${hole}`);
      }
      array[last] = b;
      array[chosen] = a;
    }
  }

  /** The integers 0 .. n-1 in random order. */
  permutation(n: number): Int32Array<ArrayBuffer> {
    const order = new Int32Array(n).map((_, i) => i);
    this.shuffle(order);
    return order;
  }
}

const GOLDEN_RATIO = 0x9e3779b9; // 2^32 / phi

function isUint32(x: number | undefined): x is number {
  return x !== undefined && Number.isInteger(x) && x >= 0 && x < 2 ** 32;
}

function rotateLeft(x: number, bits: number): number {
  return (x << bits) | (x >>> (32 - bits));
}

/**
 * MurmurHash3's finaliser (Appleby, 2011): a bijection on 32 bits in which every input bit reaches every
 * output bit.
 */
function mix32(x: number): number {
  let h = x | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}

/**
 * ln(x) for 0 < x < 1. With x = m 2^e and m in [sqrt(1/2), sqrt(2)):
 * ln(x) = e ln(2) + 2 artanh(t), t = (m - 1) / (m + 1), artanh(t) = t + t^3/3 + t^5/5 + ...
 * Here t^2 <= 0.0295, so eleven terms reach the precision of a double.
 */
function logOfFraction(x: number): number {
  let m = x;
  let exponent = 0;
  while (m < Math.SQRT1_2) {
    m *= 2;
    exponent--;
  }
  const t = (m - 1) / (m + 1);
  const square = t * t;
  let series = 0;
  for (let odd = 21; odd >= 1; odd -= 2) series = series * square + 1 / odd;
  return exponent * Math.LN2 + 2 * t * series;
}
