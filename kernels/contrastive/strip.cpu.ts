/**
 * Similarities on the CPU, a strip at a time: 4 rows of Z Z^T (one row panel of the micro-kernel) by up to 512 columns,
 * 8 KiB in a task's own scratch memory, so that what is done with them finds them in L1. The M x M matrix never exists.
 *
 * A task goes through the strips of some row panels. Their number depends on M alone.
 */
import { f32, f32x4, i32, i32x4, v128 } from "../../engine/backends/cpu/assembler.ts";
import type { FunctionBuilder, Local, ModuleBuilder, Value } from "../../engine/backends/cpu/assembler.ts";
import { pack } from "../../engine/backends/cpu/gemm/pack.ts";
import { minU } from "../../engine/backends/cpu/task.ts";
import {
  B_STEP_BYTES,
  PACKED_A,
  TILE_COLUMNS,
  TILE_ROWS,
  tileFunction,
} from "../../engine/backends/cpu/gemm/tile.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";

const STRIP_COLUMNS = 512;
/** Bytes from one row of a strip to the next. */
export const STRIP_ROW_BYTES = 4 * STRIP_COLUMNS;
const STRIP_BYTES = TILE_ROWS * STRIP_ROW_BYTES;
const TASKS = 64;

/** Argument words that tell a task of its strips. */
export const stripWords = [
  ...(["rows", "features", "panels", "tasks", "packedA", "packedB", "strips"] as const),
  ...(["classes", "inverseTemperature"] as const),
] as const;
type Reader = (name: (typeof stripWords)[number]) => Value<"i32">;

/** What the words of {@link stripWords} stand for, but those that a kernel knows itself. */
export interface Strips {
  readonly panels: number;
  readonly tasks: number;
  /** Z in row panels [features][4], and its transpose in column panels [features][8]. */
  readonly packedA: Pointer;
  readonly packedB: Pointer;
  readonly strips: Pointer;
}

/** Packs z [rows, features] on both sides and runs `body`; the memory is given back afterwards. */
export function withStrips(
  machine: Machine,
  z: Pointer,
  rows: number,
  features: number,
  body: (strips: Strips) => void,
): void {
  const [panels, columnPanels] = [Math.ceil(rows / TILE_ROWS), Math.ceil(rows / TILE_COLUMNS)];
  const tasks = Math.min(panels, TASKS);
  const [aBytes, bBytes] = [panels * features * PACKED_A.stepBytes, columnPanels * features * B_STEP_BYTES];
  const strips = machine.heap.alloc(tasks * STRIP_BYTES + aBytes + bBytes);
  const packedA = strips + tasks * STRIP_BYTES;
  const packedB = packedA + aBytes;
  // Both sides take lines of z, whose places are rows: of A, or of the transpose of B.
  const lines = { interleave: true, from: z, lineBytes: 4 * features, steps: features, places: rows };
  try {
    pack(machine, lines, { to: packedA, panelBytes: features * PACKED_A.stepBytes, width: TILE_ROWS });
    pack(machine, lines, { to: packedB, panelBytes: features * B_STEP_BYTES, width: TILE_COLUMNS });
    body({ panels, tasks, packedA, packedB, strips });
  } finally {
    machine.heap.free(strips);
  }
}

/** One strip of a task: rows firstRow ... firstRow+3, columns firstColumn ... lastColumn-1 (both ends in Z's rows). */
export interface Strip {
  readonly firstRow: Local<"i32">;
  /** Rows that exist, at least 1; more than 4 are 4. */
  readonly presentRows: Local<"i32">;
  readonly firstColumn: Local<"i32">;
  readonly lastColumn: Local<"i32">;
  /** Where the similarities are. */
  readonly strip: Local<"i32">;
}

/** Makes the writer of a loop over a task's strips, panel by panel and then column by column. */
export function stripLoop(module: ModuleBuilder) {
  const tile = tileFunction(module, PACKED_A);
  return (
    f: FunctionBuilder,
    word: Reader,
    index: Local<"i32">,
    parts: {
      readonly startPanel: (at: Pick<Strip, "firstRow" | "presentRows">) => void;
      readonly strip: (at: Strip) => void;
      readonly endPanel: (at: Pick<Strip, "firstRow" | "presentRows">) => void;
    },
  ): void => {
    const strip = f.let(i32.add(word("strips"), i32.mul(index, STRIP_BYTES)));
    const [rows, features] = [f.let(word("rows")), f.let(word("features"))];
    const panelsBefore = (tasks: Value<"i32">) => i32.divU(i32.mul(tasks, word("panels")), word("tasks"));
    f.forRange(panelsBefore(index), panelsBefore(i32.add(index, 1)), 1, (panel) => {
      const firstRow = f.let(i32.mul(panel, TILE_ROWS));
      const presentRows = f.let(i32.sub(rows, firstRow));
      const a = f.let(i32.add(word("packedA"), i32.mul(firstRow, i32.shl(features, 2))));
      parts.startPanel({ firstRow, presentRows });
      f.forRange(0, rows, STRIP_COLUMNS, (firstColumn) => {
        const lastColumn = f.let(minU(i32.add(firstColumn, STRIP_COLUMNS), rows));
        const to = f.let(strip);
        f.forRange(firstColumn, lastColumn, TILE_COLUMNS, (column) => {
          const b = i32.add(word("packedB"), i32.mul(column, i32.shl(features, 2)));
          // Whole tiles: what lies outside of Z Z^T is in the strip, but not looked at.
          f.call(tile, a, 1, 0, features, b, to, STRIP_ROW_BYTES, TILE_ROWS, TILE_COLUMNS, 0);
          f.increment(to, 4 * TILE_COLUMNS);
        });
        parts.strip({ firstRow, presentRows, firstColumn, lastColumn, strip });
      });
      parts.endPanel({ firstRow, presentRows });
    });
  };
}

/** Four neighbours in a row of similarities, and what belongs to their columns. */
export interface Lanes {
  /** Similarities divided by the temperature. */
  readonly s: Local<"v128">;
  /** Lanes that are other rows of Z: neither the row itself nor behind the last column. */
  readonly isOther: Local<"v128">;
  /** Those of them in the row's class. */
  readonly isPositive: Local<"v128">;
  /** Where the similarities are. */
  readonly at: Local<"i32">;
  readonly column: Local<"i32">;
}

/** Writes a loop over one row of a strip, four columns at a time. */
export function forLanes(
  f: FunctionBuilder,
  word: Reader,
  at: { row: Local<"i32">; first: Local<"i32">; last: Local<"i32">; from: Local<"i32"> },
  body: (lanes: Lanes) => void,
): void {
  const { row, first, last } = at;
  const classOf = (place: Value<"i32">) => i32.add(word("classes"), i32.shl(place, 2));
  const own = f.let(v128.load32Splat(classOf(row)));
  const inverse = f.let(f32x4.splat(f32.reinterpretI32(word("inverseTemperature"))));
  const [rowLanes, lastLanes] = [f.let(i32x4.splat(row)), f.let(i32x4.splat(last))];
  const from = f.let(at.from);
  const [s, isOther, isPositive] = [f.local("v128"), f.local("v128"), f.local("v128")];
  f.forRange(first, last, 4, (column) => {
    const lanes = f.let(i32x4.add(i32x4.splat(column), i32x4.const(0, 1, 2, 3)));
    f.set(isOther, v128.andnot(i32x4.ltS(lanes, lastLanes), i32x4.eq(lanes, rowLanes)));
    f.set(isPositive, v128.and(isOther, i32x4.eq(v128.load(classOf(column)), own)));
    f.set(s, f32x4.mul(v128.load(from), inverse));
    body({ s, isOther, isPositive, at: from, column });
    f.increment(from, 16);
  });
}

/** Writes a loop over the rows of a strip that exist: `i` from 0, and where the row's similarities are. */
export function forRows(
  f: FunctionBuilder,
  presentRows: Local<"i32">,
  strip: Local<"i32">,
  body: (i: Local<"i32">, from: Local<"i32">) => void,
): void {
  const from = f.let(strip);
  f.forRange(0, minU(presentRows, i32.const(TILE_ROWS)), 1, (i) => {
    body(i, from);
    f.increment(from, STRIP_ROW_BYTES);
  });
}
