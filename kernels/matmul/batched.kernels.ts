import { batchedGemm } from "../../engine/backends/cpu/gemm/batched.ts";
import type { Kernel, Numbers, Thread } from "../../engine/kernel.ts";
import { batchedMatmulWgsl } from "./matmul.wgsl.ts";

type BatchedParam =
  | ("m" | "n" | "k" | "transposeA" | "transposeB")
  | ("outer" | "inner" | "aOuter" | "aInner" | "bOuter" | "bInner");

/**
 * C[o, i] = op(A[p]) op(B[q]) for o < outer and i < inner, with C [outer, inner, m, n]: a product as in `matmul` for each
 * pair of matrices. Which ones tell the distances between them, in matrices: p = o * aOuter + i * aInner, and q likewise.
 * A distance of 0 takes the same matrix again.
 */
export const batchedMatmul = {
  name: "batchedMatmul",
  inputs: { a: "f32", b: "f32" },
  outputs: { c: "f32" },
  params: [
    ...(["m", "n", "k", "transposeA", "transposeB"] as const),
    ...(["outer", "inner", "aOuter", "aInner", "bOuter", "bInner"] as const),
  ],
  operations: ({ outer, inner, m, n, k }) => 2 * outer * inner * m * n * k,
  js: {
    c: function (this: Thread<BatchedParam>, a: Numbers, b: Numbers) {
      const line = Math.floor(this.thread.x / this.constants.n);
      const column = this.thread.x - line * this.constants.n;
      const matrix = Math.floor(line / this.constants.m);
      const row = line - matrix * this.constants.m;
      const outer = Math.floor(matrix / this.constants.inner);
      const inner = matrix - outer * this.constants.inner;
      const aMatrix = outer * this.constants.aOuter + inner * this.constants.aInner;
      const bMatrix = outer * this.constants.bOuter + inner * this.constants.bInner;
      let sum = 0;
      for (let i = 0; i < this.constants.k; i++) {
        let aIndex = row * this.constants.k + i;
        let bIndex = i * this.constants.n + column;
        if (this.constants.transposeA === 1) aIndex = i * this.constants.m + row;
        if (this.constants.transposeB === 1) bIndex = column * this.constants.k + i;
        sum +=
          a[aMatrix * this.constants.m * this.constants.k + aIndex]! *
          b[bMatrix * this.constants.k * this.constants.n + bIndex]!;
      }
      return sum;
    },
  },
  cpu: (machine, { outer, inner, aOuter, aInner, bOuter, bInner, ...sizes }, [a, b], [c]) => {
    const { m, n, k } = sizes;
    batchedGemm(machine, {
      ...{ m, n, k, batch: outer * inner, c: c! },
      transposeA: sizes.transposeA === 1,
      transposeB: sizes.transposeB === 1,
      operands: (i) => {
        const [o, rest] = [Math.floor(i / inner), i % inner];
        return {
          a: a! + 4 * m * k * (o * aOuter + rest * aInner),
          b: b! + 4 * k * n * (o * bOuter + rest * bInner),
        };
      },
    });
  },
  wgsl: batchedMatmulWgsl,
} satisfies Kernel<BatchedParam>;
