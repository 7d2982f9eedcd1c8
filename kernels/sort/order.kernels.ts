import type { Kernel, Numbers, Thread } from "../../engine/kernel.ts";
import { orderColumns } from "./order.cpu.ts";
import { orderWgsl } from "./order.wgsl.ts";

type OrderParam = "outer" | "length" | "count" | "inner" | "descending";

/**
 * y [outer, count, inner]: position of the first, second, ... entry along the middle axis of x [outer, length, inner] in
 * ascending order, or in descending order. Equal ones stand in the order of their positions; NaN counts as larger than
 * every number.
 */
export const orderKernel = {
  name: "order",
  inputs: { x: "f32" },
  outputs: { y: "i32" },
  params: ["outer", "length", "count", "inner", "descending"],
  js: {
    y: function (this: Thread<OrderParam>, x: Numbers) {
      const row = Math.floor(this.thread.x / this.constants.inner);
      const column = this.thread.x - row * this.constants.inner;
      const outer = Math.floor(row / this.constants.count);
      const rank = row - outer * this.constants.count;
      const first = outer * this.constants.length * this.constants.inner + column;
      let position = 0;
      // The entry that has as many before it as its rank.
      for (let i = 0; i < this.constants.length; i++) {
        const value = x[first + i * this.constants.inner]!;
        let before = 0;
        for (let j = 0; j < this.constants.length; j++) {
          const other = x[first + j * this.constants.inner]!;
          // A NaN differs from itself.
          let comparison = 0;
          if (other < value || (value !== value && other === other)) comparison = -1;
          if (other > value || (other !== other && value === value)) comparison = 1;
          if (this.constants.descending === 1) comparison = -comparison;
          if (comparison < 0 || (comparison === 0 && j < i)) before += 1;
        }
        if (before === rank) position = i;
      }
      return position;
    },
  },
  cpu: orderColumns,
  wgsl: orderWgsl,
} satisfies Kernel<OrderParam>;
