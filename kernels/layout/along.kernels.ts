import type { Kernel, Numbers, Thread } from "../../engine/kernel.ts";
import { scatterAddAlongWgsl, takeAlongWgsl } from "./along.wgsl.ts";

type AlongParam = "outer" | "length" | "count" | "inner";

/** y [outer, count, inner]: along the middle axis, entry i of x [outer, length, inner], with i from indices, shaped like y. */
export const takeAlongKernel = {
  name: "takeAlong",
  inputs: { x: "f32", indices: "i32" },
  outputs: { y: "f32" },
  params: ["outer", "length", "count", "inner"],
  js: {
    y: function (this: Thread<AlongParam>, x: Numbers, indices: Numbers) {
      const row = Math.floor(this.thread.x / this.constants.inner);
      const column = this.thread.x - row * this.constants.inner;
      const outer = Math.floor(row / this.constants.count);
      const i = indices[this.thread.x]!;
      return x[(outer * this.constants.length + i) * this.constants.inner + column]!;
    },
  },
  cpu: ({ f32, i32 }, { outer, length, count, inner }, [x, indices], [y]) => {
    for (let row = 0; row < outer * count; row++) {
      const block = Math.floor(row / count) * length;
      for (let c = 0; c < inner; c++) {
        const i = i32[indices! / 4 + row * inner + c]!;
        f32[y! / 4 + row * inner + c] = f32[x! / 4 + (block + i) * inner + c]!;
      }
    }
  },
  wgsl: takeAlongWgsl,
} satisfies Kernel<AlongParam>;

/** Its transpose. y [outer, length, inner]: entry i of a column is the sum of those entries of x whose index is i. */
export const scatterAddAlongKernel = {
  name: "scatterAddAlong",
  inputs: { x: "f32", indices: "i32" },
  outputs: { y: "f32" },
  params: ["outer", "length", "count", "inner"],
  js: {
    y: function (this: Thread<AlongParam>, x: Numbers, indices: Numbers) {
      const row = Math.floor(this.thread.x / this.constants.inner);
      const column = this.thread.x - row * this.constants.inner;
      const outer = Math.floor(row / this.constants.length);
      const i = row - outer * this.constants.length;
      let sum = 0;
      for (let j = 0; j < this.constants.count; j++) {
        const at = (outer * this.constants.count + j) * this.constants.inner + column;
        const target = indices[at]!;
        if (target === i) {
          sum += x[at]!;
        }
      }
      return sum;
    },
  },
  // Here in the order of the entries of x: each is added where it belongs. An index out of range belongs nowhere.
  cpu: ({ f32, i32 }, { outer, length, count, inner }, [x, indices], [y]) => {
    f32.fill(0, y! / 4, y! / 4 + outer * length * inner);
    for (let row = 0; row < outer * count; row++) {
      const block = Math.floor(row / count) * length;
      for (let c = 0; c < inner; c++) {
        const i = i32[indices! / 4 + row * inner + c]!;
        if (i >= 0 && i < length) f32[y! / 4 + (block + i) * inner + c]! += f32[x! / 4 + row * inner + c]!;
      }
    }
  },
  wgsl: scatterAddAlongWgsl,
} satisfies Kernel<AlongParam>;
