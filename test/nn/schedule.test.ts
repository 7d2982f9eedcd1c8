import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ValueError } from "../../engine/errors.ts";
import { constantSchedule, cosineSchedule } from "../../nn/schedule.ts";

const near = (actual: number, expected: number) => {
  assert.ok(Math.abs(actual - expected) < 1e-12, `expected ${expected}, got ${actual}`);
};

describe("schedules", () => {
  it("constant: the same everywhere", () => {
    const schedule = constantSchedule(0.3);
    assert.deepEqual([0, 1, 1e6].map(schedule), [0.3, 0.3, 0.3]);
    assert.throws(() => constantSchedule(-1), ValueError);
    assert.throws(() => constantSchedule(NaN), ValueError);
  });

  it("cosine without warm-up: peak, cosines of 0, 60, 90, 120 degrees, end", () => {
    const schedule = cosineSchedule({ peak: 1, steps: 6 });
    [1, (1 + Math.sqrt(3) / 2) / 2, 0.75, 0.5, 0.25, (1 - Math.sqrt(3) / 2) / 2, 0, 0].forEach((lr, step) => {
      near(schedule(step), lr);
    });
  });

  it("cosine with warm-up: a line from start to peak, then the cosine to end", () => {
    const schedule = cosineSchedule({ peak: 0.5, steps: 8, warmupSteps: 4, start: 0.1, end: 0.3 });
    [0.1, 0.2, 0.3, 0.4, 0.5, 0.4 + 0.1 * Math.SQRT1_2, 0.4, 0.4 - 0.1 * Math.SQRT1_2, 0.3, 0.3].forEach(
      (lr, step) => {
        near(schedule(step), lr);
      },
    );
  });

  it("is constant where peak, start and end are the same, and a line where warm-up is all", () => {
    const flat = cosineSchedule({ peak: 2, steps: 10, warmupSteps: 3, start: 2, end: 2 });
    for (let step = 0; step < 12; step++) assert.equal(flat(step), 2);
    const line = cosineSchedule({ peak: 1, steps: 4, warmupSteps: 4 });
    assert.deepEqual([0, 1, 2, 3, 4].map(line), [0, 0.25, 0.5, 0.75, 0]);
  });

  it("rises through the warm-up, never rises afterwards, and stays between its ends", () => {
    const rate = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 50 }), fc.nat(50), rate, rate, rate, (steps, warmup, a, b, c) => {
        const warmupSteps = Math.min(warmup, steps);
        const peak = Math.max(a, b, c);
        const schedule = cosineSchedule({ peak, steps, warmupSteps, start: b, end: c });
        for (let step = 1; step <= steps; step++) {
          const [before, now] = [schedule(step - 1), schedule(step)];
          assert.ok(now >= Math.min(b, c) - 1e-12 && now <= peak + 1e-12);
          if (step < warmupSteps) assert.ok(now >= before - 1e-12);
          if (step > warmupSteps) assert.ok(now <= before + 1e-12);
        }
      }),
    );
  });

  it("refuses what does not fit together", () => {
    for (const wrong of [
      { peak: -1, steps: 5 },
      { peak: 1, steps: 0 },
      { peak: 1, steps: 2.5 },
      { peak: 1, steps: 5, warmupSteps: 6 },
      { peak: 1, steps: 5, warmupSteps: -1 },
      { peak: 1, steps: 5, start: Infinity },
      { peak: 1, steps: 5, end: NaN },
    ]) {
      assert.throws(() => cosineSchedule(wrong), ValueError, JSON.stringify(wrong));
    }
  });
});
