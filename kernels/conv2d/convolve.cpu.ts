/**
 * The driver of direct convolution on the CPU: a matrix product whose left operand is never built. In a padded image, the
 * kernelWidth * inChannels elements that a window covers in one row are neighbours. So a row of A is kernelHeight runs of
 * that length, and the rows of windows side by side are strideWidth * inChannels elements apart: just what the
 * micro-kernel takes.
 *
 * Bound: 2 * kernelHeight * kernelWidth * inChannels * outChannels operations for each output pixel, against one copy of
 * the input (8 bytes for each element, into L2) and one write of the output.
 */
import { i32 } from "../../engine/backends/cpu/assembler.ts";
import type { ModuleBuilder } from "../../engine/backends/cpu/assembler.ts";
import type { Panels } from "../../engine/backends/cpu/gemm/pack.ts";
import { runTasks, Words } from "../../engine/backends/cpu/gemm/task.ts";
import { TILE_COLUMNS, TILE_ROWS, tileFunction } from "../../engine/backends/cpu/gemm/tile.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";
import { conv2dOperations } from "./geometry.ts";
import type { ConvGeometry } from "./geometry.ts";
import { lineFunction, linesOf, lineWords } from "./lines.cpu.ts";
import { cutBatch, forUnits, unitWords } from "./units.cpu.ts";

/** Where the output goes, with the distances in bytes between its pixels, rows of pixels, and images. */
export interface Destination {
  readonly to: Pointer;
  readonly pixelBytes: number;
  readonly rowBytes: number;
  readonly imageBytes: number;
}

// prettier-ignore
const words = new Words([
  ...unitWords, ...lineWords,
  "strideHeight", "kernelHeight", "scratch", "scratchBytes", "runSteps", "panels", "panelBytes", "outWidth", "outChannels",
  "to", "toPixelBytes", "toRowBytes", "toImageBytes",
]);

/** Padded lines that a task keeps at a time: a part of L2. */
const SCRATCH_BYTES = 1 << 18;
/** At most so many tasks, each with its own scratch memory. */
const TASKS = 32;
/** Fewer output rows in a band would copy too many lines twice; fewer pixels use the weights too little. */
const BAND_ROWS = 4;
const UNIT_PIXELS = 128;

/**
 * Computes a convolution of the images at `from` with packed weights: for each 8 output channels a panel
 * [kernelHeight][kernelWidth][inChannels][8]. Paddings may be negative: then the first window begins inside of the image.
 * A kernel without taps gives zeros. Throws OutOfMemoryError if the padded lines find no room.
 */
export function convolve(
  machine: Machine,
  g: ConvGeometry,
  from: Pointer,
  panels: Panels,
  destination: Destination,
): void {
  const lines = linesOf(g);
  const tileRowBytes = 4 * g.strideWidth * g.inChannels;
  const { units, lineCount } = cut(g, lines.lineBytes);
  const tasks = Math.min(units.units, TASKS);
  // The last tile of the last line is read as if it were whole.
  const scratchBytes = 64 * Math.ceil((lineCount * lines.lineBytes + TILE_ROWS * tileRowBytes) / 64 + 1);
  const scratch = machine.heap.alloc(tasks * scratchBytes);
  try {
    const program = machine.program(`convolve ${tileRowBytes}`, (module) => {
      convolveTask(module, tileRowBytes);
    });
    const args = words.list({
      ...g,
      ...lines,
      ...units,
      shares: tasks,
      from,
      scratch,
      scratchBytes,
      runSteps: g.kernelWidth * g.inChannels,
      panels: panels.to,
      panelBytes: panels.panelBytes,
      to: destination.to,
      toPixelBytes: destination.pixelBytes,
      toRowBytes: destination.rowBytes,
      toImageBytes: destination.imageBytes,
    });
    runTasks(machine, program, tasks, args, conv2dOperations(g));
  } finally {
    machine.heap.free(scratch);
  }
}

/** How the batch is cut into units, and the lines that a unit keeps. */
function cut(g: ConvGeometry, lineBytes: number) {
  const linesFor = (rows: number): number => (rows - 1) * g.strideHeight + g.kernelHeight;
  const fittingRows = Math.floor((SCRATCH_BYTES / lineBytes - g.kernelHeight) / g.strideHeight) + 1;
  const usefulRows = Math.max(BAND_ROWS, Math.ceil((g.outHeight * g.batch) / TASKS));
  const fittingImages = Math.floor(SCRATCH_BYTES / (linesFor(g.outHeight) * lineBytes));
  const usefulImages = Math.ceil(UNIT_PIXELS / (g.outHeight * g.outWidth));
  const images = Math.min(fittingImages, usefulImages, Math.ceil(g.batch / TASKS));
  const units = cutBatch(g.batch, g.outHeight, Math.min(fittingRows, usefulRows), images);
  return { units, lineCount: units.unitImages * linesFor(units.bandRows) };
}

/** A task computes its share of the units, one after another: it pads their lines, then multiplies. */
function convolveTask(module: ModuleBuilder, tileRowBytes: number): void {
  const writeLine = lineFunction(module, (args) => words.reader(args));
  const multiply = unitFunction(module, tileRowBytes);
  module.task((f, args, index) => {
    const word = words.reader(args);
    const scratch = f.let(i32.add(word("scratch"), i32.mul(index, word("scratchBytes"))));
    forUnits(f, word, index, ({ firstImage, images, firstRow, rows }) => {
      const lines = f.let(i32.add(i32.mul(i32.sub(rows, 1), word("strideHeight")), word("kernelHeight")));
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
      f.call(multiply, args, scratch, images, rows, i32.mul(lines, word("lineBytes")), to);
    });
  });
}

/**
 * (args, lines, images, rows, imageBytes, to): the tiles of `rows` output rows of each of some images, whose padded lines
 * are `imageBytes` apart. A panel of weights serves all of them before the next one is taken.
 */
function unitFunction(module: ModuleBuilder, tileRowBytes: number) {
  const tile = tileFunction(module, { rowBytes: tileRowBytes, stepBytes: 4 });
  const params = ["i32", "i32", "i32", "i32", "i32", "i32"] as const;
  return module.func({ params }, (f, args, lines, images, rows, imageBytes, to) => {
    const word = words.reader(args);
    const panel = f.let(word("panels"));
    const toTileBytes = f.let(i32.mul(word("toPixelBytes"), TILE_ROWS));
    f.forRange(0, word("outChannels"), TILE_COLUMNS, (channel) => {
      const columns = f.let(i32.sub(word("outChannels"), channel));
      f.forRange(0, images, 1, (image) => {
        f.forRange(0, rows, 1, (row) => {
          const a = f.let(i32.add(lines, i32.mul(image, imageBytes)));
          f.increment(a, i32.mul(i32.mul(row, word("strideHeight")), word("lineBytes")));
          const c = f.let(i32.add(i32.add(to, i32.shl(channel, 2)), i32.mul(image, word("toImageBytes"))));
          f.increment(c, i32.mul(row, word("toRowBytes")));
          f.forRange(0, word("outWidth"), TILE_ROWS, (pixel) => {
            const pixels = i32.sub(word("outWidth"), pixel);
            const operands = [a, word("kernelHeight"), word("lineBytes"), word("runSteps"), panel] as const;
            f.call(tile, ...operands, c, word("toPixelBytes"), pixels, columns, 0);
            f.increment(a, TILE_ROWS * tileRowBytes);
            f.increment(c, toTileBytes);
          });
        });
      });
      f.increment(panel, word("panelBytes"));
    });
  });
}
