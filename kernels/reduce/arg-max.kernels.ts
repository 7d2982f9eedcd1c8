import type { Kernel, Numbers, Thread } from "../../engine/kernel.ts";
import { argMaxOnCpu } from "./arg-max.cpu.ts";
import { argMaxWgsl } from "./arg-max.wgsl.ts";

type ArgMaxParam = "outer" | "length" | "inner";

/** Position of the largest element along the middle axis of x [outer, length, inner]; y is [outer, inner]. */
export const argMaxKernel = {
  name: "argMax",
  inputs: { x: "f32" },
  outputs: { y: "i32" },
  params: ["outer", "length", "inner"],
  js: {
    y: function (this: Thread<ArgMaxParam>, x: Numbers) {
      const outer = Math.floor(this.thread.x / this.constants.inner);
      const column = this.thread.x - outer * this.constants.inner;
      const first = outer * this.constants.length * this.constants.inner + column;
      let best = x[first]!;
      let position = 0;
      for (let i = 1; i < this.constants.length; i++) {
        const value = x[first + i * this.constants.inner]!;
        // A NaN (which differs from itself) beats every number, and no later NaN beats it.
        if (value > best || (value !== value && best === best)) {
          best = value;
          position = i;
        }
      }
      return position;
    },
  },
  cpu: (machine, params, [x], [y]) => {
    argMaxOnCpu(machine, params, x!, y!);
  },
  wgsl: argMaxWgsl,
} satisfies Kernel<ArgMaxParam>;
