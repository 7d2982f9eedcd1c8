import assert from "node:assert/strict";
import { backward } from "../../engine/autograd.ts";
import { tensor } from "../../engine/create.ts";
import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { mul, sum } from "../../kernels/index.ts";

/** The elements of a tensor. */
export const read = async (x: Tensor): Promise<number[]> => Array.from(await x.data());

/** Equal within 1e-12: all that f64 arithmetic may lose here. */
export function near(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    assert.ok(
      Math.abs(value - expected[i]!) < 1e-12,
      `expected [${expected.join()}], got [${actual.join()}]`,
    );
  });
}

/** Adds `gradient` to the parameter's: the derivative of w . gradient. */
export function pull(w: Tensor, gradient: readonly number[]): void {
  scope(() => { backward(sum(mul(w, tensor(gradient, w.shape)))); }); // prettier-ignore
}

/** The values of parameters, one list for all, after each step; `gradients` has those of each step and parameter. */
export async function steps(
  optimizer: { step(): void; zeroGrad(): void },
  parameters: readonly Tensor[],
  gradients: readonly (readonly (readonly number[])[])[],
): Promise<number[][]> {
  const values: number[][] = [];
  for (const ofStep of gradients) {
    parameters.forEach((w, i) => { pull(w, ofStep[i]!); }); // prettier-ignore
    optimizer.step();
    optimizer.zeroGrad();
    values.push((await Promise.all(parameters.map(read))).flat());
  }
  return values;
}
