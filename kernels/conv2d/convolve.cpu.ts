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
import { Words } from "../../engine/backends/cpu/gemm/task.ts";
import { TILE_COLUMNS, TILE_ROWS, tileFunction } from "../../engine/backends/cpu/gemm/tile.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";
import type { ConvGeometry } from "./geometry.ts";
import { lineFunction, lineLayout } from "./lines.cpu.ts";
import { cutBatch, forUnits, unitWords } from "./units.cpu.ts";

/**
 * A convolution in memory. Its paddings may be negative: then the first window begins inside of the input. A kernel
 * without taps gives zeros.
 */
export interface Convolution extends ConvGeometry {
  readonly from: Pointer;
  /** Packed weights: for each 8 output channels a panel [kernelHeight][kernelWidth][inChannels][8]. */
  readonly panels: Pointer;
  readonly panelBytes: number;
  readonly to: Pointer;
  /** Distances in bytes between output pixels, rows of pixels, and images. */
  readonly outPixelBytes: number;
  readonly outRowBytes: number;
  readonly outImageBytes: number;
}

const words = new Words([
  ...unitWords,
  ...(["height", "from", "kernelHeight", "strideHeight", "padTop", "panels", "panelBytes"] as const),
  ...(["outWidth", "outChannels", "to", "outPixelBytes", "outRowBytes", "outImageBytes"] as const),
  ...(["rowBytes", "imageBytes", "zerosBefore", "skipped", "copied", "zerosAfter", "runSteps"] as const),
  ...(["scratch", "scratchBytes", "lineBytes"] as const),
]);

/** Padded lines that a task keeps at a time: a part of L2. */
const SCRATCH_BYTES = 1 << 18;
/** At most so many tasks, each with its own scratch memory. */
const TASKS = 32;
/** Fewer output rows in a band would copy too many lines twice; fewer pixels use the weights too little. */
const BAND_ROWS = 4;
const UNIT_PIXELS = 128;

/** Computes a convolution whose weights are packed. Throws OutOfMemoryError if the padded lines find no room. */
export function convolve(machine: Machine, c: Convolution): void {
  const pixelBytes = 4 * c.inChannels;
  const lineWidth = Math.max(0, (c.outWidth - 1) * c.strideWidth + c.kernelWidth);
  const lineBytes = lineWidth * pixelBytes;
  const linesOf = (rows: number): number => (rows - 1) * c.strideHeight + c.kernelHeight;

  const fittingRows = Math.floor((SCRATCH_BYTES / lineBytes - c.kernelHeight) / c.strideHeight) + 1;
  const usefulRows = Math.max(BAND_ROWS, Math.ceil((c.outHeight * c.batch) / TASKS));
  const usefulImages = Math.ceil(UNIT_PIXELS / (c.outHeight * c.outWidth));
  const fittingImages = Math.floor(SCRATCH_BYTES / (linesOf(c.outHeight) * lineBytes));
  const images = Math.min(usefulImages, fittingImages, Math.ceil(c.batch / TASKS));
  const cut = cutBatch(c.batch, c.outHeight, Math.min(fittingRows, usefulRows), images);
  const tasks = Math.min(cut.units, TASKS);

  const tileRowBytes = c.strideWidth * pixelBytes;
  // The last tile of the last line is read as if it were whole.
  const linesBytes = cut.unitImages * linesOf(cut.bandRows) * lineBytes + TILE_ROWS * tileRowBytes;
  const scratchBytes = 64 * Math.ceil(linesBytes / 64 + 1);
  const scratch = machine.heap.alloc(tasks * scratchBytes);
  try {
    const program = machine.program(`convolve ${tileRowBytes}`, (module) => {
      convolveTask(module, tileRowBytes);
    });
    const args = words.list({
      ...c,
      ...cut,
      ...lineLayout(c.width, lineWidth, c.padLeft, pixelBytes),
      ...{ rowBytes: c.width * pixelBytes, imageBytes: c.height * c.width * pixelBytes },
      ...{ runSteps: c.kernelWidth * c.inChannels, shares: tasks, scratch, scratchBytes, lineBytes },
    });
    machine.parallel(program, tasks, args);
  } finally {
    machine.heap.free(scratch);
  }
}

function convolveTask(module: ModuleBuilder, tileRowBytes: number): void {
  const tile = tileFunction(module, { rowBytes: tileRowBytes, stepBytes: 4 });
  const line = lineFunction(module);

  const unitParams = ["i32", "i32", "i32", "i32", "i32", "i32"] as const;
  /** The tiles of `images` times `rows` output rows, whose padded lines are at `scratch`. */
  const multiply = module.func({ params: unitParams }, (f, args, scratch, images, rows, imageLines, to) => {
    const word = words.reader(args);
    const columnTiles = f.let(word("outWidth"));
    f.forRange(0, word("outChannels"), TILE_COLUMNS, (channel) => {
      const columns = f.let(i32.sub(word("outChannels"), channel));
      const panel = f.let(
        i32.add(word("panels"), i32.mul(i32.divU(channel, TILE_COLUMNS), word("panelBytes"))),
      );
      f.forRange(0, images, 1, (image) => {
        f.forRange(0, rows, 1, (row) => {
          const firstLine = i32.add(i32.mul(image, imageLines), i32.mul(row, word("strideHeight")));
          const a = f.let(i32.add(scratch, i32.mul(firstLine, word("lineBytes"))));
          const c = f.let(i32.add(to, i32.shl(channel, 2)));
          f.increment(c, i32.add(i32.mul(image, word("outImageBytes")), i32.mul(row, word("outRowBytes"))));
          const tileBytes = f.let(i32.mul(word("outPixelBytes"), TILE_ROWS));
          f.forRange(0, columnTiles, TILE_ROWS, (pixel) => {
            const left = i32.sub(columnTiles, pixel);
            f.call(
              tile,
              ...([a, word("kernelHeight"), word("lineBytes"), word("runSteps"), panel] as const),
              ...([c, word("outPixelBytes"), left, columns, 0] as const),
            );
            f.increment(a, TILE_ROWS * tileRowBytes);
            f.increment(c, tileBytes);
          });
        });
      });
    });
  });

  module.task((f, args, index) => {
    const word = words.reader(args);
    const scratch = f.let(i32.add(word("scratch"), i32.mul(index, word("scratchBytes"))));
    forUnits(f, word, index, ({ firstImage, images, firstRow, rows }) => {
      const lines = f.let(i32.add(i32.mul(i32.sub(rows, 1), word("strideHeight")), word("kernelHeight")));
      const top = f.let(i32.sub(i32.mul(firstRow, word("strideHeight")), word("padTop")));
      const to = f.let(scratch);
      f.forRange(0, images, 1, (image) => {
        const source = f.let(i32.add(word("from"), i32.mul(i32.add(firstImage, image), word("imageBytes"))));
        f.increment(source, word("skipped"));
        f.forRange(0, lines, 1, (i) => {
          const y = f.let(i32.add(top, i));
          const from = i32.add(source, i32.mul(y, word("rowBytes")));
          const inside = i32.ltU(y, word("height"));
          f.call(line, to, from, inside, word("zerosBefore"), word("copied"), word("zerosAfter"));
          f.increment(to, word("lineBytes"));
        });
      });
      const out = i32.add(i32.mul(firstImage, word("outImageBytes")), i32.mul(firstRow, word("outRowBytes")));
      f.call(multiply, args, scratch, images, rows, lines, i32.add(word("to"), out));
    });
  });
}
