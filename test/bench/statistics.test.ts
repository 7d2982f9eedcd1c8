import assert from "node:assert/strict";
import { test } from "node:test";
import fc from "fast-check";
import { difference, median, spread } from "../../bench/measure/statistics.ts";

test("the median of few numbers", () => {
  assert.equal(median([3, 1, 2]), 2);
  assert.equal(median([4, 1, 2, 3]), 2.5);
  assert.ok(Number.isNaN(median([])));
});

test("the spread reaches to the farther end of the median's 95 % interval, in any unit", () => {
  assert.equal(spread([8, 10, 14]), 0.4, "of fewer than 6 all of them");
  // P(Binomial(n, 1/2) < k) for k = 1, 2: 1/64, 7/64 at n = 6; 1/512, 10/512 at n = 9
  assert.equal(spread([9, 10, 10, 10, 10, 20]), 1, "of 6 all of them");
  assert.equal(spread([1, 9, 10, 10, 10, 10, 10, 12, 100]), 0.2, "of 9 all but the least and the greatest");
  const time = fc.double({ min: 0.1, max: 1e6, noNaN: true });
  fc.assert(
    fc.property(fc.array(time, { minLength: 2, maxLength: 9 }), (times) => {
      const scaled = spread(times.map((each) => 1000 * each));
      assert.ok(Math.abs(scaled - spread(times)) <= 1e-9 * (1 + scaled));
    }),
  );
});

test("results differ by a share of the greatest value, and infinitely where they do not fit", () => {
  const expected = [Float32Array.of(1, -4), Float32Array.of(0.5)];
  assert.equal(difference(expected, [Float32Array.of(1, -3), Float32Array.of(0.5)]), 0.25);
  assert.equal(difference(expected, expected), 0);
  assert.equal(difference(expected, [Float32Array.of(1, -4)]), Infinity);
  assert.equal(difference(expected, [Float32Array.of(1), Float32Array.of(0.5)]), Infinity);
  assert.equal(difference(expected, [Float32Array.of(1, NaN), Float32Array.of(0.5)]), Infinity);
});
