/** Schedules: the learning rate as a pure function of the step, so that a resumed run needs nothing but its step. */
import { ValueError } from "../engine/errors.ts";
import { checkNonNegative, checkPositiveInteger } from "./check.ts";

/** The learning rate of step 0, 1, 2, ... */
export type Schedule = (step: number) => number;

/** The same learning rate at every step. Throws ValueError unless it is finite and >= 0. */
export function constantSchedule(lr: number): Schedule {
  checkNonNegative("constantSchedule", "lr", lr);
  return () => lr;
}

/** Options of {@link cosineSchedule}. */
export interface CosineOptions {
  /** The greatest learning rate: that of step `warmupSteps`. */
  readonly peak: number;
  /** T: the number of steps of the whole run, warm-up included. */
  readonly steps: number;
  /** W: steps of linear warm-up, at most `steps`. Default 0: none. */
  readonly warmupSteps?: number;
  /** The learning rate of step 0 where there is a warm-up. Default 0. */
  readonly start?: number;
  /** The learning rate of step T, and of all beyond it. Default 0. */
  readonly end?: number;
}

/**
 * Linear warm-up, then half a cosine (Loshchilov and Hutter, "SGDR", ICLR 2017, without restarts):
 *
 *   s < W:       start + (peak - start) s / W
 *   W <= s < T:  end + (peak - end) (1 + cos(pi (s - W) / (T - W))) / 2
 *   T <= s:      end
 *
 * Throws ValueError for rates that are negative or not finite, or numbers of steps that do not fit together.
 */
export function cosineSchedule(options: CosineOptions): Schedule {
  const { peak, steps, warmupSteps = 0, start = 0, end = 0 } = options;
  checkPositiveInteger("cosineSchedule", "steps", steps);
  for (const [name, rate] of Object.entries({ peak, start, end })) {
    checkNonNegative("cosineSchedule", name, rate);
  }
  if (!Number.isInteger(warmupSteps) || warmupSteps < 0 || warmupSteps > steps) {
    throw new ValueError(
      `cosineSchedule: expected warmupSteps to be an integer from 0 to ${steps}, got ${warmupSteps}`,
    );
  }
  return (step) => {
    if (step < warmupSteps) return start + ((peak - start) * step) / warmupSteps;
    if (step >= steps) return end;
    const progress = (step - warmupSteps) / (steps - warmupSteps);
    return end + ((peak - end) * (1 + Math.cos(Math.PI * progress))) / 2;
  };
}
