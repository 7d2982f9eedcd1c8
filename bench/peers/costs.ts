/**
 * What slow libraries take for a call, roughly, so that nobody waits for what is known to take minutes. Rates are those
 * that they were seen to reach on two cores of 2026 without a GPU; on a GPU nothing is foretold.
 */
import type { Contestant } from "../measure/contestant.ts";
import { workOf } from "../problems/problem.ts";
import type { Problem } from "../problems/problem.ts";

/** 10^9 operations in a second; Infinity: fast enough, or refused at once. */
function rate({ name }: Pick<Contestant, "name">, problem: Problem): number {
  const { kind } = problem;
  const differentiates = kind === "training" || (kind === "conv2d" && problem.pass === "both");
  switch (name) {
    case "tfjs cpu":
      return differentiates ? 0.017 : kind === "supCon" ? 0.25 : 0.4;
    case "tfjs wasm":
      return kind === "supCon" ? 1 : Infinity;
    // The first call of a convolution takes several times as long as later ones: it is the first call that is told.
    case "jax-js wasm":
      return isConvolution(problem) ? 0.03 : 8;
    case "jax-js wasm threads":
      return isConvolution(problem) ? 0.07 : 16;
    case "js-pytorch cpu":
      return kind === "matmul" || kind === "supCon" ? 0.15 : Infinity;
    case "gpu.js cpu":
      return isForward(problem) ? 0.3 : Infinity;
    case "gpu.js webasm":
      return isForward(problem) ? 1 : Infinity;
    default:
      return Infinity;
  }
}

const isForward = (problem: Problem): boolean =>
  problem.kind === "matmul" || (problem.kind === "conv2d" && problem.pass === "forward");

const isConvolution = (problem: Problem): boolean =>
  problem.kind === "training" || (problem.kind === "conv2d" && problem.w[0] > 1);

/** Seconds of the first call, 0 where nothing is known. */
export function expectedSeconds(contestant: Pick<Contestant, "name">, problem: Problem): number {
  const { unit, amount } = workOf(problem);
  return unit === "operations" ? amount / 1e9 / rate(contestant, problem) : 0;
}
