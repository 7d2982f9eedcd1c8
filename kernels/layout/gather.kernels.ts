import type { DType, Kernel, Numbers, Thread } from "../../engine/kernel.ts";

type GatherParam = "length" | "count" | "inner";

/** y [outer, count, inner]: entry j along the middle axis is entry indices[j] of x [outer, length, inner]. */
const gatherOf = (name: string, dtype: DType) =>
  ({
    name,
    inputs: { x: dtype, indices: "i32" },
    outputs: { y: dtype },
    params: ["length", "count", "inner"],
    js: {
      y: function (this: Thread<GatherParam>, x: Numbers, indices: Numbers) {
        const row = Math.floor(this.thread.x / this.constants.inner);
        const column = this.thread.x - row * this.constants.inner;
        const outer = Math.floor(row / this.constants.count);
        const i = indices[row - outer * this.constants.count]!;
        return x[(outer * this.constants.length + i) * this.constants.inner + column]!;
      },
    },
  }) satisfies Kernel<GatherParam>;

/** Entries along one axis by their indices, for each element type. */
export const gatherKernels = { f32: gatherOf("gather", "f32"), i32: gatherOf("gatherI32", "i32") };

/** y [outer, length, inner]: entry i along the middle axis is the sum of the entries j of x with indices[j] = i. */
export const scatterAddKernel = {
  name: "scatterAdd",
  inputs: { x: "f32", indices: "i32" },
  outputs: { y: "f32" },
  params: ["length", "count", "inner"],
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
} satisfies Kernel<GatherParam>;
