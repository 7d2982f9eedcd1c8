import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";

const draw = (random: Random, n: number) => Array.from({ length: n }, () => random.uint32());

/** Pearson's statistic against equal expectation: mean k-1, variance about 2(k-1). */
function chiSquare(counts: readonly number[]): number {
  const expected = counts.reduce((a, b) => a + b, 0) / counts.length;
  return counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
}

/** Five standard deviations on either side: too even is as wrong as too uneven. */
function assertEven(counts: readonly number[]): void {
  const freedom = counts.length - 1;
  const deviation = Math.abs(chiSquare(counts) - freedom) / Math.sqrt(2 * freedom);
  assert.ok(deviation < 5, `chi-square is ${deviation} standard deviations off: ${counts.join(" ")}`);
}

describe("Random: golden bits", () => {
  it("is xoshiro128**: the published sequence from state 1, 2, 3, 4", () => {
    // The vector of the rand_xoshiro crate's tests, made with the authors' C code.
    const published = [
      11520, 0, 5927040, 70819200, 2031721883, 1637235492, 1287239034, 3734860849, 3729100597, 4258142804,
    ];
    assert.deepEqual(draw(Random.fromState([1, 2, 3, 4]), 10), published);
  });

  // From here on: an independent implementation on Python's integers.
  for (const [seed, state, first] of [
    [0, [843051114, 3345291278, 4282174386, 1950156266], [1654472450, 4196814817, 2038809422, 3125527922]],
    [1, [3984252170, 25259453, 1275560550, 3122221660], [3760528539, 712466210, 3247444486, 315184710]],
    [42, [919758049, 2769071639, 3910495096, 3553297498], [2639070844, 3853712578, 392917926, 1782893457]],
    [
      Number.MAX_SAFE_INTEGER,
      [3415650827, 2356647707, 3452414847, 604418165],
      [2194137815, 1669645473, 3080524553, 1702254651],
    ],
  ] as const) {
    it(`seed ${seed}`, () => {
      const random = new Random(seed);
      assert.deepEqual(random.state, state);
      assert.deepEqual(draw(random, 4), first);
    });
  }

  it("fork, uniform and normal of seed 42", () => {
    const random = new Random(42);
    const child = random.fork(7);
    assert.deepEqual(child.state, [4294313079, 2267895184, 1305196830, 395549364]);
    assert.deepEqual(draw(child, 3), [2080713433, 4235846308, 734274999]);

    const uniform = [0.6144565634225486, 0.09148333530956676, 0.1856501961224274];
    assert.deepEqual(
      Array.from(uniform, () => random.uniform()),
      uniform,
    );

    const again = new Random(42);
    // Python takes its logarithm from the C library: equal but for the last bits.
    const normal = [
      0.2187042841744807, -0.5318848646228005, -0.08724597032915363, -1.7230296361800743,
      -0.34936634752889467,
    ];
    for (const expected of normal) assert.ok(Math.abs(again.normal() / expected - 1) < 1e-15);
  });
});

describe("Random: distributions", () => {
  it("uniform fills [low, high) evenly", () => {
    const random = new Random(1);
    const counts = new Array<number>(64).fill(0);
    for (let i = 0; i < 64_000; i++) {
      const x = random.uniform(-2, 2);
      assert.ok(x >= -2 && x < 2);
      counts[Math.floor((x + 2) * 16)]!++;
    }
    assertEven(counts);
  });

  it("normal has the moments and tails of a Gaussian", () => {
    const random = new Random(2);
    const n = 200_000;
    const z = Float64Array.from({ length: n }, () => random.normal());
    const moment = (power: number) => z.reduce((sum, x) => sum + x ** power, 0) / n;
    // Bounds: 5 standard errors, sqrt(Var(z^k) / n) with Var = 1, 2, 15, 96.
    assert.ok(Math.abs(moment(1)) < 5 * Math.sqrt(1 / n));
    assert.ok(Math.abs(moment(2) - 1) < 5 * Math.sqrt(2 / n));
    assert.ok(Math.abs(moment(3)) < 5 * Math.sqrt(15 / n));
    assert.ok(Math.abs(moment(4) - 3) < 5 * Math.sqrt(96 / n));
    const beyond = z.filter((x) => Math.abs(x) > 2.5758293).length / n; // the 1 % point
    assert.ok(Math.abs(beyond - 0.01) < 5 * Math.sqrt((0.01 * 0.99) / n));
  });

  it("normal scales by std and shifts by mean", () => {
    assert.equal(new Random(3).normal(10, 2), 10 + 2 * new Random(3).normal());
  });

  it("integer is even, also where a plain remainder would not be", () => {
    const random = new Random(4);
    const small = new Array<number>(10).fill(0);
    for (let i = 0; i < 20_000; i++) small[random.integer(10)]!++;
    assertEven(small);
    // 2^32 mod (3 * 2^30) = 2^30: without rejection the lowest third would come up every second time.
    const large = new Array<number>(3).fill(0);
    for (let i = 0; i < 3000; i++) large[Math.floor(random.integer(3 * 2 ** 30) / 2 ** 30)]!++;
    assertEven(large);
    assert.equal(random.integer(1), 0);
  });

  it("shuffle gives each order of four things equally often", () => {
    const random = new Random(5);
    const seen = new Map<string, number>();
    for (let i = 0; i < 12_000; i++) {
      const letters = ["a", "b", "c", "d"];
      random.shuffle(letters);
      seen.set(letters.join(""), (seen.get(letters.join("")) ?? 0) + 1);
    }
    assert.equal(seen.size, 24);
    assertEven([...seen.values()]);
  });

  it("permutation is a permutation", () => {
    fc.assert(
      fc.property(fc.nat(1000), fc.maxSafeNat(), (n, seed) => {
        const order = new Random(seed).permutation(n);
        assert.deepEqual(
          order.toSorted(),
          Int32Array.from({ length: n }, (_, i) => i),
        );
      }),
    );
  });
});

describe("Random: fork and state", () => {
  it("fork draws nothing, and is a function of state and label", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(), (seed, label) => {
        const random = new Random(seed);
        const before = random.state;
        const a = draw(random.fork(label), 5);
        random.fork(label + 1);
        assert.deepEqual(draw(random.fork(label), 5), a);
        assert.deepEqual(random.state, before);
      }),
    );
  });

  it("streams of different labels, parents and nesting differ", () => {
    const random = new Random(6);
    const streams = [random, new Random(7)];
    for (let i = 0; i < 100; i++)
      streams.push(random.fork(i), random.fork(0).fork(i), random.fork((i + 1) * 2 ** 32));
    const keys = streams.map((stream) => draw(stream, 2).join(" "));
    assert.equal(new Set(keys).size, keys.length);
  });

  it("each bit of the label flips half of the child's state", () => {
    const random = new Random(8);
    for (let bit = 0; bit < 53; bit++) {
      let flipped = 0;
      const trials = 50;
      for (let trial = 0; trial < trials; trial++) {
        const label = Math.floor(random.uniform() * 2 ** 53);
        const other = Number(BigInt(label) ^ (1n << BigInt(bit)));
        const [a, b] = [random.fork(label).state, random.fork(other).state];
        a.forEach(
          (word, lane) => (flipped += ((word ^ b[lane]!) >>> 0).toString(2).replaceAll("0", "").length),
        );
      }
      // The mean of 50 binomials (128, 1/2) has a standard deviation of 0.8.
      const mean = flipped / trials;
      assert.ok(Math.abs(mean - 64) < 4, `bit ${bit}: ${mean} of 128 state bits`);
    }
  });

  it("the first draws of consecutive forks are even", () => {
    const random = new Random(9);
    const counts = new Array<number>(64).fill(0);
    for (let label = 0; label < 64_000; label++) counts[random.fork(label).uint32() >>> 26]!++;
    assertEven(counts);
  });

  it("a state saved as JSON continues the stream", () => {
    fc.assert(
      fc.property(fc.maxSafeNat(), fc.nat(50), (seed, drawn) => {
        const random = new Random(seed);
        draw(random, drawn);
        const restored = Random.fromState(JSON.parse(JSON.stringify(random.state)) as number[]);
        assert.deepEqual(draw(restored, 10), draw(random, 10));
        assert.equal(restored.normal(), random.normal());
      }),
    );
  });
});

describe("Random: refusals", () => {
  for (const [what, act] of [
    ["a negative seed", () => new Random(-1)],
    ["a fractional seed", () => new Random(0.5)],
    ["a seed beyond 2^53", () => new Random(2 ** 53)],
    ["NaN as label", () => new Random(0).fork(NaN)],
    ["integer(0)", () => new Random(0).integer(0)],
    ["integer(2^32 + 1)", () => new Random(0).integer(2 ** 32 + 1)],
    ["the zero state", () => Random.fromState([0, 0, 0, 0])],
    ["a state of three", () => Random.fromState([1, 2, 3])],
    ["a state of five", () => Random.fromState([1, 2, 3, 4, 5])],
    ["a state with a negative word", () => Random.fromState([1, 2, 3, -4])],
  ] as const) {
    it(what, () => {
      assert.throws(act, ValueError);
    });
  }
});
