import type { DType, Kernel, Numbers, Thread } from "../../engine/kernel.ts";
import { copyRows } from "./copy.cpu.ts";
import { concatWgsl } from "./concat.wgsl.ts";

type ConcatParam = "outer" | "aLength" | "bLength" | "inner";

/** y [outer, aLength + bLength, inner]: a [outer, aLength, inner] and then b [outer, bLength, inner]. */
const concatOf = (name: string, dtype: DType) =>
  ({
    name,
    inputs: { a: dtype, b: dtype },
    outputs: { y: dtype },
    params: ["outer", "aLength", "bLength", "inner"],
    js: {
      y: function (this: Thread<ConcatParam>, a: Numbers, b: Numbers) {
        const aRow = this.constants.aLength * this.constants.inner;
        const bRow = this.constants.bLength * this.constants.inner;
        const outer = Math.floor(this.thread.x / (aRow + bRow));
        const column = this.thread.x - outer * (aRow + bRow);
        let value = 0;
        if (column < aRow) {
          value = a[outer * aRow + column]!;
        } else {
          value = b[outer * bRow + column - aRow]!;
        }
        return value;
      },
    },
    cpu: (machine, { outer, aLength, bLength, inner }, [a, b], [y]) => {
      const [aRow, bRow] = [aLength * inner, bLength * inner];
      const stride = aRow + bRow;
      copyRows(machine, outer, aRow, { at: a!, stride: aRow }, { at: y!, stride });
      copyRows(machine, outer, bRow, { at: b!, stride: bRow }, { at: y! + 4 * aRow, stride });
    },
    wgsl: concatWgsl,
  }) satisfies Kernel<ConcatParam>;

/** Two tensors one after the other along one axis, for each element type. */
export const concatKernels = { f32: concatOf("concat", "f32"), i32: concatOf("concatI32", "i32") };
