/**
 * How maps and folds are cut into tasks: by shape alone, never by the number of threads, so that the same bits come
 * out whatever that is.
 */
import type { LoopStructure } from "../../../expr/kernel.ts";
import { sizeOf } from "../../../shape.ts";

/** Elements in a task: 64 KiB for each operand, so that a task is worth handing to a thread. */
const TASK_ELEMENTS = 16384;
/** Elements folded in one chunk, about: small enough for many tasks, large enough to be worth one. */
const CHUNK_ELEMENTS = 32768;
/** Folded rows in one chunk at most: bounds the length of a sequential sum, and with it the rounding error. */
const CHUNK_ROWS = 256;
/** Columns in one task of a column fold. */
const TASK_COLUMNS = 4096;

/** How the kept loops are cut into tasks: the innermost is columns, all others together are rows. */
export function mapCut(
  kept: readonly number[],
): Record<"rows" | "columns" | "taskRows" | "taskColumns" | "tasks", number> {
  const columns = kept.at(-1) ?? 1;
  const rows = sizeOf(kept.slice(0, -1));
  const taskColumns = Math.min(columns, TASK_ELEMENTS);
  const taskRows = Math.max(1, Math.floor(TASK_ELEMENTS / Math.max(1, columns)));
  const tasks = columns === 0 ? 0 : Math.ceil(rows / taskRows) * Math.ceil(columns / taskColumns);
  return { rows, columns, taskRows, taskColumns, tasks };
}

/** The words that tell a fold's task how it is cut. */
export const foldCutNames = [
  "rows",
  "columns",
  "outputs",
  "folds",
  "chunkFolds",
  "taskRows",
  "taskColumns",
  "chunks",
] as const;

/** How a fold is cut. See {@link foldCut}. */
export type FoldCut = Readonly<Record<(typeof foldCutNames)[number] | "tasks", number>>;

/**
 * Cuts a fold into chunks and tasks. Folding rows: `rows` outputs, each from `folds` runs of the innermost reduced loop
 * (`columns` elements). Folding columns: `rows` groups of `columns` neighbouring outputs, each from `folds` rows.
 * Where a row fold has a single run, the run itself is cut: then `folds` counts its elements.
 */
export function foldCut(
  structure: LoopStructure,
  kept: readonly number[],
  reduced: readonly number[],
): FoldCut {
  const [keptCount, reducedCount] = [sizeOf(kept), sizeOf(reduced)];
  const columns = (structure.foldsRows ? reduced.at(-1) : kept.at(-1)) ?? 1;
  const rows = structure.foldsRows ? keptCount : sizeOf(kept.slice(0, -1));
  const singleRun = structure.foldsRows && reduced.length <= 1;
  const folds = singleRun
    ? reducedCount
    : structure.foldsRows
      ? reducedCount / Math.max(1, columns)
      : reducedCount;
  const chunkFolds = singleRun
    ? CHUNK_ELEMENTS
    : Math.max(
        structure.foldsRows ? 1 : 16,
        Math.min(CHUNK_ROWS, Math.ceil(CHUNK_ELEMENTS / Math.max(1, columns))),
      );
  const chunks = Math.max(1, Math.ceil(folds / chunkFolds));
  const rowElements = (Math.min(folds, chunkFolds) || 1) * (singleRun ? 1 : columns);
  const taskRows = Math.max(1, Math.floor(CHUNK_ELEMENTS / Math.max(1, rowElements)));
  const taskColumns = structure.foldsRows ? columns : Math.min(columns, TASK_COLUMNS);
  const across = structure.foldsRows ? 1 : Math.ceil(columns / Math.max(1, taskColumns));
  const tasks = chunks * Math.ceil(rows / taskRows) * across;
  return { rows, columns, outputs: keptCount, folds, chunkFolds, taskRows, taskColumns, chunks, tasks };
}
