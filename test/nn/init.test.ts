import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ShapeError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { fans, glorotUniform, kaimingNormal, kaimingUniform, normal, uniform } from "../../nn/init.ts";
import type { Initializer } from "../../nn/init.ts";

/** 3 x 3 from 20 to 50 channels: fan in 180, fan out 450, and 9,000 values. */
const shape = [3, 3, 20, 50];

const variance = (values: Float64Array) => {
  const mean = values.reduce((sum, x) => sum + x, 0) / values.length;
  return values.reduce((sum, x) => sum + (x - mean) ** 2, 0) / values.length;
};

describe("initialisers", () => {
  it("count fans with the kernel's area", () => {
    assert.deepEqual(fans([784, 10]), { in: 784, out: 10 });
    assert.deepEqual(fans(shape), { in: 180, out: 450 });
    assert.throws(() => fans([10]), ShapeError);
    assert.throws(() => kaimingNormal()([10], new Random(0)), ShapeError);
  });

  // The variance of 9,000 draws is off by about 1.5% (normal) or 1% (uniform), one standard deviation.
  const cases: [string, Initializer, number, number][] = [
    ["normal(0.01)", normal(0.01), 1e-4, Infinity],
    ["uniform(3)", uniform(3), 3, 3],
    ["kaimingNormal in", kaimingNormal(), 2 / 180, Infinity],
    ["kaimingNormal out", kaimingNormal("out"), 2 / 450, Infinity],
    ["kaimingUniform in", kaimingUniform(), 2 / 180, Math.sqrt(6 / 180)],
    ["kaimingUniform out", kaimingUniform("out"), 2 / 450, Math.sqrt(6 / 450)],
    ["glorotUniform", glorotUniform, 2 / 630, Math.sqrt(6 / 630)],
  ];
  for (const [name, initializer, expected, bound] of cases) {
    it(`${name} has variance ${expected.toPrecision(3)} and keeps its bounds`, () => {
      const values = initializer(shape, new Random(1));
      assert.equal(values.length, 9000);
      assert.ok(Math.abs(variance(values) / expected - 1) < 0.06, `variance ${variance(values)}`);
      const largest = Math.max(...values.map(Math.abs));
      assert.ok(largest <= bound);
      if (bound < Infinity) assert.ok(largest > 0.99 * bound);
    });
  }

  it("draw the same values from the same seed, and go on along the stream", () => {
    const random = new Random(5);
    const first = kaimingNormal()(shape, random);
    assert.deepEqual(first, kaimingNormal()(shape, new Random(5)));
    assert.notDeepEqual(kaimingNormal()(shape, random), first);
  });
});
