/**
 * C = op(A) op(B): both operands are packed into panels, then blocks of C are computed tile by tile.
 *
 * Ideal cost: 2 m n k operations against 8 (m k + k n) bytes of packing and 4 m n bytes of C, read and written again for
 * each further block in k. For m = n = k = 1024: 2.1 GFLOP and 24 MB, that is 20 ms at 110 GFLOP/s and 1.2 ms at 20 GB/s.
 */
import { i32 } from "../assembler.ts";
import type { ModuleBuilder } from "../assembler.ts";
import type { Machine } from "../machine.ts";
import { pack } from "./pack.ts";
import { minU, Words } from "./task.ts";
import { B_STEP_BYTES, PACKED_A, TILE_COLUMNS, TILE_ROWS, tileFunction } from "./tile.ts";

/** A matrix product in memory: addresses of row-major matrices and their sizes. */
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
 * A task computes a block of C of 16 x 8 tiles: 64 x 64. For one block of 512 steps in k its operands are two times
 * 128 KiB, which L2 holds, and a panel of B, 16 KiB, stays in L1 while the rows go by.
 */
const BLOCK_ROWS = 16;
const BLOCK_COLUMNS = 8;
const BLOCK_STEPS = 512;

const words = new Words([
XX]);

/** Computes C = op(A) op(B) on all threads. Throws OutOfMemoryError if the packed operands find no room. */
export function gemm(machine: Machine, { m, n, k, a, b, c, transposeA, transposeB }: Gemm): void {
  const [rowPanels, columnPanels] = [Math.ceil(m / TILE_ROWS), Math.ceil(n / TILE_COLUMNS)];
  const [aPanelBytes, bPanelBytes] = [k * PACKED_A.stepBytes, k * B_STEP_BYTES];
  const aBytes = rowPanels * aPanelBytes;
  const packedA = machine.heap.alloc(aBytes + columnPanels * bPanelBytes);
  const packedB = packedA + aBytes;
  try {
    const [widthA, widthB] = [TILE_ROWS, TILE_COLUMNS];
    pack(machine, {
      ...{ width: widthA, interleave: !transposeA, from: a, lineBytes: 4 * (transposeA ? m : k) },
      ...{ steps: k, places: m, to: packedA, panelBytes: aPanelBytes },
    });
    pack(machine, {
      ...{ width: widthB, interleave: transposeB, from: b, lineBytes: 4 * (transposeB ? k : n) },
      ...{ steps: k, places: n, to: packedB, panelBytes: bPanelBytes },
    });
    const columnBlocks = Math.ceil(columnPanels / BLOCK_COLUMNS);
    const blockRows = rowPanels * columnBlocks < FEW_BLOCKS * BLOCK_ROWS ? BLOCK_ROWS / 4 : BLOCK_ROWS;
    const tasks = Math.ceil(rowPanels / blockRows) * columnBlocks;
    const args = words.list({ a: packedA, b: packedB, c, m, n, k, blockRows, columnBlocks });
    runTasks(machine, machine.program("gemm", gemmTask), tasks, args, 2 * m * n * k);
  } finally {
    machine.heap.free(packedA);
  }
}

function gemmTask(module: ModuleBuilder): void {
  const tile = tileFunction(module, PACKED_A);
  module.task((f, args, index) => {
    const word = words.reader(args);
    const [m, n, k] = [f.let(word("m")), f.let(word("n")), f.let(word("k"))];
    const firstRow = f.let(i32.mul(i32.divU(index, word("columnBlocks")), BLOCK_ROWS * TILE_ROWS));
    const firstColumn = f.let(i32.mul(i32.remU(index, word("columnBlocks")), BLOCK_COLUMNS * TILE_COLUMNS));
    const lastRow = f.let(i32.add(firstRow, BLOCK_ROWS * TILE_ROWS));
    const lastColumn = f.let(i32.add(firstColumn, BLOCK_COLUMNS * TILE_COLUMNS));
    f.set(lastRow, minU(lastRow, m));
    f.set(lastColumn, minU(lastColumn, n));
    const cRowBytes = f.let(i32.shl(n, 2));
    const start = f.let(i32.const(0));
    f.loop((next) => {
      const steps = f.let(i32.sub(k, start));
      const full = f.let(i32.const(BLOCK_STEPS));
      f.set(steps, minU(steps, full));
      f.forRange(firstColumn, lastColumn, TILE_COLUMNS, (column) => {
        // b + (column / 8) * panel + start * 32, the panel being k * 32 bytes
        const b = f.let(
          i32.add(word("b"), i32.add(i32.mul(column, i32.shl(k, 2)), i32.mul(start, B_STEP_BYTES))),
        );
        const columns = f.let(i32.sub(n, column));
        f.forRange(firstRow, lastRow, TILE_ROWS, (row) => {
          const a = i32.add(
            word("a"),
            i32.add(i32.mul(row, i32.shl(k, 2)), i32.mul(start, PACKED_A.stepBytes)),
          );
          const c = i32.add(word("c"), i32.add(i32.mul(row, cRowBytes), i32.shl(column, 2)));
          f.call(tile, a, 1, 0, steps, b, c, cRowBytes, i32.sub(m, row), columns, start);
        });
      });
      f.increment(start, BLOCK_STEPS);
      f.brIf(next, i32.ltU(start, k));
    });
  });
}
