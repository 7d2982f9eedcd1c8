import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ValueError } from "../../engine/errors.ts";
import { constantSchedule, cosineSchedule, exponentialSchedule, stepSchedule } from "../../nn/schedule.ts";
import type { Schedule } from "../../nn/schedule.ts";
import { near } from "./support.ts";

const at = (schedule: Schedule, steps: readonly number[]) => steps.map(schedule);

const upTo = (n: number) => Array.from({ length: n }, (_, step) => step);

describe("schedules", () => {
  it("constant: the same everywhere, after a line from start", () => {
    assert.deepEqual(at(constantSchedule({ peak: 0.3 }), [0, 1, 1e6]), [0.3, 0.3, 0.3]);
    near(at(constantSchedule({ peak: 0.5, warmupSteps: 4 }), upTo(6)), [0, 0.125, 0.25, 0.375, 0.5, 0.5]);
    near(at(constantSchedule({ peak: 0.5, warmupSteps: 2, start: 0.1 }), upTo(4)), [0.1, 0.3, 0.5, 0.5]);
  });

  it("step: a factor at each milestone, which counts from the start of the run", () => {
    const schedule = stepSchedule({ peak: 5, milestones: [60, 75, 90], factor: 0.2 });
    near(at(schedule, [0, 59, 60, 74, 75, 89, 90, 1000]), [5, 5, 1, 1, 0.2, 0.2, 0.04, 0.04]);
    near(
      at(stepSchedule({ peak: 1, milestones: [3, 4], warmupSteps: 2 }), upTo(6)),
      [0, 0.5, 1, 0.1, 0.01, 0.01],
    );
    near(at(stepSchedule({ peak: 1, milestones: [2], warmupSteps: 2 }), upTo(4)), [0, 0.5, 0.1, 0.1]);
    near(at(stepSchedule({ peak: 1, milestones: [] }), upTo(3)), [1, 1, 1]);
  });

  it("exponential: a factor every so many steps, smoothly, from the end of the warm-up", () => {
    near(at(exponentialSchedule({ peak: 8, factor: 0.25, every: 2 }), upTo(5)), [8, 4, 2, 1, 0.5]);
    const warm = exponentialSchedule({ peak: 8, factor: 0.5, every: 1, warmupSteps: 2, start: 4 });
    near(at(warm, upTo(5)), [4, 6, 8, 4, 2]);
  });

  it("cosine without warm-up: peak, cosines of 0, 60, 90, 120 degrees, end", () => {
    const schedule = cosineSchedule({ peak: 1, steps: 6 });
    near(at(schedule, upTo(8)), [
      1,
      (1 + Math.sqrt(3) / 2) / 2,
      0.75,
      0.5,
      0.25,
      (1 - Math.sqrt(3) / 2) / 2,
      0,
      0,
    ]);
  });

  it("cosine with warm-up: a line from start to peak, then the cosine to end", () => {
    const schedule = cosineSchedule({ peak: 0.5, steps: 8, warmupSteps: 4, start: 0.1, end: 0.3 });
    const falling = [0.5, 0.4 + 0.1 * Math.SQRT1_2, 0.4, 0.4 - 0.1 * Math.SQRT1_2, 0.3, 0.3];
    near(at(schedule, upTo(10)), [0.1, 0.2, 0.3, 0.4, ...falling]);
  });

  it("is constant where peak, start and end are the same, and a line where warm-up is all", () => {
    const flat = cosineSchedule({ peak: 2, steps: 10, warmupSteps: 3, start: 2, end: 2 });
    for (let step = 0; step < 12; step++) assert.equal(flat(step), 2);
    const line = cosineSchedule({ peak: 1, steps: 4, warmupSteps: 4 });
    assert.deepEqual([0, 1, 2, 3, 4].map(line), [0, 0.25, 0.5, 0.75, 0]);
  });

  it("rises through the warm-up, never rises afterwards, and stays between its ends", () => {
    const rate = fc.double({ min: 0, max: 1, noNaN: true });
    const steps = fc.integer({ min: 1, max: 50 });
    fc.assert(
      fc.property(steps, fc.nat(50), rate, rate, rate, rate, (steps, warmup, a, start, end, factor) => {
        const warmupSteps = Math.min(warmup, steps);
        const peak = Math.max(a, start, end);
        const common = { peak, start, warmupSteps };
        const schedules = [
          { schedule: constantSchedule(common), floor: peak },
          { schedule: stepSchedule({ ...common, milestones: [steps, steps + 3], factor }), floor: 0 },
          { schedule: exponentialSchedule({ ...common, every: steps, factor }), floor: 0 },
          { schedule: cosineSchedule({ ...common, steps, end }), floor: end },
        ];
        for (const { schedule, floor } of schedules) {
          for (let step = 1; step <= steps + 5; step++) {
            const [before, now] = [schedule(step - 1), schedule(step)];
            assert.ok(now >= Math.min(start, floor) - 1e-12 && now <= peak + 1e-12);
            if (step < warmupSteps) assert.ok(now >= before - 1e-12);
            if (step > warmupSteps) assert.ok(now <= before + 1e-12);
          }
        }
      }),
    );
  });

  it("refuses what does not fit together", () => {
    const refused = <Options>(make: (options: Options) => Schedule, ...wrong: Options[]) => {
      for (const options of wrong) assert.throws(() => make(options), ValueError, JSON.stringify(options));
    };
    refused(
      constantSchedule,
      ...[{ peak: -1 }, { peak: NaN }, { peak: 1, start: Infinity }],
      ...[
        { peak: 1, warmupSteps: -1 },
        { peak: 1, warmupSteps: 2.5 },
      ],
    );
    refused(
      cosineSchedule,
      ...[
        { peak: -1, steps: 5 },
        { peak: 1, steps: 0 },
        { peak: 1, steps: 2.5 },
      ],
      ...[
        { peak: 1, steps: 5, warmupSteps: 6 },
        { peak: 1, steps: 5, end: NaN },
      ],
    );
    refused(
      stepSchedule,
      ...[
        { peak: 1, milestones: [2, 2] },
        { peak: 1, milestones: [2, 1] },
        { peak: 1, milestones: [1.5] },
      ],
      ...[
        { peak: 1, milestones: [3], warmupSteps: 4 },
        { peak: 1, milestones: [-1] },
      ],
      ...[
        { peak: 1, milestones: [1], factor: -1 },
        { peak: -1, milestones: [1] },
      ],
    );
    refused(
      exponentialSchedule,
      ...[
        { peak: 1, factor: NaN, every: 2 },
        { peak: 1, factor: 0.5, every: 0 },
        { peak: -1, factor: 1, every: 1 },
      ],
    );
  });
});
