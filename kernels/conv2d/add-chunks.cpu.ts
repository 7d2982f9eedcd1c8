/** The last step of the gradient of the weights on the CPU: the sums of the chunks become dw. */
import { f32x4, i32, v128 } from "../../engine/backends/cpu/assembler.ts";
import type { ModuleBuilder } from "../../engine/backends/cpu/assembler.ts";
import { minU, storeLanes, Words } from "../../engine/backends/cpu/task.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";

/** The sums of all chunks, and where they go. */
interface Chunks {
  /** Rows and columns of dw. */
  readonly rows: number;
  readonly outChannels: number;
  /** Number of chunks. */
  readonly shares: number;
  readonly sums: Pointer;
  readonly sumsBytes: number;
  readonly sumsRowBytes: number;
  /** Every `tapRows` rows of dw have `groupRows` rows of sums, a few more to fill whole tiles. */
  readonly tapRows: number;
  readonly groupRows: number;
  readonly dw: Pointer;
  readonly dwRowBytes: number;
}

// prettier-ignore
const words = new Words([
  "rows", "tapRows", "groupRows", "outChannels", "shares", "sums", "sumsBytes", "sumsRowBytes", "dw", "dwRowBytes", "rowsPerTask",
]);

/** A task reads about so many elements. */
const TASK_ELEMENTS = 8192;

/** Adds the sums, always in the same order, and drops the rows and columns that only fill tiles. */
export function addChunks(machine: Machine, chunks: Chunks): void {
  const rowsPerTask = Math.ceil(TASK_ELEMENTS / (chunks.outChannels * Math.max(1, chunks.shares) + 1));
  machine.parallel(
    machine.program("conv2dGradWeight add chunks", addChunksTask),
    Math.ceil(chunks.rows / rowsPerTask),
    words.list(Object.assign({ rowsPerTask }, chunks)),
  );
}

function addChunksTask(module: ModuleBuilder): void {
  module.task((f, args, index) => {
    const word = words.reader(args);
    const first = f.let(i32.mul(index, word("rowsPerTask")));
    const rowBytes = f.let(i32.shl(word("outChannels"), 2));
    f.forRange(first, minU(i32.add(first, word("rowsPerTask")), word("rows")), 1, (row) => {
      const tapRow = i32.mul(i32.divU(row, word("tapRows")), word("groupRows"));
      const sumsRow = i32.add(tapRow, i32.remU(row, word("tapRows")));
      const from = f.let(i32.add(word("sums"), i32.mul(sumsRow, word("sumsRowBytes"))));
      const to = f.let(i32.add(word("dw"), i32.mul(row, word("dwRowBytes"))));
      f.forRange(0, rowBytes, 16, (at) => {
        const sum = f.let(f32x4.const(0));
        const term = f.let(i32.add(from, at));
        f.forRange(0, word("shares"), 1, () => {
          f.set(sum, f32x4.add(sum, v128.load(term)));
          f.increment(term, word("sumsBytes"));
        });
        const left = f.let(i32.shrU(i32.sub(rowBytes, at), 2));
        storeLanes(f, f.let(i32.add(to, at)), sum, left);
      });
    });
  });
}
