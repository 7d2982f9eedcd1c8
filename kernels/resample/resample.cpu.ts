/**
 * Resampling on the CPU: four neighbouring elements of the inner axes in the lanes of a vector.
 *
 * Bound: memory; or, for each element of M, two loads and a multiply-add for every four elements of y.
 */
import { f32x4, i32, v128 } from "../../engine/backends/cpu/assembler.ts";
import type { ModuleBuilder } from "../../engine/backends/cpu/assembler.ts";
import { minU, storeLanes, Words } from "../../engine/backends/cpu/task.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";

/** Addresses of the kernel's buffers. */
interface Buffers {
  readonly x: Pointer;
  readonly starts: Pointer;
  readonly columns: Pointer;
  readonly weights: Pointer;
  readonly y: Pointer;
}

/** A task computes about so many elements of y. */
const TASK_ELEMENTS = 8192;

// prettier-ignore
const words = new Words(["length", "count", "inner", "rows", "taskRows", "x", "starts", "columns", "weights", "y"]);

/** Computes y [outer, count, inner]; see `resampleKernel`. */
export function resampleOnCpu(
  machine: Machine,
  { outer, length, count, inner }: Readonly<Record<"outer" | "length" | "count" | "inner", number>>,
  buffers: Buffers,
): void {
  const rows = outer * count;
  const taskRows = Math.max(1, Math.floor(TASK_ELEMENTS / Math.max(1, inner)));
  const args = words.list({ length, count, inner, rows, taskRows, ...buffers });
  machine.parallel(machine.program("resample", resampleTask), Math.ceil(rows / taskRows), args);
}

/** A task computes some rows [inner] of y. */
function resampleTask(module: ModuleBuilder): void {
  module.task((f, args, index) => {
    const word = words.reader(args);
    const inner = f.let(word("inner"));
    const rowBytes = f.let(i32.shl(inner, 2));
    const first = f.let(i32.mul(index, word("taskRows")));
    f.forRange(first, minU(i32.add(first, word("taskRows")), word("rows")), 1, (row) => {
      const outer = i32.divU(row, word("count"));
      const block = f.let(i32.add(word("x"), i32.mul(i32.mul(outer, word("length")), rowBytes)));
      const start = f.let(i32.add(word("starts"), i32.shl(i32.remU(row, word("count")), 2)));
      const [from, to] = [f.let(i32.shl(i32.load(start), 2)), f.let(i32.shl(i32.load(start, 4), 2))];
      const y = f.let(i32.add(word("y"), i32.mul(row, rowBytes)));
      f.forRange(0, inner, 4, (element) => {
        const elementBytes = f.let(i32.shl(element, 2));
        const sum = f.let(f32x4.const(0));
        f.forRange(from, to, 4, (j) => {
          const column = i32.load(i32.add(word("columns"), j));
          const at = i32.add(i32.add(block, i32.mul(column, rowBytes)), elementBytes);
          f.set(sum, f.madd(v128.load32Splat(i32.add(word("weights"), j)), v128.load(at), sum));
        });
        storeLanes(f, f.let(i32.add(y, elementBytes)), sum, f.let(i32.sub(inner, element)));
      });
    });
  });
}
