/**
 * The gradient of the weights on the CPU: a matrix product with one row for each (ky, kx, ci), one column for each co,
 * and a step in k for each output pixel of the batch.
 *
 * In a padded line the kernelWidth * inChannels elements of a window are neighbours. Groups of four of them are packed,
 * for each output column, into [group][line][ox][4]: then the left operand of tap row ky is this array from line ky on,
 * one run for a whole image. (With a stride, lines are sorted by line mod strideHeight, so that those which tap row ky
 * meets are neighbours again.)
 *
 * The sum over k is long and dw small, so k is cut: the units of the batch are divided among chunks, each chunk sums into
 * its own copy of dw, and these are added in the order of the chunks.
 *
 * Bound: 2 * kernelHeight * kernelWidth * inChannels * outChannels operations for each output pixel, against packing each
 * element of x kernelWidth times and each of dy once.
 */
import { i32, v128 } from "../../engine/backends/cpu/assembler.ts";
import type { ModuleBuilder, Value } from "../../engine/backends/cpu/assembler.ts";
import { copyPanel } from "../../engine/backends/cpu/gemm/pack.ts";
import { minU, runTasks, Words } from "../../engine/backends/cpu/gemm/task.ts";
import {
  B_STEP_BYTES,
  PACKED_A,
  TILE_COLUMNS,
  TILE_ROWS,
  tileFunction,
} from "../../engine/backends/cpu/gemm/tile.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";
import { addChunks } from "./add-chunks.cpu.ts";
import { conv2dOperations } from "./geometry.ts";
import type { ConvGeometry } from "./geometry.ts";
import { lineFunction, linesOf, lineWords } from "./lines.cpu.ts";
import { cutBatch, forUnits, unitWords } from "./units.cpu.ts";

/** Packed operands that a task keeps at a time: a part of L2; more where the sums do not fit there either. */
const SCRATCH_BYTES = 1 << 19;
const MOST_SCRATCH_BYTES = 1 << 22;
/** With fewer pixels in a unit, its sums would be added to the chunk's too often. */
const UNIT_PIXELS = 512;
/** With fewer pixels in a chunk, adding the chunks would cost too much. */
const CHUNK_PIXELS = 256;
/** At most so many chunks, and so many bytes of sums in all. */
const CHUNKS = 16;
const SUMS_BYTES = 1 << 25;
/** Where there are fewer chunks, columns are divided among tasks too. Each of them packs x again. */
const TASKS = 8;

// prettier-ignore
const words = new Words([
  ...unitWords, ...lineWords,
  "outWidth", "outChannels", "kernelHeight", "strideHeight", "dy",
  "groups", "groupBytes", "packedImageBytes", "packedLineBytes", "phaseLines",
  "columnPanels", "columnBlocks", "blockPanels",
  "scratch", "scratchBytes", "packedX", "packedDy", "sums", "sumsBytes", "sumsRowBytes",
]);

/** dw, the gradient of the weights. */
export function gradWeightOnCpu(
  machine: Machine,
  g: ConvGeometry,
  [x = 0, dy = 0]: readonly Pointer[],
  [dw = 0]: readonly Pointer[],
): void {
  const plan = planOf(g);
  const tasks = plan.shares * plan.columnBlocks;
  const scratch = machine.heap.alloc(tasks * plan.scratchBytes + plan.shares * plan.sumsBytes);
  const sums = scratch + tasks * plan.scratchBytes;
  try {
    const tapBytes = 4 * g.strideWidth * g.inChannels;
    const program = machine.program(`conv2dGradWeight ${tapBytes}`, (module) => {
      gradWeightTask(module, tapBytes);
    });
    const args = words.list({ ...g, ...plan, from: x, dy, scratch, sums });
    runTasks(machine, program, tasks, args, conv2dOperations(g));
    addChunks(machine, { ...g, ...plan, groupRows: plan.groups * TILE_ROWS, sums, dw });
  } finally {
    machine.heap.free(scratch);
  }
}

/** How the work is cut and where things lie, all from the geometry alone. */
function planOf(g: ConvGeometry) {
  const lines = linesOf(g);
  const groups = Math.ceil((g.kernelWidth * g.inChannels) / TILE_ROWS);
  const columnPanels = Math.ceil(g.outChannels / TILE_COLUMNS);
  const sumsRowBytes = columnPanels * B_STEP_BYTES;
  const sumsBytes = g.kernelHeight * groups * TILE_ROWS * sumsRowBytes;

  const imagePixels = g.outHeight * g.outWidth;
  const usefulChunks = Math.ceil((g.batch * imagePixels) / CHUNK_PIXELS);
  const fittingChunks = Math.max(1, Math.floor(SUMS_BYTES / sumsBytes));
  const chunks = Math.max(1, Math.min(CHUNKS, usefulChunks, fittingChunks));

  // Output rows and images whose packed operands fit. A band or image packs up to kernelHeight lines of x more.
  const packedLineBytes = g.outWidth * PACKED_A.stepBytes;
  const rowBytes = groups * g.strideHeight * packedLineBytes + g.outWidth * sumsRowBytes;
  const haloBytes = groups * g.kernelHeight * packedLineBytes;
  const room = Math.max(SCRATCH_BYTES, Math.min(MOST_SCRATCH_BYTES, sumsBytes / 2));
  const fittingRows = Math.floor((room - haloBytes) / rowBytes);
  const fittingImages = Math.floor(room / (haloBytes + g.outHeight * rowBytes));
  const images = Math.min(fittingImages, Math.ceil(UNIT_PIXELS / imagePixels), Math.ceil(g.batch / chunks));
  const cut = cutBatch(g.batch, g.outHeight, fittingRows, images);
  const shares = Math.min(cut.units, chunks);

  const blockPanels = Math.max(1, Math.ceil((columnPanels * Math.min(shares, TASKS)) / TASKS));
  const phaseLines = Math.ceil(((cut.bandRows - 1) * g.strideHeight + g.kernelHeight) / g.strideHeight);
  const packedImageBytes = g.strideHeight * phaseLines * packedLineBytes;
  const groupBytes = cut.unitImages * packedImageBytes;
  const packedX = 64 * Math.ceil(lines.lineBytes / 64 + 1);
  const packedDy = packedX + groups * groupBytes;
  return {
    ...cut,
    ...lines,
    shares,
    columnPanels,
    blockPanels,
    columnBlocks: Math.ceil(columnPanels / blockPanels),
    groups,
    groupBytes,
    packedImageBytes,
    packedLineBytes,
    phaseLines,
    packedX,
    packedDy,
    scratchBytes: packedDy + cut.unitImages * cut.bandRows * g.outWidth * blockPanels * B_STEP_BYTES,
    sumsBytes,
    sumsRowBytes,
  };
}

/** A task packs and multiplies the units of one chunk, for one block of columns. */
function gradWeightTask(module: ModuleBuilder, tapBytes: number): void {
  const packX = packLines(module, tapBytes);
  const packDy = copyPanel(module, TILE_COLUMNS);
  const tile = tileFunction(module, PACKED_A);
  module.task((f, args, index) => {
    const word = words.reader(args);
    const chunk = f.let(i32.divU(index, word("columnBlocks")));
    const scratch = f.let(i32.add(word("scratch"), i32.mul(index, word("scratchBytes"))));
    const firstPanel = f.let(i32.mul(i32.remU(index, word("columnBlocks")), word("blockPanels")));
    const lastPanel = f.let(minU(i32.add(firstPanel, word("blockPanels")), word("columnPanels")));
    const sums = f.let(i32.add(word("sums"), i32.mul(chunk, word("sumsBytes"))));

    forUnits(f, word, chunk, ({ firstImage, images, firstRow, rows }, isFirst) => {
      const packedImage = f.let(i32.add(scratch, word("packedX")));
      f.forRange(firstImage, i32.add(firstImage, images), 1, (image) => {
        f.call(packX, args, image, firstRow, rows, scratch, packedImage);
        f.increment(packedImage, word("packedImageBytes"));
      });
      const steps = f.let(i32.mul(rows, word("outWidth")));
      const allSteps = f.let(i32.mul(images, steps));
      const firstPixel = i32.add(i32.mul(firstImage, word("outHeight")), firstRow);
      const pixelBytes = f.let(i32.shl(word("outChannels"), 2));
      const dy = f.let(i32.mul(i32.mul(firstPixel, word("outWidth")), pixelBytes));
      f.increment(dy, word("dy"));
      const b = f.let(i32.add(scratch, word("packedDy")));
      f.forRange(firstPanel, lastPanel, 1, (panel) => {
        const column = f.let(i32.mul(panel, TILE_COLUMNS));
        const present = minU(i32.sub(word("outChannels"), column), i32.const(TILE_COLUMNS));
        f.call(packDy, i32.add(dy, i32.shl(column, 2)), pixelBytes, allSteps, present, b);

        const c = f.let(i32.add(sums, i32.mul(panel, B_STEP_BYTES)));
        const tileBytes = f.let(i32.mul(word("sumsRowBytes"), TILE_ROWS));
        const tapRowBytes = f.let(i32.mul(word("groups"), tileBytes));
        const a = f.let(i32.add(scratch, word("packedX")));
        f.forRange(0, word("groups"), 1, () => {
          f.forRange(0, word("kernelHeight"), 1, (ky) => {
            const aLine = i32.add(a, i32.mul(sortedLine(word, ky), word("packedLineBytes")));
            const operands = [aLine, images, word("packedImageBytes"), steps, b] as const;
            const cLine = i32.add(c, i32.mul(ky, tapRowBytes));
            const accumulate = i32.eqz(isFirst);
            f.call(tile, ...operands, cLine, word("sumsRowBytes"), TILE_ROWS, TILE_COLUMNS, accumulate);
          });
          f.increment(a, word("groupBytes"));
          f.increment(c, tileBytes);
        });
      });
    });
  });
}

/** Position of a line among those sorted by line mod strideHeight. */
const sortedLine = (word: ReturnType<typeof words.reader>, line: Value<"i32">): Value<"i32"> =>
  i32.add(
    i32.mul(i32.remU(line, word("strideHeight")), word("phaseLines")),
    i32.divU(line, word("strideHeight")),
  );

/**
 * (args, image, firstRow, rows, line, to): packs the lines of an image that the output rows meet, one padded line
 * after another, into [group][sorted line][ox][4].
 */
function packLines(module: ModuleBuilder, tapBytes: number) {
  const writeLine = lineFunction(module, (args) => words.reader(args));
  const params = ["i32", "i32", "i32", "i32", "i32", "i32"] as const;
  return module.func({ params }, (f, args, image, firstRow, rows, line, to) => {
    const word = words.reader(args);
    const firstLine = f.let(i32.mul(firstRow, word("strideHeight")));
    const lines = i32.add(i32.mul(i32.sub(rows, 1), word("strideHeight")), word("kernelHeight"));
    f.forRange(0, lines, 1, (i) => {
      f.call(writeLine, args, image, i32.add(firstLine, i), line);
      const group = f.let(line);
      const out = f.let(i32.add(to, i32.mul(sortedLine(word, i), word("packedLineBytes"))));
      f.forRange(0, word("groups"), 1, () => {
        const window = f.let(group);
        f.forRange(out, i32.add(out, word("packedLineBytes")), PACKED_A.stepBytes, (at) => {
          f.store(at, v128.load(window));
          f.increment(window, tapBytes);
        });
        f.increment(group, PACKED_A.stepBytes);
        f.increment(out, word("groupBytes"));
      });
    });
  });
}
