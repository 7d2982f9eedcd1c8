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
import { lineCount, lineFunction, linesOf, lineWords } from "./lines.cpu.ts";
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
  /** Memory behind the lines that it may read, in bytes. */
  readonly overrun: number;
}

// prettier-ignore
const words = new Words([
  ...unitWords, ...lineWords,
  "strideHeight", "windowLines", "scratch", "scratchBytes", "to", "toRowBytes", "toImageBytes",
]);

/** Padded lines that a task keeps at a time: a part of L2. */
const SCRATCH_BYTES = 1 << 18;
/** At most so many tasks, each with its own scratch memory. */
const TASKS = 32;
/** Fewer output rows in a band would copy too many lines twice; fewer pixels use the weights too little. */
const BAND_ROWS = 4;
const UNIT_PIXELS = 128;

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
  const lines = linesOf(g, from);
  const units = cut(g, lines.lineBytes);
  const tasks = Math.min(units.units, TASKS);
  const lineBytes = units.unitImages * lineCount(g, units.bandRows) * lines.lineBytes;
  const scratchBytes = 64 * Math.ceil((lineBytes + multiplication.overrun) / 64 + 1);
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
function cut(g: ConvGeometry, lineBytes: number) {
  const fittingRows = Math.floor((SCRATCH_BYTES / lineBytes - lineCount(g, 1)) / g.strideHeight) + 1;
  const usefulRows = Math.max(BAND_ROWS, Math.ceil((g.outHeight * g.batch) / TASKS));
  const fittingImages = Math.floor(SCRATCH_BYTES / (lineCount(g, g.outHeight) * lineBytes));
  const usefulImages = Math.ceil(UNIT_PIXELS / (g.outHeight * g.outWidth));
  const images = Math.min(fittingImages, usefulImages, Math.ceil(g.batch / TASKS));
  return cutBatch(g.batch, g.outHeight, Math.min(fittingRows, usefulRows), images);
}

/** A task computes its share of the units, one after another: it pads their lines, then multiplies. */
function convolveTask(module: ModuleBuilder, multiplication: Multiplication): void {
  const writeLine = lineFunction(module, (args) => words.reader(args));
  const multiply = multiplication.write(module);
  module.task((f, args, index) => {
    const word = words.reader(args);
    const scratch = f.let(i32.add(word("scratch"), i32.mul(index, word("scratchBytes"))));
    forUnits(f, word, index, ({ firstImage, images, firstRow, rows }) => {
      const lines = f.let(i32.add(i32.mul(i32.sub(rows, 1), word("strideHeight")), word("windowLines")));
      const firstLine = f.let(i32.mul(firstRow, word("strideHeight")));
      const line = f.let(scratch);
      f.forRange(firstImage, i32.add(firstImage, images), 1, (image) => {
        f.forRange(firstLine, i32.add(firstLine, lines), 1, (i) => {
          f.call(writeLine, args, image, i, line);
          f.increment(line, word("lineBytes"));
        });
      });
      const to = f.let(i32.add(word("to"), i32.mul(firstImage, word("toImageBytes"))));
      f.increment(to, i32.mul(firstRow, word("toRowBytes")));
      const own = i32.add(args, words.bytes);
      f.call(multiply, own, scratch, images, rows, i32.mul(lines, word("lineBytes")), to);
    });
  });
}
