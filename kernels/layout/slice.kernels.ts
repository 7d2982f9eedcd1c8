import type { DType, Kernel, Numbers, Thread } from "../../engine/kernel.ts";
import { copyRows } from "./copy.cpu.ts";
import { padWgsl, sliceWgsl } from "./slice.wgsl.ts";

type SliceParam = "outer" | "length" | "start" | "count" | "inner";
type PadParam = SliceParam | "value";

/** y [outer, count, inner] = the entries from `start` on along the middle axis of x [outer, length, inner]. */
const sliceOf = (name: string, dtype: DType) =>
  ({
    name,
    inputs: { x: dtype },
    outputs: { y: dtype },
    params: ["outer", "length", "start", "count", "inner"],
    js: {
      y: function (this: Thread<SliceParam>, x: Numbers) {
        const row = Math.floor(this.thread.x / this.constants.inner);
        const column = this.thread.x - row * this.constants.inner;
        const outer = Math.floor(row / this.constants.count);
        const i = row - outer * this.constants.count + this.constants.start;
        return x[(outer * this.constants.length + i) * this.constants.inner + column]!;
      },
    },
    cpu: (machine, { outer, length, start, count, inner }, [x], [y]) => {
      const from = { at: x! + 4 * start * inner, stride: length * inner };
      copyRows(machine, outer, count * inner, from, { at: y!, stride: count * inner });
    },
    wgsl: sliceWgsl,
  }) satisfies Kernel<SliceParam>;

/** A slice along one axis, for each element type. */
export const sliceKernels = { f32: sliceOf("slice", "f32"), i32: sliceOf("sliceI32", "i32") };

/** The other way: x [outer, length, inner] = y [outer, count, inner] from `start` on along the middle axis, `value` around. */
export const padKernel = {
  name: "pad",
  inputs: { y: "f32" },
  outputs: { x: "f32" },
  params: ["outer", "length", "start", "count", "inner", "value"],
  js: {
    x: function (this: Thread<PadParam>, y: Numbers) {
      const row = Math.floor(this.thread.x / this.constants.inner);
      const column = this.thread.x - row * this.constants.inner;
      const outer = Math.floor(row / this.constants.length);
      const i = row - outer * this.constants.length - this.constants.start;
      let value = this.constants.value;
      if (i >= 0 && i < this.constants.count) {
        value = y[(outer * this.constants.count + i) * this.constants.inner + column]!;
      }
      return value;
    },
  },
  cpu: (machine, { outer, length, start, count, inner, value }, [y], [x]) => {
    machine.f32.fill(value, x! / 4, x! / 4 + outer * length * inner);
    const to = { at: x! + 4 * start * inner, stride: length * inner };
    copyRows(machine, outer, count * inner, { at: y!, stride: count * inner }, to);
  },
  wgsl: padWgsl,
} satisfies Kernel<PadParam>;
