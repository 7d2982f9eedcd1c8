import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { tensor } from "../../engine/create.ts";
import { sizeOf, stridesOf } from "../../engine/shape.ts";
import * as k from "../../kernels/index.ts";
import { assertTensor, checkGradients, distinct, seeds, useReference, values } from "./helpers.ts";

beforeEach(useReference);

const letters = ["a", "b", "c", "d"];

/** A loop over all letters at once: what the notation means. */
function naive(inputs: string[][], output: string[], sizes: Record<string, number>, operands: number[][]): number[] {
  const all = [...new Set(inputs.flat())];
  const shape = (axes: string[]) => axes.map((letter) => sizes[letter]!);
  const result = new Array<number>(sizeOf(shape(output))).fill(0);
  for (let flat = 0; flat < sizeOf(shape(all)); flat++) {
    const at: Record<string, number> = {};
    let rest = flat;
    for (const letter of all) {
      at[letter] = rest % sizes[letter]!;
      rest = Math.floor(rest / sizes[letter]!);
    }
    const offset = (axes: string[]) => stridesOf(shape(axes)).reduce((sum, stride, i) => sum + stride * at[axes[i]!]!, 0);
    result[offset(output)]! += inputs.reduce((product, axes, i) => product * operands[i]![offset(axes)]!, 1);
  }
  return result;
} // prettier-ignore

describe("einsum", () => {
  it("by hand", async () => {
    const [a, b] = [tensor([1, 2, 3, 4, 5, 6], [2, 3]), tensor([1, 0, -1])];
    await assertTensor(k.einsum("ij,j->i", a, b), [2], [-2, -2]);
    await assertTensor(k.einsum("ij,j", a, b), [2], [-2, -2]);
    await assertTensor(k.einsum("ij->ji", a), [3, 2], [1, 4, 2, 5, 3, 6]);
    await assertTensor(k.einsum("ba", a), [3, 2], [1, 4, 2, 5, 3, 6]);
    await assertTensor(k.einsum("ij->j", a), [3], [5, 7, 9]);
    await assertTensor(k.einsum("ij->", a), [], [21]);
    await assertTensor(k.einsum("i , j -> i j", tensor([1, 2]), b), [2, 3], [1, 0, -1, 2, 0, -2]);
    await assertTensor(k.einsum("ij,ij,j->i", a, a, b), [2], [1 - 9, 16 - 36]);
    await assertTensor(k.einsum("bij,bjk->bik", tensor([1, 2, 3, 4], [2, 1, 2]), tensor([1, 1, 2, 2], [2, 2, 1])), [2, 1, 1], [3, 14]); // prettier-ignore
    await assertTensor(k.einsum(",i->i", tensor(2), b), [3], [2, 0, -2]);
  });
  it("is the loop over all letters, with its gradients", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.shuffledSubarray(letters), { minLength: 1, maxLength: 3 }),
        fc.shuffledSubarray(letters),
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 4, maxLength: 4 }),
        seeds,
        async (inputs, order, lengths, seed) => {
          const sizes = Object.fromEntries(letters.map((letter, i) => [letter, lengths[i]!]));
          const output = order.filter((letter) => inputs.flat().includes(letter));
          const shape = (axes: string[]) => axes.map((letter) => sizes[letter]!);
          const operands = distinct(seed, ...inputs.map(shape));
          const equation = `${inputs.map((axes) => axes.join("")).join()}->${output.join("")}`;
          const expected = naive(inputs, output, sizes, await Promise.all(operands.map(values)));
          const close = k.einsum(equation, ...operands);
          await assertTensor(close, shape(output), expected);
          if (operands.reduce((total, { size }) => total + size, 0) < 40)
            await checkGradients((...xs) => k.einsum(equation, ...xs), operands);
        },
      ),
      { numRuns: 60 },
    );
  });
});
