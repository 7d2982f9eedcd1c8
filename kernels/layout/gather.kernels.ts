import type { DType, Kernel, Numbers, Thread } from "../../engine/kernel.ts";
import { copyRows } from "./copy.cpu.ts";
import { gatherWgsl, scatterAddWgsl } from "./gather.wgsl.ts";

type GatherParam = "outer" | "length" | "count" | "inner";

/** y [outer, count, inner]: entry j along the middle axis is entry indices[j] of x [outer, length, inner]. */
const gatherOf = (name: string, dtype: DType) =>
  ({
    name,
    inputs: { x: dtype, indices: "i32" },
    outputs: { y: dtype },
    params: ["outer", "length", "count", "inner"],
    js: {
      y: function (this: Thread<GatherParam>, x: Numbers, indices: Numbers) {
        const row = Math.floor(this.thread.x / this.constants.inner);
        const column = this.thread.x - row * this.constants.inner;
        const outer = Math.floor(row / this.constants.count);
        const i = indices[row - outer * this.constants.count]!;
        return x[(outer * this.constants.length + i) * this.constants.inner + column]!;
      },
    },
    cpu: (machine, { outer, length, count, inner }, [x, indices], [y]) => {
      for (let j = 0; j < count; j++) {
        const i = machine.i32[indices! / 4 + j]!;
        const from = { at: x! + 4 * i * inner, stride: length * inner };
        copyRows(machine, outer, inner, from, { at: y! + 4 * j * inner, stride: count * inner });
      }
    },
    wgsl: gatherWgsl,
  }) satisfies Kernel<GatherParam>;

/** Entries along one axis by their indices, for each element type. */
export const gatherKernels = { f32: gatherOf("gather", "f32"), i32: gatherOf("gatherI32", "i32") };

/** y [outer, length, inner]: entry i along the middle axis is the sum of the entries j of x with indices[j] = i. */
export const scatterAddKernel = {
  name: "scatterAdd",
  inputs: { x: "f32", indices: "i32" },
  outputs: { y: "f32" },
  params: ["outer", "length", "count", "inner"],
  js: {
    y: function (this: Thread<GatherParam>, x: Numbers, indices: Numbers) {
      const row = Math.floor(this.thread.x / this.constants.inner);
      const column = this.thread.x - row * this.constants.inner;
      const outer = Math.floor(row / this.constants.length);
      const i = row - outer * this.constants.length;
      let sum = 0;
      for (let j = 0; j < this.constants.count; j++) {
        const target = indices[j]!;
        if (target === i) {
          sum += x[(outer * this.constants.count + j) * this.constants.inner + column]!;
        }
      }
      return sum;
    },
  },
  // Here in the order of the entries of x: each is added where it belongs. An index out of range belongs nowhere.
  cpu: (machine, { outer, length, count, inner }, [x, indices], [y]) => {
    const { f32, i32 } = machine;
    const [from, to] = [x! / 4, y! / 4];
    f32.fill(0, to, to + outer * length * inner);
    for (let row = 0; row < outer * count; row++) {
      const block = Math.floor(row / count);
      const i = i32[indices! / 4 + row - block * count]!;
      if (i < 0 || i >= length) continue;
      for (let c = 0; c < inner; c++)
        f32[to + (block * length + i) * inner + c]! += f32[from + row * inner + c]!;
    }
  },
  wgsl: scatterAddWgsl,
} satisfies Kernel<GatherParam>;
