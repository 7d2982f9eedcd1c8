import { ValueError } from "../../engine/errors.ts";
import { constantSchedule, cosineSchedule, exponentialSchedule, stepSchedule } from "../../nn/index.ts";
import type { Schedule, ScheduleOptions } from "../../nn/index.ts";

/** How a schedule is told, for help and messages. */
export const scheduleForms =
  "cosine, cosine END, step FACTOR EPOCH,EPOCH,..., exponential FACTOR EPOCHS or constant";

/** The course of a training that a schedule is for. */
export interface Course {
  /** Greatest learning rate: that at the end of the warm-up. */
  readonly peak: number;
  readonly epochs: number;
  readonly stepsPerEpoch: number;
  /** Epochs of linear warm-up; may be a fraction. */
  readonly warmup: number;
  /** The learning rate of step 0 where there is a warm-up. */
  readonly start: number;
  /** Number of the first step. Default 1: that of step 0, the beginning itself, is not used. */
  readonly firstStep?: 0 | 1;
}

/**
 * The learning rate of T steps by a text, all times in epochs:
 *
 *     cosine                        to 0
 *     cosine 0.001                  to 0.001 times the greatest rate
 *     step 0.2 60,75,90             times 0.2 after each of these epochs
 *     exponential 0.97 0.5          times 0.97 within each half epoch
 *     constant
 *
 * Steps are counted from 1: step 0 and, of a cosine, step T + 1 are its ends, so that with ends of 0 no step is in vain; or
 * from 0, and then a cosine ends with step T. Throws ValueError for another text, and for numbers that do not fit.
 */
export function scheduleOf(text: string, course: Course): Schedule {
  const { peak, epochs, stepsPerEpoch, warmup, start, firstStep = 1 } = course;
  const steps = epochs * stepsPerEpoch;
  const warmupSteps = Math.min(steps, Math.round(warmup * stepsPerEpoch));
  const options: ScheduleOptions = { peak, warmupSteps, start };
  const inSteps = (epoch: number): number => Math.round(epoch * stepsPerEpoch);
  const [form, ...words] = text.trim().split(/\s+/);
  const lists = words.map((word) => word.split(",").map(Number));
  const [[first, ...none] = [], second = [], ...more] = lists;
  const isSound = lists.flat().every((x) => x >= 0 && x < Infinity) && !none.length && !more.length;
  if (isSound && form === "constant" && !words.length) return constantSchedule(options);
  if (isSound && form === "cosine" && !second.length) {
    return cosineSchedule({ ...options, steps: steps + firstStep, end: peak * (first ?? 0) });
  }
  if (isSound && form === "step" && first !== undefined && second.length > 0) {
    // A milestone is the first step of the epochs after it.
    return stepSchedule({ ...options, factor: first, milestones: second.map((e) => inSteps(e) + firstStep) });
  }
  if (
    isSound &&
    form === "exponential" &&
    first !== undefined &&
    second.length === 1 &&
    inSteps(second[0] ?? 0) > 0
  ) {
    return exponentialSchedule({ ...options, factor: first, every: inSteps(second[0] ?? 0) });
  }
  throw new ValueError(`schedule: expected ${scheduleForms}, got "${text}"`);
}
