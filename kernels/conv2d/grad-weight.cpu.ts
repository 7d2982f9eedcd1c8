/**
 * The gradient of the weights on the CPU: a matrix product with one row for each (ky, kx, ci), one column for each co,
 * and a step in k for each output pixel of the batch.
 *
 * In a padded line the kernelWidth * inChannels elements of a window are neighbours. Groups of four of them are packed,
 * for each output column, into [group][line][ox][4]: then the left operand of tap row ky is this array from line ky on,
 * one run for a whole image. (With a stride, lines are sorted by line mod strideHeight, so that those which tap row ky
 * meets are neighbours again. If windows are dilated, only the inChannels elements of one tap are neighbours: then each tap
 * column has groups of its own.)
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
import { minU, runTasks, Words } from "../../engine/backends/cpu/task.ts";
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
import { chunkCount } from "./chunks.ts";
import { depthwiseGradWeight } from "./depthwise-grad-weight.cpu.ts";
import { isDepthwise } from "./depthwise.cpu.ts";
import { conv2dOperations, oneGroup } from "./geometry.ts";
import type { ConvGeometry } from "./geometry.ts";
import { fromChannel, imagesAt, lineCount, lineFunction, linesOf, lineWords } from "./lines.cpu.ts";
import type { Images } from "./lines.cpu.ts";
import { withMergedGradient } from "./merge-groups.cpu.ts";
import { cutBatch, forUnits, unitWords } from "./units.cpu.ts";
import { winogradGradWeight } from "./winograd/grad-weight.cpu.ts";
import { gradWeightTile } from "./winograd/winograd.ts";

/** Packed operands that a task keeps at a time: a part of L2; more where the sums do not fit there either. */
const SCRATCH_BYTES = 1 << 19;
const MOST_SCRATCH_BYTES = 1 << 22;
/** With fewer pixels in a unit, its sums would be added to the chunk's too often. */
const UNIT_PIXELS = 512;
/** Where there are fewer chunks, columns are divided among tasks too. Each of them packs x again. */
const TASKS = 8;

// prettier-ignore
const words = new Words([
  ...unitWords, ...lineWords,
  "outWidth", "outChannels", "kernelHeight", "strideHeight", "dilationHeight", "windowLines", "dy", "dyPixelBytes",
  "tapColumns", "tapBytes", "tapGroups", "rowGroups", "groupBytes", "packedImageBytes", "packedLineBytes", "phaseLines",
  "columnPanels", "columnBlocks", "blockPanels",
  "scratch", "scratchBytes", "packedX", "packedDy", "sums", "sumsBytes", "sumsRowBytes",
]);

/** dw, the gradient of the weights. */
export function gradWeightOnCpu(
  machine: Machine,
  g: ConvGeometry,
  [x = 0, dy = 0]: readonly Pointer[],
  [dw = 0]: readonly Pointer[],
  tileOf: typeof gradWeightTile = gradWeightTile,
): void {
  const images = imagesAt(x, g.height, g.width, g.inChannels);
  const dyImages = imagesAt(dy, g.outHeight, g.outWidth, g.outChannels);
  if (isDepthwise(g)) {
    depthwiseGradWeight(machine, g, images, dyImages, dw);
    return;
  }
  const m = tileOf(g);
  if (m !== undefined) {
    winogradGradWeight(machine, g, m, images, dyImages, dw);
    return;
  }
  withMergedGradient(machine, g, dw, (merged, mergedDw) => {
    denseGradWeight(machine, merged, images, dy, mergedDw);
  });
}

/** One group of channels after another. */
function denseGradWeight(machine: Machine, g: ConvGeometry, x: Images, dy: Pointer, dw: Pointer): void {
  const group = oneGroup(g);
  const plan = planOf(group);
  const tasks = plan.shares * plan.columnBlocks;
  const scratch = machine.heap.alloc(tasks * plan.scratchBytes + plan.shares * plan.sumsBytes);
  const sums = scratch + tasks * plan.scratchBytes;
  const pixelBytes = 4 * g.outChannels;
  try {
    const stepBytes = 4 * g.strideWidth * group.inChannels;
    const program = machine.program(`conv2dGradWeight ${stepBytes}`, (module) => {
      gradWeightTask(module, stepBytes);
    });
    for (let i = 0; i < g.groups; i++) {
      const lines = linesOf(group, fromChannel(x, i * group.inChannels));
      const [ownDy, ownDw] = [dy + 4 * i * group.outChannels, dw + 4 * i * group.outChannels];
      const own = { dy: ownDy, dyPixelBytes: pixelBytes, scratch, sums };
      const args = words.list(Object.assign(own, group, plan, lines));
      runTasks(machine, program, tasks, args, conv2dOperations(group));
      addChunks(machine, Object.assign({ sums, dw: ownDw, dwRowBytes: pixelBytes }, group, plan));
    }
  } finally {
    machine.heap.free(scratch);
  }
}

/** How the work is cut and where things lie, all from the geometry alone. */
function planOf(g: ConvGeometry) {
  // The rows of dw that are neighbours in a line are grouped together: those of all taps of a row, or of one tap.
  const tapColumns = g.dilationWidth > 1 ? g.kernelWidth : 1;
  const tapRows = (g.kernelWidth * g.inChannels) / tapColumns;
  const tapGroups = Math.ceil(tapRows / TILE_ROWS);
  const rowGroups = tapColumns * tapGroups;
  const columnPanels = Math.ceil(g.outChannels / TILE_COLUMNS);
  const sumsRowBytes = columnPanels * B_STEP_BYTES;
  const sumsBytes = g.kernelHeight * rowGroups * TILE_ROWS * sumsRowBytes;
  const chunks = chunkCount(g, sumsBytes);

  // Output rows and images whose packed operands fit. A band or image packs up to a window's lines of x more.
  const imagePixels = g.outHeight * g.outWidth;
  const packedLineBytes = g.outWidth * PACKED_A.stepBytes;
  const rowBytes = rowGroups * g.strideHeight * packedLineBytes + g.outWidth * sumsRowBytes;
  const haloBytes = rowGroups * lineCount(g, 1) * packedLineBytes;
  const room = Math.max(SCRATCH_BYTES, Math.min(MOST_SCRATCH_BYTES, sumsBytes / 2));
  const fittingRows = Math.floor((room - haloBytes) / rowBytes);
  const fittingImages = Math.floor(room / (haloBytes + g.outHeight * rowBytes));
  const images = Math.min(fittingImages, Math.ceil(UNIT_PIXELS / imagePixels), Math.ceil(g.batch / chunks));
  const cut = cutBatch(g.batch, g.outHeight, fittingRows, images);
  const shares = Math.min(cut.units, chunks);

  const blockPanels = Math.max(1, Math.ceil((columnPanels * Math.min(shares, TASKS)) / TASKS));
  const phaseLines = Math.ceil(lineCount(g, cut.bandRows) / g.strideHeight);
  const packedImageBytes = g.strideHeight * phaseLines * packedLineBytes;
  const groupBytes = cut.unitImages * packedImageBytes;
  const { lineBytes, channelBytes } = linesOf(g, imagesAt(0, g.height, g.width, g.inChannels));
  const packedX = 64 * Math.ceil(lineBytes / 64 + 1);
  const packedDy = packedX + rowGroups * groupBytes;
  // prettier-ignore
  return Object.assign({}, cut, {
    shares, windowLines: lineCount(g, 1), columnPanels, blockPanels,
    columnBlocks: Math.ceil(columnPanels / blockPanels),
    tapColumns, tapRows, tapGroups, tapBytes: g.dilationWidth * channelBytes,
    rows: g.kernelHeight * tapColumns * tapRows, groupRows: tapGroups * TILE_ROWS,
    rowGroups, groupBytes, packedImageBytes, packedLineBytes, phaseLines, packedX, packedDy,
    scratchBytes: packedDy + cut.unitImages * cut.bandRows * g.outWidth * blockPanels * B_STEP_BYTES,
    sumsBytes, sumsRowBytes,
  });
}

/** A task packs and multiplies the units of one chunk, for one block of columns. */
function gradWeightTask(module: ModuleBuilder, stepBytes: number): void {
  const packX = packLines(module, stepBytes);
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
      const pixelBytes = f.let(word("dyPixelBytes"));
      const dy = f.let(i32.mul(i32.mul(firstPixel, word("outWidth")), pixelBytes));
      f.increment(dy, word("dy"));
      const b = f.let(i32.add(scratch, word("packedDy")));
      f.forRange(firstPanel, lastPanel, 1, (panel) => {
        const column = f.let(i32.mul(panel, TILE_COLUMNS));
        const present = minU(i32.sub(word("outChannels"), column), i32.const(TILE_COLUMNS));
        f.call(packDy, i32.add(dy, i32.shl(column, 2)), pixelBytes, allSteps, present, b);

        const c = f.let(i32.add(sums, i32.mul(panel, B_STEP_BYTES)));
        const tileBytes = f.let(i32.mul(word("sumsRowBytes"), TILE_ROWS));
        const tapRowBytes = f.let(i32.mul(word("rowGroups"), tileBytes));
        const a = f.let(i32.add(scratch, word("packedX")));
        f.forRange(0, word("rowGroups"), 1, () => {
          f.forRange(0, word("kernelHeight"), 1, (ky) => {
            const line = f.let(i32.mul(ky, word("dilationHeight")));
            const aLine = i32.add(a, i32.mul(sortedLine(word, line), word("packedLineBytes")));
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
function packLines(module: ModuleBuilder, stepBytes: number) {
  const writeLine = lineFunction(module, (args) => words.reader(args));
  const params = ["i32", "i32", "i32", "i32", "i32", "i32"] as const;
  return module.func({ params }, (f, args, image, firstRow, rows, line, to) => {
    const word = words.reader(args);
    const firstLine = f.let(i32.mul(firstRow, word("strideHeight")));
    const lines = i32.add(i32.mul(i32.sub(rows, 1), word("strideHeight")), word("windowLines"));
    f.forRange(0, lines, 1, (i) => {
      f.call(writeLine, args, image, i32.add(firstLine, i), line);
      const tap = f.let(line);
      const out = f.let(i32.add(to, i32.mul(sortedLine(word, i), word("packedLineBytes"))));
      f.forRange(0, word("tapColumns"), 1, () => {
        const group = f.let(tap);
        f.forRange(0, word("tapGroups"), 1, () => {
          const window = f.let(group);
          f.forRange(out, i32.add(out, word("packedLineBytes")), PACKED_A.stepBytes, (at) => {
            f.store(at, v128.load(window));
            f.increment(window, stepBytes);
          });
          f.increment(group, PACKED_A.stepBytes);
          f.increment(out, word("groupBytes"));
        });
        f.increment(tap, word("tapBytes"));
      });
    });
  });
}
