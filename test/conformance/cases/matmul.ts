import fc from "fast-check";
import type { ops } from "../../../kernels/index.ts";
import * as k from "../../../kernels/index.ts";
import { broadcasting, length } from "../case.ts";
import type { Case } from "../case.ts";

const letters = ["i", "j", "k", "l"];

/** One to three operands of einsum by the letters of their axes, those of the result, and a length for each letter. */
const equations = fc
  .record({
    operands: fc.array(fc.shuffledSubarray(letters), { minLength: 1, maxLength: 3 }),
    order: fc.shuffledSubarray(letters),
    sizes: fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 4, maxLength: 4 }),
  })
  .map(({ operands, order, sizes }) => {
    const output = order.filter((letter) => operands.flat().includes(letter));
    return {
      equation: `${operands.map((axes) => axes.join("")).join()}->${output.join("")}`,
      shapes: operands.map((axes) => axes.map((letter) => sizes[letters.indexOf(letter)]!)),
    };
  });

export const matmul: Record<keyof (typeof ops)["matmul"], Case> = {
  matmul: {
    examples: fc
      .record({
        batches: fc.oneof(fc.constant([[], []]), broadcasting(2)),
        m: length,
        n: fc.integer({ min: 1, max: 11 }),
        k: length,
        transposeA: fc.boolean(),
        transposeB: fc.boolean(),
      })
      .map(({ batches: [aBatch = [], bBatch = []], m, n, k: inner, ...options }) => ({
        shapes: [
          [...aBatch, ...(options.transposeA ? [inner, m] : [m, inner])],
          [...bBatch, ...(options.transposeB ? [n, inner] : [inner, n])],
        ],
        call: (a, b) => [k.matmul(a, b, options)],
      })),
  },
  einsum: {
    examples: equations.map(({ equation, shapes }) => ({
      shapes,
      call: (...operands) => [k.einsum(equation, ...operands)],
    })),
  },
};
