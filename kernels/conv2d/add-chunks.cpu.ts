/** The last step of the gradient of the weights on the CPU: the sums of the chunks become dw. */
import { f32x4, i32, v128 } from "../../engine/backends/cpu/assembler.ts";
import type { ModuleBuilder } from "../../engine/backends/cpu/assembler.ts";
import { minU, Words } from "../../engine/backends/cpu/gemm/task.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";

/** The sums of all chunks, and where they go. */
interface Chunks {
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly inChannels: number;
  readonly outChannels: number;
  /** Number of chunks. */
  readonly shares: number;
  readonly sums: Pointer;
  readonly sumsBytes: number;
  readonly sumsRowBytes: number;
  /** Rows of sums for each ky: kernelWidth * inChannels, rounded up to whole tiles. */
  readonly groupRows: number;
  readonly dw: Pointer;
}

// prettier-ignore
const words = new Words([
  "rows", "windowRows", "groupRows", "outChannels", "shares", "sums", "sumsBytes", "sumsRowBytes", "dw", "rowsPerTask",
]);

/** A task reads about so many elements. */
const TASK_ELEMENTS = 8192;

/** Adds the sums, always in the same order, and drops the rows and columns that only fill tiles. */
export function addChunks(machine: Machine, chunks: Chunks): void {
  const windowRows = chunks.kernelWidth * chunks.inChannels;
  const rows = chunks.kernelHeight * windowRows;
  const rowsPerTask = Math.ceil(TASK_ELEMENTS / (chunks.outChannels * Math.max(1, chunks.shares) + 1));
  machine.parallel(
    machine.program("conv2dGradWeight add chunks", addChunksTask),
    Math.ceil(rows / rowsPerTask),
    words.list({ ...chunks, rows, windowRows, rowsPerTask }),
  );
}

function addChunksTask(module: ModuleBuilder): void {
  module.task((f, args, index) => {
    const word = words.reader(args);
    const first = f.let(i32.mul(index, word("rowsPerTask")));
    const rowBytes = f.let(i32.shl(word("outChannels"), 2));
    f.forRange(first, minU(i32.add(first, word("rowsPerTask")), word("rows")), 1, (row) => {
      const tapRow = i32.mul(i32.divU(row, word("windowRows")), word("groupRows"));
      const sumsRow = i32.add(tapRow, i32.remU(row, word("windowRows")));
      const from = f.let(i32.add(word("sums"), i32.mul(sumsRow, word("sumsRowBytes"))));
      const to = f.let(i32.add(word("dw"), i32.mul(row, rowBytes)));
      f.forRange(0, rowBytes, 16, (at) => {
        const sum = f.let(f32x4.const(0));
        const term = f.let(i32.add(from, at));
        f.forRange(0, word("shares"), 1, () => {
          f.set(sum, f32x4.add(sum, v128.load(term)));
          f.increment(term, word("sumsBytes"));
        });
        const left = f.let(i32.sub(rowBytes, at));
        f.if(
          i32.geU(left, 16),
          () => {
            f.store(i32.add(to, at), sum);
          },
          () => {
            for (const lane of [0, 1, 2]) {
              f.if(i32.gtU(left, 4 * lane), () => {
                f.storeLane(i32.add(to, at), sum, lane, 4 * lane);
              });
            }
          },
        );
      });
    });
  });
}
