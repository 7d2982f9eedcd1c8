import type { Kernel, Numbers, Thread } from "../../engine/kernel.ts";
import { cumsumWgsl } from "./cumsum.wgsl.ts";

type CumsumParam = "outer" | "length" | "inner" | "reverse";

/**
 * y [outer, length, inner]: the sum of the entries up to each one, itself included, along the middle axis of x; with
 * reverse = 1 of those from it on.
 */
export const cumsumKernel = {
  name: "cumsum",
  inputs: { x: "f32" },
  outputs: { y: "f32" },
  params: ["outer", "length", "inner", "reverse"],
  js: {
    y: function (this: Thread<CumsumParam>, x: Numbers) {
      const row = Math.floor(this.thread.x / this.constants.inner);
      const column = this.thread.x - row * this.constants.inner;
      const outer = Math.floor(row / this.constants.length);
      const own = row - outer * this.constants.length;
      let from = 0;
      let to = own + 1;
      if (this.constants.reverse === 1) {
        from = own;
        to = this.constants.length;
      }
      let sum = 0;
      for (let i = from; i < to; i++) {
        sum += x[(outer * this.constants.length + i) * this.constants.inner + column]!;
      }
      return sum;
    },
  },
  // One running sum for each column, in double precision: it is as long as the axis.
  cpu: ({ f32 }, { outer, length, inner, reverse }, [x], [y]) => {
    const sums = new Float64Array(inner);
    for (let block = 0; block < outer; block++) {
      sums.fill(0);
      for (let step = 0; step < length; step++) {
        const i = reverse === 1 ? length - 1 - step : step;
        const row = (block * length + i) * inner;
        for (let c = 0; c < inner; c++) {
          sums[c]! += f32[x! / 4 + row + c]!;
          f32[y! / 4 + row + c] = sums[c]!;
        }
      }
    }
  },
  wgsl: cumsumWgsl,
} satisfies Kernel<CumsumParam>;
