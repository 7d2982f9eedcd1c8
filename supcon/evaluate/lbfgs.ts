/**
 * Limited-memory BFGS (Nocedal and Wright, "Numerical Optimization", 2nd edition, 2006, chapters 3 and 7): minimises a smooth
 * function of some thousands of variables by its gradient, without a learning rate. Vectors are on the host in double
 * precision; whoever computes the function chooses his own.
 */
import { checkPositive, checkPositiveInteger } from "../../nn/check.ts";

/** A function's value and its gradient at a point. */
export interface Evaluated {
  readonly value: number;
  readonly gradient: Float64Array;
}

/** Options of {@link minimize}. */
export interface LBFGSOptions {
  /** Steps at most. Default 500. */
  readonly iterations?: number;
  /** It is done where no component of the gradient is greater. Default 1e-5. */
  readonly tolerance?: number;
  /** Pairs of steps and changes of the gradient that are remembered. Default 10. */
  readonly history?: number;
  /** Called after each step, with its number from 1. What it throws ends the search. */
  readonly onIteration?: (iteration: number, value: number) => Promise<void> | void;
}

/** Where the search has ended. */
export interface Minimum {
  readonly x: Float64Array;
  readonly value: number;
  /** The greatest component of the gradient. */
  readonly gradientNorm: number;
  readonly iterations: number;
  /** Whether the gradient is as small as was asked for; if not, steps or the digits of the function were too few. */
  readonly converged: boolean;
}

/** A step s and the change y of the gradient over it, with 1 / (s y). */
interface Pair {
  readonly s: Float64Array;
  readonly y: Float64Array;
  readonly rho: number;
}

type Evaluate = (x: Float64Array) => Promise<Evaluated>;

/**
 * Goes downhill from `start` until the gradient vanishes, steps run out, or no step lowers the value any more. Throws
 * ValueError for options out of their range, and what `evaluate` throws.
 */
export async function minimize(
  evaluate: Evaluate,
  start: Float64Array,
  { iterations = 500, tolerance = 1e-5, history = 10, onIteration }: LBFGSOptions = {},
): Promise<Minimum> {
  checkPositiveInteger("minimize", "iterations", iterations);
  checkPositive("minimize", "tolerance", tolerance);
  checkPositiveInteger("minimize", "history", history);
  let [x, at] = [start, await evaluate(start)];
  const pairs: Pair[] = [];
  let iteration = 0;
  while (iteration < iterations && largest(at.gradient) > tolerance) {
    const direction = descent(at.gradient, pairs);
    const found = await lineSearch(evaluate, x, at, direction);
    if (!found) break;
    const s = direction.map((d) => found.step * d);
    const y = found.at.gradient.map((g, i) => g - (at.gradient[i] ?? 0));
    // By the curvature condition s y > 0, so that the approximate Hessian stays positive definite.
    pairs.push({ s, y, rho: 1 / dot(s, y) });
    if (pairs.length > history) pairs.shift();
    [x, at] = [found.x, found.at];
    iteration++;
    await onIteration?.(iteration, at.value);
  }
  const gradientNorm = largest(at.gradient);
  return { x, value: at.value, gradientNorm, iterations: iteration, converged: gradientNorm <= tolerance };
}

/**
 * -H g by the two-loop recursion (algorithm 7.4), where H is the inverse Hessian that the pairs approximate, from
 * H_0 = (s y) / (y y) I of the last one on.
 */
function descent(gradient: Float64Array, pairs: readonly Pair[]): Float64Array {
  const direction = gradient.map((g) => -g);
  const newestFirst = [...pairs].reverse().map((pair) => {
    const alpha = pair.rho * dot(pair.s, direction);
    addScaled(direction, -alpha, pair.y);
    return { ...pair, alpha };
  });
  const [last] = newestFirst;
  // Before anything is known of the curvature the first step is of length 1 at most.
  const scale = last ? 1 / (last.rho * dot(last.y, last.y)) : 1 / Math.max(1, Math.sqrt(dot(gradient, gradient))); // prettier-ignore
  for (let i = 0; i < direction.length; i++) direction[i] = scale * (direction[i] ?? 0);
  for (const { s, y, rho, alpha } of newestFirst.reverse()) {
    addScaled(direction, alpha - rho * dot(y, direction), s);
  }
  return direction;
}

/** Constants of the Wolfe conditions, as usual for quasi-Newton methods. */
const DECREASE = 1e-4;
const CURVATURE = 0.9;
/** Relative error of values. */
const ROUNDING = 1e-6;
/** By then the step is too small for double precision to tell. */
const HALVINGS = 50;

/**
 * A step t > 0 that fulfils the strong Wolfe conditions: with f(t) the value at x + t d,
 *
 *     f(t) <= f(0) + 1e-4 t f'(0)   and   |f'(t)| <= 0.9 |f'(0)|
 *
 * by bisection: where the first fails or the slope is too far up, such a step lies before t; where it is too far down,
 * behind. Near the minimum the digits of f do not suffice for the first: there its equivalent for a quadratic f,
 * f'(t) <= (2e-4 - 1) f'(0), will do (the approximate Wolfe conditions of Hager and Zhang, SIAM J. Optim. 16, 2005).
 * Returns null if no step is found.
 */
async function lineSearch(evaluate: Evaluate, x: Float64Array, from: Evaluated, direction: Float64Array) {
  const slope = dot(from.gradient, direction);
  let [low, high, step] = [0, Infinity, 1];
  for (let i = 0; i < HALVINGS; i++) {
    const next = x.map((value, k) => value + step * (direction[k] ?? 0));
    const at = await evaluate(next);
    const slopeThere = dot(at.gradient, direction);
    const isLevel = at.value <= from.value + ROUNDING * Math.abs(from.value);
    const decreases =
      at.value <= from.value + DECREASE * step * slope ||
      (isLevel && slopeThere <= (2 * DECREASE - 1) * slope);
    if (!decreases || slopeThere > CURVATURE * -slope) high = step;
    else if (slopeThere < CURVATURE * slope) low = step;
    else return { step, x: next, at };
    step = high === Infinity ? 2 * step : (low + high) / 2;
  }
  return null;
}

const largest = (v: Float64Array): number => v.reduce((most, each) => Math.max(most, Math.abs(each)), 0);

const dot = (a: Float64Array, b: Float64Array): number => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);

/** a += factor b */
function addScaled(a: Float64Array, factor: number, b: Float64Array): void {
  for (let i = 0; i < a.length; i++) a[i] = (a[i] ?? 0) + factor * (b[i] ?? 0);
}
