/**
 * The driver of direct convolution on the CPU. The batch is cut into units; a task copies the lines of a unit into its own
 * scratch memory, padded, and multiplies them there, as dense or depthwise convolutions do it.
 *
 * Bound: one copy of the input (8 bytes for each element, into L2) and one write of the output, beside the operations.
 */
import { i32 } from "../../engine/backends/cpu/assembler.ts";
import type { Func, ModuleBuilder } from "../../engine/backends/cpu/assembler.ts";
import { runTasks, Words } from "../../engine/backends/cpu/task.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import { conv2dOperations } from "./geometry.ts";
import type { ConvGeometry } from "./geometry.ts";
import { lineCount, lineFunction, linesOf, lineWords, wholeTiles, writeLines } from "./lines.cpu.ts";
import type { Images } from "./lines.cpu.ts";
import { cutBatch, forUnits, unitWords } from "./units.cpu.ts";

const unitParams = ["i32", "i32", "i32", "i32", "i32", "i32"] as const;

/**
 * (args, lines, images, rows, imageBytes, to): computes `rows` output rows of each of some images, whose padded lines are
 * `imageBytes` apart.
 */
export type UnitFunction = Func<typeof unitParams, undefined>;
/** The signature of a {@link UnitFunction}, for `module.func`. */
export const unitSignature = { params: unitParams };

/** How the lines of a unit are multiplied. */
export interface Multiplication {
  /** Tells everything that the code depends on. */
  readonly key: string;
  readonly write: (module: ModuleBuilder) => UnitFunction;
  /** The argument words of the function. */
  readonly args: readonly number[];
  /** Memory behind the lines that it may use, in bytes. */
  readonly workspace: number;
  readonly unit: UnitSize;
}

/** What a unit should be. */
export interface UnitSize {
  /** Outputs come in tiles of so many rows and columns, a power of 2: lines are padded to the end of the last ones. */
  readonly tile: number;
  /** Fewer output pixels use the weights too little: then a unit has more rows, or several images, */
  readonly pixels: number;
  /** unless the batch would come to fewer units than these. */
  readonly units: number;
  /** Padded lines at most. */
  readonly bytes: number;
}

// prettier-ignore
const words = new Words([
  ...unitWords, ...lineWords,
  "strideHeight", "windowLines", "scratch", "scratchBytes", "to", "toRowBytes", "toImageBytes",
]);

/** At most so many tasks, each with its own scratch memory. */
const TASKS = 32;
/** Fewer output rows in a band would copy too many lines twice. */
const BAND_ROWS = 4;

/** Units of lines that are multiplied as they are. A task keeps them in a part of L2. */
export const DIRECT_UNIT: UnitSize = { tile: 1, pixels: 128, units: TASKS, bytes: 1 << 18 };

/**
 * Computes a convolution from images to images. Paddings may be negative: then the first window begins inside of the image.
 * A kernel without taps gives zeros. Throws OutOfMemoryError if the padded lines find no room.
 */
export function convolve(
  machine: Machine,
  g: ConvGeometry,
  from: Images,
  multiplication: Multiplication,
  to: Images,
): void {
  const { unit } = multiplication;
  const lines = linesOf(wholeTiles(g, unit.tile), from);
  const units = cut(g, lines.lineBytes, unit);
  const tasks = Math.min(units.units, TASKS);
  const wholeRows = unit.tile * Math.ceil(units.bandRows / unit.tile);
  const lineBytes = units.unitImages * lineCount(g, wholeRows) * lines.lineBytes;
  const scratchBytes = 64 * Math.ceil((lineBytes + multiplication.workspace) / 64 + 1);
  const scratch = machine.heap.alloc(tasks * scratchBytes);
  try {
    const program = machine.program(`convolve ${multiplication.key}`, (module) => {
      convolveTask(module, multiplication);
    });
    const own = {
      shares: tasks,
      windowLines: lineCount(g, 1),
      scratch,
      scratchBytes,
      to: to.at,
      toRowBytes: to.rowBytes,
      toImageBytes: to.imageBytes,
    };
    const args = words.list(Object.assign(own, g, lines, units));
    runTasks(machine, program, tasks, [...args, ...multiplication.args], conv2dOperations(g));
  } finally {
    machine.heap.free(scratch);
  }
}

/** How the batch is cut into units. */
function cut(g: ConvGeometry, lineBytes: number, { tile, pixels, units, bytes }: UnitSize) {
  const fittingRows = Math.floor((bytes / lineBytes - lineCount(g, 1)) / g.strideHeight) + 1;
  const usefulPixels = Math.min(pixels, (g.batch * g.outHeight * g.outWidth) / units);
  const usefulRows = Math.max(
    BAND_ROWS,
    tile * Math.floor(usefulPixels / g.outWidth / tile),
    Math.ceil((g.outHeight * g.batch) / TASKS),
  );
  const rows = tile * Math.max(1, Math.floor(Math.min(fittingRows, usefulRows + tile - 1) / tile));
  const fittingImages = Math.floor(bytes / (lineCount(g, g.outHeight) * lineBytes));
  const usefulImages = Math.ceil(pixels / (g.outHeight * g.outWidth));
  const images = Math.min(fittingImages, usefulImages, Math.ceil(g.batch / units));
  return cutBatch(g.batch, g.outHeight, rows, images);
}

/** A task computes its share of the units, one after another: it pads their lines, then multiplies. */
function convolveTask(module: ModuleBuilder, multiplication: Multiplication): void {
  const writeLine = lineFunction(module, (args) => words.reader(args));
  const multiply = multiplication.write(module);
  const { tile } = multiplication.unit;
  module.task((f, args, index) => {
    const word = words.reader(args);
    const scratch = f.let(i32.add(word("scratch"), i32.mul(index, word("scratchBytes"))));
    forUnits(f, word, index, ({ firstImage, images, firstRow, rows }) => {
      const wholeRows = i32.and(i32.add(rows, tile - 1), -tile);
      const lines = f.let(i32.add(i32.mul(i32.sub(wholeRows, 1), word("strideHeight")), word("windowLines")));
      const firstLine = f.let(i32.mul(firstRow, word("strideHeight")));
      const lineBytes = word("lineBytes");
      writeLines(f, writeLine, { args, firstImage, images, firstLine, lines, to: scratch, lineBytes });
      const to = f.let(i32.add(word("to"), i32.mul(firstImage, word("toImageBytes"))));
      f.increment(to, i32.mul(firstRow, word("toRowBytes")));
      const own = i32.add(args, words.bytes);
      f.call(multiply, own, scratch, images, rows, i32.mul(lines, lineBytes), to);
    });
  });
}
