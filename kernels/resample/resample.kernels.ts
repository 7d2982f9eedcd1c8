import type { Kernel, Numbers, Thread } from "../../engine/kernel.ts";
import { resampleOnCpu } from "./resample.cpu.ts";
import { resampleWgsl } from "./resample.wgsl.ts";

type ResampleParam = "outer" | "length" | "count" | "inner";

/**
 * y [outer, count, inner] = M x along the middle axis of x [outer, length, inner], where M [count, length] is sparse: row i
 * has the elements weights[j] in the columns columns[j], for starts[i] <= j < starts[i + 1].
 */
export const resampleKernel = {
  name: "resample",
  inputs: { x: "f32", starts: "i32", columns: "i32", weights: "f32" },
  outputs: { y: "f32" },
  params: ["outer", "length", "count", "inner"],
  js: {
    y: function (
      this: Thread<ResampleParam>,
      x: Numbers,
      starts: Numbers,
      columns: Numbers,
      weights: Numbers,
    ) {
      const row = Math.floor(this.thread.x / this.constants.inner);
      const column = this.thread.x - row * this.constants.inner;
      const outer = Math.floor(row / this.constants.count);
      const i = row - outer * this.constants.count;
      const first = starts[i]!;
      const end = starts[i + 1]!;
      let sum = 0;
      for (let j = first; j < end; j++) {
        sum +=
          weights[j]! * x[(outer * this.constants.length + columns[j]!) * this.constants.inner + column]!;
      }
      return sum;
    },
  },
  cpu: (machine, params, [x, starts, columns, weights], [y]) => {
    resampleOnCpu(machine, params, { x: x!, starts: starts!, columns: columns!, weights: weights!, y: y! });
  },
  wgsl: resampleWgsl,
} satisfies Kernel<ResampleParam>;
