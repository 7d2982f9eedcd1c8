/**
 * Similarities on the CPU, a strip at a time: 4 rows of Q K^T (one row panel of the micro-kernel) by up to 512 columns,
 * 8 KiB in a task's own scratch memory, so that what is done with them finds them in L1. The whole matrix never exists.
 *
 * A task goes through the strips of some row panels. Their number depends on that of the rows alone.
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
import { f32Bits } from "../../engine/backends/cpu/machine.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";
import type { ContrastiveParams } from "./pairs.ts";

const STRIP_COLUMNS = 512;
/** Bytes from one row of a strip to the next. */
export const STRIP_ROW_BYTES = 4 * STRIP_COLUMNS;
const STRIP_BYTES = TILE_ROWS * STRIP_ROW_BYTES;
const TASKS = 64;

/** Argument words that tell a task of its strips. */
export const stripWords = [
  ...(["rows", "columns", "features", "panels", "tasks", "packedA", "packedB", "strips"] as const),
  ...(["labels", "contrastLabels", "inverseTemperature"] as const),
] as const;
type Reader = (name: (typeof stripWords)[number]) => Value<"i32">;

/** What the words of {@link stripWords} stand for. Packed are Q in row panels [features][4], K^T in column panels [features][8]. */
export type Strips = Readonly<Record<(typeof stripWords)[number], number>>;

/** Packs the inputs of a contrastive kernel and runs `body`; the memory is given back afterwards. */
export function withStrips(
  machine: Machine,
  { rows, columns, features, temperature }: ContrastiveParams,
  [anchors = 0, contrast = 0, labels = 0, contrastLabels = 0]: readonly Pointer[],
  body: (strips: Strips) => void,
): void {
  const [panels, columnPanels] = [Math.ceil(rows / TILE_ROWS), Math.ceil(columns / TILE_COLUMNS)];
  const tasks = Math.min(panels, TASKS);
  const [aBytes, bBytes] = [panels * features * PACKED_A.stepBytes, columnPanels * features * B_STEP_BYTES];
  const strips = machine.heap.alloc(tasks * STRIP_BYTES + aBytes + bBytes);
  const packedA = strips + tasks * STRIP_BYTES;
  const packedB = packedA + aBytes;
  // Lines are places on both sides: rows of A, or of the transpose of B.
  const lines = { interleave: true, lineBytes: 4 * features, steps: features };
  const [ofA, ofB] = [features * PACKED_A.stepBytes, features * B_STEP_BYTES];
  try {
    pack(
      machine,
      { ...lines, from: anchors, places: rows },
      { to: packedA, panelBytes: ofA, width: TILE_ROWS },
    );
    pack(
      machine,
      { ...lines, from: contrast, places: columns },
      { to: packedB, panelBytes: ofB, width: TILE_COLUMNS },
    );
    const inverseTemperature = f32Bits(1 / temperature);
    const geometry = { rows, columns, features, panels, tasks, packedA, packedB, strips };
    body(Object.assign(geometry, { labels, contrastLabels, inverseTemperature }));
  } finally {
    machine.heap.free(strips);
  }
}

/** One strip of a task: rows firstRow ... firstRow+3, columns firstColumn ... lastColumn-1 (both ends exist). */
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
      /** Where the columns of a panel begin, a multiple of {@link TILE_COLUMNS}. Default 0. */
      readonly firstColumn?: (firstRow: Local<"i32">) => Value<"i32">;
      readonly startPanel: (at: Pick<Strip, "firstRow" | "presentRows">) => void;
      readonly strip: (at: Strip) => void;
      readonly endPanel: (at: Pick<Strip, "firstRow" | "presentRows">) => void;
    },
  ): void => {
    const strip = f.let(i32.add(word("strips"), i32.mul(index, STRIP_BYTES)));
    const [rows, columns] = [f.let(word("rows")), f.let(word("columns"))];
    const features = f.let(word("features"));
    const panelsBefore = (tasks: Value<"i32">) => i32.divU(i32.mul(tasks, word("panels")), word("tasks"));
    f.forRange(panelsBefore(index), panelsBefore(i32.add(index, 1)), 1, (panel) => {
      const firstRow = f.let(i32.mul(panel, TILE_ROWS));
      const presentRows = f.let(i32.sub(rows, firstRow));
      const a = f.let(i32.add(word("packedA"), i32.mul(firstRow, i32.shl(features, 2))));
      parts.startPanel({ firstRow, presentRows });
      f.forRange(parts.firstColumn?.(firstRow) ?? 0, columns, STRIP_COLUMNS, (firstColumn) => {
        const lastColumn = f.let(minU(i32.add(firstColumn, STRIP_COLUMNS), columns));
        const to = f.let(strip);
        f.forRange(firstColumn, lastColumn, TILE_COLUMNS, (column) => {
          const b = i32.add(word("packedB"), i32.mul(column, i32.shl(features, 2)));
          // Whole tiles: what lies outside of Q K^T is in the strip, but not looked at.
          f.call(tile, a, 1, 0, features, b, to, STRIP_ROW_BYTES, TILE_ROWS, TILE_COLUMNS, 0);
          f.increment(to, 4 * TILE_COLUMNS);
        });
        parts.strip({ firstRow, presentRows, firstColumn, lastColumn, strip });
      });
      parts.endPanel({ firstRow, presentRows });
    });
  };
}

/** Stands for -Infinity, whose differences would be NaN. (A NaN s is never the largest: the sum of exponentials is NaN then.) */
export const LOWEST = -3.0e38;

/** Four neighbours in a row of similarities, and what belongs to their columns. */
export interface Lanes {
  /** Similarities divided by the temperature. */
  readonly s: Local<"v128">;
  /** Lanes that are other rows: neither the anchor itself nor behind the last column. */
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
  // Classes are followed by names.
  const classOfRow = f.let(i32.add(word("labels"), i32.shl(row, 2)));
  const ownClass = f.let(v128.load32Splat(classOfRow));
  const ownName = f.let(v128.load32Splat(i32.add(classOfRow, i32.shl(word("rows"), 2))));
  const classes = f.let(i32.add(word("contrastLabels"), i32.shl(first, 2)));
  const names = f.let(i32.add(classes, i32.shl(word("columns"), 2)));
  const inverse = f.let(f32x4.splat(f32.reinterpretI32(word("inverseTemperature"))));
  const lanes = f.let(i32x4.add(i32x4.splat(first), i32x4.const(0, 1, 2, 3)));
  const lastLanes = f.let(i32x4.splat(last));
  const from = f.let(at.from);
  const [s, isOther, isPositive] = [f.local("v128"), f.local("v128"), f.local("v128")];
  f.forRange(first, last, 4, (column) => {
    f.set(isOther, v128.andnot(i32x4.ltS(lanes, lastLanes), i32x4.eq(v128.load(names), ownName)));
    f.set(isPositive, v128.and(isOther, i32x4.eq(v128.load(classes), ownClass)));
    f.set(s, f32x4.mul(v128.load(from), inverse));
    body({ s, isOther, isPositive, at: from, column });
    f.set(lanes, i32x4.add(lanes, i32x4.const(4)));
    for (const pointer of [from, classes, names]) f.increment(pointer, 16);
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
