/**
 * Schedules: the learning rate as a pure function of the step, so that a resumed run needs nothing but its step.
 * `optimizer.lr = schedule(step)` before each step. All begin with the same optional warm-up.
 */
import { ValueError } from "../engine/errors.ts";
import { checkNonNegative, checkPositiveInteger } from "./check.ts";

/** The learning rate of step 0, 1, 2, ... */
export type Schedule = (step: number) => number;

/** Options of all schedules. */
export interface ScheduleOptions {
  /** The learning rate at the end of the warm-up, which is that of step `warmupSteps`. */
  readonly peak: number;
  /** W: steps of linear warm-up, start + (peak - start) s / W for s < W. Default 0: none. */
  readonly warmupSteps?: number;
  /** The learning rate of step 0 where there is a warm-up. Default 0. */
  readonly start?: number;
}

/** peak from step W on. Throws ValueError for rates that are negative or not finite, or a bad number of steps. */
export const constantSchedule = (options: ScheduleOptions): Schedule =>
  afterWarmup("constantSchedule", options, () => options.peak);

/** Options of {@link stepSchedule}. */
export interface StepOptions extends ScheduleOptions {
  /** Steps, of the whole run, from which on the rate is smaller; in increasing order. */
  readonly milestones: readonly number[];
  /** What each milestone multiplies the rate by. Default 0.1. */
  readonly factor?: number;
}

/**
 * peak factor^k from step W on, where k of the milestones m have been reached (m <= s). Throws ValueError for rates or
 * factors that are negative or not finite, milestones that do not increase or lie in the warm-up, or a bad number of
 * steps.
 */
export function stepSchedule(options: StepOptions): Schedule {
  const { peak, warmupSteps = 0, milestones, factor = 0.1 } = options;
  checkNonNegative("stepSchedule", "factor", factor);
  const increase = milestones.every((milestone, i) => milestone > (milestones[i - 1] ?? warmupSteps - 1));
  if (!increase || !milestones.every(Number.isInteger)) {
    throw new ValueError(
      `stepSchedule: expected milestones to be increasing integers from ${warmupSteps} on, got [${milestones.join(", ")}]`,
    );
  }
  const reached = (step: number): number => milestones.filter((milestone) => milestone <= step).length;
  return afterWarmup("stepSchedule", options, (step) => peak * factor ** reached(step));
}

/** Options of {@link exponentialSchedule}. */
export interface ExponentialOptions extends ScheduleOptions {
  /** In how many steps the rate is multiplied by `factor`. */
  readonly every: number;
  readonly factor: number;
}

/**
 * peak factor^((s - W) / every) from step W on. Throws ValueError for rates or factors that are negative or not finite,
 * or a bad number of steps.
 */
export function exponentialSchedule(options: ExponentialOptions): Schedule {
  const { peak, warmupSteps = 0, every, factor } = options;
  checkNonNegative("exponentialSchedule", "factor", factor);
  checkPositiveInteger("exponentialSchedule", "every", every);
  return afterWarmup(
    "exponentialSchedule",
    options,
    (step) => peak * factor ** ((step - warmupSteps) / every),
  );
}

/** Options of {@link cosineSchedule}. */
export interface CosineOptions extends ScheduleOptions {
  /** T: the number of steps of the whole run, warm-up included. */
  readonly steps: number;
  /** The learning rate of step T, and of all beyond it. Default 0. */
  readonly end?: number;
}

/**
 * Half a cosine (Loshchilov and Hutter, "SGDR", ICLR 2017, without restarts):
 * end + (peak - end) (1 + cos(pi (s - W) / (T - W))) / 2 for W <= s < T, and end from step T on. Throws ValueError for
 * rates that are negative or not finite, or numbers of steps that do not fit together.
 */
export function cosineSchedule(options: CosineOptions): Schedule {
  const { peak, steps, warmupSteps = 0, end = 0 } = options;
  checkPositiveInteger("cosineSchedule", "steps", steps);
  checkNonNegative("cosineSchedule", "end", end);
  if (warmupSteps > steps) {
    throw new ValueError(
      `cosineSchedule: expected warmupSteps of at most ${steps} steps, got ${warmupSteps}`,
    );
  }
  return afterWarmup("cosineSchedule", options, (step) => {
    if (step >= steps) return end;
    const progress = (step - warmupSteps) / (steps - warmupSteps);
    return end + ((peak - end) * (1 + Math.cos(Math.PI * progress))) / 2;
  });
}

/** The warm-up, then `schedule`. */
function afterWarmup(who: string, options: ScheduleOptions, schedule: Schedule): Schedule {
  const { peak, warmupSteps = 0, start = 0 } = options;
  checkNonNegative(who, "peak", peak);
  checkNonNegative(who, "start", start);
  if (!Number.isInteger(warmupSteps) || warmupSteps < 0) {
    throw new ValueError(`${who}: expected warmupSteps to be an integer >= 0, got ${warmupSteps}`);
  }
  return (step) => (step < warmupSteps ? start + ((peak - start) * step) / warmupSteps : schedule(step));
}
