import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ValueError } from "../../engine/errors.ts";
import { scheduleOf } from "../../supcon/training/schedules.ts";

const course = { peak: 8, epochs: 10, stepsPerEpoch: 4, warmup: 2, start: 0 };
const near = (a: number, b: number): void => { assert.ok(Math.abs(a - b) < 1e-12, `${a}, not ${b}`); }; // prettier-ignore

describe("scheduleOf", () => {
  it("warms up, then follows a cosine whose ends lie outside of steps 1 ... T", () => {
    const rate = scheduleOf("cosine", course);
    assert.deepEqual([0, 1, 4, 8].map(rate), [0, 1, 4, 8]);
    near(rate(8 + 11), 8 * 0.5 * (1 + Math.cos((Math.PI * 11) / 33)));
    assert.ok(rate(40) > 0, "the last step counts");
    assert.equal(rate(41), 0);
  });

  it("may begin with its beginning: from step 0 on, all comes a step earlier", () => {
    const [rate, later] = [0, 1].map((firstStep) =>
      scheduleOf("step 0.5 5,7", { ...course, firstStep: firstStep === 0 ? 0 : 1 }),
    );
    for (let step = 8; step < 40; step++) assert.equal(rate?.(step), later?.(step + 1));
    const cosine = scheduleOf("cosine", { ...course, warmup: 0, firstStep: 0 });
    assert.deepEqual([0, 20, 40].map(cosine), [8, 4, 0]);
  });

  it("ends a cosine at a share of the peak, and starts the warm-up where it is told", () => {
    assert.equal(scheduleOf("cosine 0.25", course)(41), 2);
    near(scheduleOf("cosine", { ...course, start: 4 })(2), 5);
  });

  it("steps after the epochs that are named", () => {
    const rate = scheduleOf("step 0.5 5,7", course);
    assert.deepEqual([8, 20, 21, 28, 29, 40].map(rate), [8, 8, 4, 4, 2, 2]);
  });

  it("decays exponentially, and stays constant", () => {
    const rate = scheduleOf("exponential 0.5 0.5", course);
    near(rate(10), 4);
    near(rate(12), 2);
    assert.deepEqual([8, 40].map(scheduleOf("constant", course)), [8, 8]);
  });

  for (const text of [
    "",
    "linear",
    "cosine x",
    "cosine 1 2",
    "cosine 1,2",
    "step 0.1",
    "step 60,75 0.2",
    "step 0.1 1",
    "step 0.1 7,5",
    "exponential 0.9",
    "exponential 0.9 0",
    "constant 1",
    "step 0.1 5 6",
  ]) {
    // prettier-ignore
    it(`refuses "${text}"`, () => {
      assert.throws(() => scheduleOf(text, course), ValueError);
    });
  }
});
