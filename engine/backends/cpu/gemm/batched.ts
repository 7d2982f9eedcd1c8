/**
 * Many small matrix products of one size. Packing and multiplying each of them on all threads would be three jobs for each;
 * here all of them are one job, whose tasks pack and multiply whole products on their own, in scratch memory that L2 holds.
 */
import { i32 } from "../assembler.ts";
import type { FunctionBuilder, ModuleBuilder, Value } from "../assembler.ts";
import type { Machine } from "../machine.ts";
import { blockFunction, gemm } from "./gemm.ts";
import type { Gemm } from "./gemm.ts";
import { copyPanel, interleavePanel } from "./pack.ts";
import type { PanelFunction } from "./pack.ts";
import { minU, runTasks, Words } from "../task.ts";
import { B_STEP_BYTES, PACKED_A, TILE_COLUMNS, TILE_ROWS } from "./tile.ts";

/** Products of one size: where their operands are. The results follow one another from `c` on. */
export interface BatchedGemm extends Omit<Gemm, "a" | "b"> {
  readonly batch: number;
  /** Addresses of the operands of product i. */
  readonly operands: (i: number) => { readonly a: number; readonly b: number };
}

/** With fewer products, or larger packed operands, the products take their turn on all threads. */
const MANY = 8;
const SMALL_BYTES = 1 << 19;
/** At most so many tasks, each with its own scratch memory. */
const TASKS = 32;

// prettier-ignore
const words = new Words([
  "batch", "tasks", "addresses", "scratch", "scratchBytes", "packedB", "c", "cBytes",
  "m", "n", "k", "aLineBytes", "aNextBytes", "bLineBytes", "bNextBytes",
]);

/** Computes all products on all threads. Throws OutOfMemoryError if the packed operands find no room. */
export function batchedGemm(machine: Machine, products: BatchedGemm): void {
  const { batch, m, n, k, c, transposeA, transposeB } = products;
  const packedB = Math.ceil(m / TILE_ROWS) * k * PACKED_A.stepBytes;
  const scratchBytes = 64 * Math.ceil((packedB + Math.ceil(n / TILE_COLUMNS) * k * B_STEP_BYTES) / 64);
  if (batch < MANY || scratchBytes > SMALL_BYTES) {
    for (let i = 0; i < batch; i++)
      gemm(machine, { ...products, ...products.operands(i), c: c + 4 * i * m * n });
    return;
  }
  const tasks = Math.min(batch, TASKS);
  const scratch = machine.heap.alloc(tasks * scratchBytes + 8 * batch);
  try {
    const addresses = scratch + tasks * scratchBytes;
    for (let i = 0; i < batch; i++) {
      const { a, b } = products.operands(i);
      machine.i32[addresses / 4 + 2 * i] = a;
      machine.i32[addresses / 4 + 2 * i + 1] = b;
    }
    const program = machine.program(`batched gemm ${transposeA} ${transposeB}`, (module) => {
      batchedTask(module, transposeA, transposeB);
    });
    // prettier-ignore
    const args = words.list({
      batch, tasks, addresses, scratch, scratchBytes, packedB, c, cBytes: 4 * m * n, m, n, k,
      aLineBytes: 4 * (transposeA ? m : k),
      aNextBytes: TILE_ROWS * 4 * (transposeA ? 1 : k),
      bLineBytes: 4 * (transposeB ? k : n),
      bNextBytes: TILE_COLUMNS * 4 * (transposeB ? k : 1),
    });
    runTasks(machine, program, tasks, args, 2 * batch * m * n * k);
  } finally {
    machine.heap.free(scratch);
  }
}

/** A task packs and multiplies its share of the products, one after another. */
function batchedTask(module: ModuleBuilder, transposeA: boolean, transposeB: boolean): void {
  const packA = (transposeA ? copyPanel : interleavePanel)(module, TILE_ROWS);
  const packB = (transposeB ? interleavePanel : copyPanel)(module, TILE_COLUMNS);
  const multiply = blockFunction(module);
  module.task((f, args, index) => {
    const word = words.reader(args);
    const [m, n, k] = [f.let(word("m")), f.let(word("n")), f.let(word("k"))];
    const first = (task: Value<"i32">): Value<"i32"> => i32.divU(i32.mul(task, word("batch")), word("tasks"));
    const a = f.let(i32.add(word("scratch"), i32.mul(index, word("scratchBytes"))));
    const b = f.let(i32.add(a, word("packedB")));
    f.forRange(first(index), first(i32.add(index, 1)), 1, (i) => {
      const operands = f.let(i32.add(word("addresses"), i32.shl(i, 3)));
      const from = [i32.load(operands, 0), i32.load(operands, 4)] as const;
      const aLine = { bytes: word("aLineBytes"), nextBytes: word("aNextBytes") };
      const bLine = { bytes: word("bLineBytes"), nextBytes: word("bNextBytes") };
      packPanels(f, packA, TILE_ROWS, from[0], aLine, m, k, a);
      packPanels(f, packB, TILE_COLUMNS, from[1], bLine, n, k, b);
      f.call(multiply, a, b, i32.add(word("c"), i32.mul(i, word("cBytes"))), n, k, 0, m, 0, n);
    });
  });
}

/** Packs a whole matrix of `places` by `steps`. */
function packPanels(
  f: FunctionBuilder,
  pack: PanelFunction,
  width: number,
  matrix: Value<"i32">,
  line: { readonly bytes: Value<"i32">; readonly nextBytes: Value<"i32"> },
  places: Value<"i32">,
  steps: Value<"i32">,
  panels: Value<"i32">,
): void {
  const [from, to] = [f.let(matrix), f.let(panels)];
  f.forRange(0, places, width, (place) => {
    f.call(pack, from, line.bytes, steps, minU(i32.sub(places, place), i32.const(width)), to);
    f.increment(from, line.nextBytes);
    f.increment(to, i32.mul(steps, 4 * width));
  });
}
