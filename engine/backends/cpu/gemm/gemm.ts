/**
 * C = op(A) op(B): both operands are packed into panels, then blocks of C are computed tile by tile.
 *
 * Bound: 2 m n k operations, against 8 (m k + k n) bytes of packing and 4 m n bytes of C, read and written again for each
 * further block in k. For m = n = k = 1024 that is 2.1 GFLOP and 29 MB: 20 ms at 110 GFLOP/s and 1.5 ms at 20 GB/s.
 */
import { i32 } from "../assembler.ts";
import type { Func, ModuleBuilder } from "../assembler.ts";
import type { Machine } from "../machine.ts";
import { pack } from "./pack.ts";
import { minU, runTasks, Words } from "../task.ts";
import { B_STEP_BYTES, PACKED_A, TILE_COLUMNS, TILE_ROWS, tileFunction } from "./tile.ts";

/** A matrix product in memory: addresses of row-major matrices, and their sizes. */
export interface Gemm {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly a: number;
  readonly b: number;
  readonly c: number;
  /** Whether A is stored as [k, m]. */
  readonly transposeA: boolean;
  /** Whether B is stored as [n, k]. */
  readonly transposeB: boolean;
}

/**
 * A task computes a block of 64 x 64 elements of C. For one block of 512 steps in k its operands are twice 128 KiB, which
 * L2 holds, and a panel of B, 16 KiB, stays in L1 while the rows go by.
 */
const BLOCK_ROWS = 64;
const BLOCK_COLUMNS = 64;
const BLOCK_STEPS = 512;
/** Of a matrix with fewer blocks than this, the blocks are lower, so that many threads have work. */
const FEW_BLOCKS = 16;
const LOW_BLOCK_ROWS = 16;

const words = new Words(["a", "b", "c", "m", "n", "k", "blockRows", "columnBlocks"]);

/** Computes C = op(A) op(B) on all threads. Throws OutOfMemoryError if the packed operands find no room. */
export function gemm(machine: Machine, { m, n, k, a, b, c, transposeA, transposeB }: Gemm): void {
  const panelBytes = { a: k * PACKED_A.stepBytes, b: k * B_STEP_BYTES };
  const aBytes = Math.ceil(m / TILE_ROWS) * panelBytes.a;
  const packedA = machine.heap.alloc(aBytes + Math.ceil(n / TILE_COLUMNS) * panelBytes.b);
  const packedB = packedA + aBytes;
  try {
    pack(
      machine,
      { from: a, lineBytes: 4 * (transposeA ? m : k), interleave: !transposeA, places: m, steps: k },
      { to: packedA, panelBytes: panelBytes.a, width: TILE_ROWS },
    );
    pack(
      machine,
      { from: b, lineBytes: 4 * (transposeB ? k : n), interleave: transposeB, places: n, steps: k },
      { to: packedB, panelBytes: panelBytes.b, width: TILE_COLUMNS },
    );
    const columnBlocks = Math.ceil(n / BLOCK_COLUMNS);
    const few = Math.ceil(m / BLOCK_ROWS) * columnBlocks < FEW_BLOCKS;
    const blockRows = few ? LOW_BLOCK_ROWS : BLOCK_ROWS;
    const tasks = Math.ceil(m / blockRows) * columnBlocks;
    const args = words.list({ a: packedA, b: packedB, c, m, n, k, blockRows, columnBlocks });
    runTasks(machine, machine.program("gemm", gemmTask), tasks, args, 2 * m * n * k);
  } finally {
    machine.heap.free(packedA);
  }
}

/** A task is one block of C. */
function gemmTask(module: ModuleBuilder): void {
  const multiply = blockFunction(module);
  module.task((f, args, index) => {
    const word = words.reader(args);
    const row = f.let(i32.mul(i32.divU(index, word("columnBlocks")), word("blockRows")));
    const column = f.let(i32.mul(i32.remU(index, word("columnBlocks")), BLOCK_COLUMNS));
    const rowEnd = minU(i32.add(row, word("blockRows")), word("m"));
    const columnEnd = minU(i32.add(column, BLOCK_COLUMNS), word("n"));
    const sizes = [word("n"), word("k")] as const;
    f.call(multiply, word("a"), word("b"), word("c"), ...sizes, row, rowEnd, column, columnEnd);
  });
}

const blockParams = ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"] as const;

/** (a, b, c, n, k, row, rowEnd, column, columnEnd): from packed A and B the block row ... rowEnd by column ... columnEnd of C. */
export type BlockFunction = Func<typeof blockParams, undefined>;

/** Adds the function that computes a block of C [.., n]: over k in blocks, and in each of them tile by tile. */
export function blockFunction(module: ModuleBuilder): BlockFunction {
  const tile = tileFunction(module, PACKED_A);
  return module.func({ params: blockParams }, (f, a, b, c, n, k, row0, rowEnd, column0, columnEnd) => {
    const cRowBytes = f.let(i32.shl(n, 2));
    const k0 = f.let(i32.const(0));
    f.loop((nextBlock) => {
      const steps = f.let(minU(i32.sub(k, k0), i32.const(BLOCK_STEPS)));
      // Panels [k][width] follow one another, so that row 4 i begins at step 0 of panel i, 4 i * k elements on.
      const aBlock = f.let(i32.add(a, i32.mul(k0, PACKED_A.stepBytes)));
      const bBlock = f.let(i32.add(b, i32.mul(k0, B_STEP_BYTES)));
      f.forRange(column0, columnEnd, TILE_COLUMNS, (column) => {
        const bPanel = f.let(i32.add(bBlock, i32.shl(i32.mul(column, k), 2)));
        const cColumn = f.let(i32.add(c, i32.shl(column, 2)));
        const columns = f.let(i32.sub(columnEnd, column));
        f.forRange(row0, rowEnd, TILE_ROWS, (row) => {
          const aPanel = i32.add(aBlock, i32.shl(i32.mul(row, k), 2));
          const target = i32.add(cColumn, i32.mul(row, cRowBytes));
          f.call(tile, aPanel, 1, 0, steps, bPanel, target, cRowBytes, i32.sub(rowEnd, row), columns, k0);
        });
      });
      f.increment(k0, BLOCK_STEPS);
      f.brIf(nextBlock, i32.ltU(k0, k));
    });
  });
}
