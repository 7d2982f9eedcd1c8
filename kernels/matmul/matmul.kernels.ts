import { gemm } from "../../engine/backends/cpu/gemm/gemm.ts";
import type { Kernel, Numbers, Thread } from "../../engine/kernel.ts";
import { matmulWgsl } from "./matmul.wgsl.ts";

type MatmulParam = "m" | "n" | "k" | "transposeA" | "transposeB";

/**
 * C = op(A) op(B) with C [m, n], op(A) [m, k] and op(B) [k, n], row-major, where op is the transpose if its flag is 1:
 * then A is stored as [k, m], B as [n, k].
 */
export const matmul = {
  name: "matmul",
  inputs: { a: "f32", b: "f32" },
  outputs: { c: "f32" },
  params: ["m", "n", "k", "transposeA", "transposeB"],
  operations: ({ m, n, k }) => 2 * m * n * k,
  js: {
    c: function (this: Thread<MatmulParam>, a: Numbers, b: Numbers) {
      const row = Math.floor(this.thread.x / this.constants.n);
      const column = this.thread.x - row * this.constants.n;
      let sum = 0;
      for (let i = 0; i < this.constants.k; i++) {
        let aIndex = row * this.constants.k + i;
        let bIndex = i * this.constants.n + column;
        if (this.constants.transposeA === 1) aIndex = i * this.constants.m + row;
        if (this.constants.transposeB === 1) bIndex = column * this.constants.k + i;
        sum += a[aIndex]! * b[bIndex]!;
      }
      return sum;
    },
  },
  cpu: (machine, { m, n, k, transposeA, transposeB }, [a, b], [c]) => {
    gemm(machine, {
      m,
      n,
      k,
      a: a!,
      b: b!,
      c: c!,
      transposeA: transposeA === 1,
      transposeB: transposeB === 1,
    });
  },
  wgsl: matmulWgsl,
} satisfies Kernel<MatmulParam>;
