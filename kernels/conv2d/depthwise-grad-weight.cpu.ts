/**
 * The gradient of the weights of a depthwise convolution on the CPU: for every tap and channel a sum over the output
 * pixels, four neighbouring channels in the lanes of a vector.
 *
 * Along a row of output pixels the sums of up to 7 taps stay in registers: a pixel takes one vector of dy, and one of x
 * for each tap. (With 8 taps there are not registers enough, since V8 moves the loads to the front: half the speed.)
 * Taps are at constant distances in the padded lines, so the code is written for one geometry. Sums are kept in chunks as
 * those of dense convolutions are (see `grad-weight.cpu.ts`).
 */
import { f32x4, i32, v128 } from "../../engine/backends/cpu/assembler.ts";
import type { ModuleBuilder } from "../../engine/backends/cpu/assembler.ts";
import { runTasks, Words } from "../../engine/backends/cpu/task.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";
import { addChunks } from "./add-chunks.cpu.ts";
import { chunkCount } from "./chunks.ts";
import { eachChannelBlock } from "./depthwise.cpu.ts";
import { conv2dOperations } from "./geometry.ts";
import type { ConvGeometry } from "./geometry.ts";
import { fromChannel, lineCount, lineFunction, linesOf, lineWords } from "./lines.cpu.ts";
import type { Images } from "./lines.cpu.ts";
import { cutBatch, forUnits, unitWords } from "./units.cpu.ts";

/** Sums that stay in registers, beside as many vectors of x and one of dy. */
const MOST_SUMS = 7;
/** Padded lines that a task keeps at a time: a part of L2. */
const SCRATCH_BYTES = 1 << 18;

// prettier-ignore
const words = new Words([
  ...unitWords, ...lineWords,
  "outWidth", "inChannels", "strideHeight", "windowLines", "dy", "dyRowBytes", "scratch", "scratchBytes", "sums", "sumsBytes", "sumsRowBytes",
]);

/** dw [kernelHeight, kernelWidth, 1, channels] from the images x and dy. */
export function depthwiseGradWeight(
  machine: Machine,
  g: ConvGeometry,
  x: Images,
  dy: Images,
  dw: Pointer,
): void {
  eachChannelBlock(g, (first, block) => {
    const own = [fromChannel(x, first), fromChannel(dy, first), dw + 4 * first] as const;
    blockGradWeight(machine, block, ...own, 4 * g.outChannels);
  });
}

/** The gradient for the channels of one block; rows of dw are `dwRowBytes` apart. */
function blockGradWeight(
  machine: Machine,
  g: ConvGeometry,
  x: Images,
  dy: Images,
  dw: Pointer,
  dwRowBytes: number,
): void {
  const lines = linesOf(g, x);
  const rows = g.kernelHeight * g.kernelWidth;
  const sumsRowBytes = 16 * Math.ceil(g.inChannels / 4);
  const sumsBytes = rows * sumsRowBytes;
  const fittingRows = Math.floor((SCRATCH_BYTES / lines.lineBytes - lineCount(g, 1)) / g.strideHeight) + 1;
  const units = cutBatch(g.batch, g.outHeight, fittingRows, 1);
  const shares = Math.min(units.units, chunkCount(g, sumsBytes));
  const scratchBytes = 64 * Math.ceil((lineCount(g, units.bandRows) * lines.lineBytes) / 64 + 1);
  const scratch = machine.heap.alloc(shares * (scratchBytes + sumsBytes));
  const sums = scratch + shares * scratchBytes;
  const geometry = {
    pixelBytes: dy.pixelBytes,
    stepBytes: g.strideWidth * lines.channelBytes,
    rowStepBytes: g.strideHeight * lines.lineBytes,
    taps: tapsOf(g, lines.lineBytes, lines.channelBytes),
  };
  try {
    const program = machine.program(`depthwiseGradWeight ${JSON.stringify(geometry)}`, (module) => {
      gradWeightTask(module, geometry);
    });
    const own = { shares, windowLines: lineCount(g, 1), dy: dy.at, dyRowBytes: dy.rowBytes };
    const args = words.list(
      Object.assign({ ...own, scratch, scratchBytes, sums, sumsBytes, sumsRowBytes }, g, lines, units),
    );
    runTasks(machine, program, shares, args, conv2dOperations(g));
    const { outChannels } = g;
    const sumsOf = { shares, sums, sumsBytes, sumsRowBytes, tapRows: rows, groupRows: rows };
    addChunks(machine, { ...sumsOf, rows, outChannels, dw, dwRowBytes });
  } finally {
    machine.heap.free(scratch);
  }
}

/** Distances in bytes that the code depends on: those of the taps from the first element of their window. */
interface TapGeometry {
  readonly pixelBytes: number;
  readonly stepBytes: number;
  readonly rowStepBytes: number;
  readonly taps: readonly number[];
}

const tapsOf = (g: ConvGeometry, lineBytes: number, pixelBytes: number): number[] =>
  Array.from({ length: g.kernelHeight * g.kernelWidth }, (_, tap) => {
    const ky = Math.floor(tap / g.kernelWidth);
    const kx = tap - ky * g.kernelWidth;
    return ky * g.dilationHeight * lineBytes + kx * g.dilationWidth * pixelBytes;
  });

/** A task pads the lines of its units and sums over their pixels. */
function gradWeightTask(module: ModuleBuilder, geometry: TapGeometry): void {
  const writeLine = lineFunction(module, (args) => words.reader(args));
  const sumRow = rowFunction(module, geometry);
  module.task((f, args, index) => {
    const word = words.reader(args);
    const scratch = f.let(i32.add(word("scratch"), i32.mul(index, word("scratchBytes"))));
    const sums = f.let(i32.add(word("sums"), i32.mul(index, word("sumsBytes"))));
    f.memoryFill(sums, 0, word("sumsBytes"));
    forUnits(f, word, index, ({ firstImage, images, firstRow, rows }) => {
      f.forRange(firstImage, i32.add(firstImage, images), 1, (image) => {
        const line = f.let(scratch);
        const firstLine = f.let(i32.mul(firstRow, word("strideHeight")));
        const lines = i32.add(i32.mul(i32.sub(rows, 1), word("strideHeight")), word("windowLines"));
        f.forRange(firstLine, i32.add(firstLine, lines), 1, (i) => {
          f.call(writeLine, args, image, i, line);
          f.increment(line, word("lineBytes"));
        });
        const firstPixelRow = i32.add(i32.mul(image, word("outHeight")), firstRow);
        const dy = f.let(i32.add(word("dy"), i32.mul(firstPixelRow, word("dyRowBytes"))));
        const x = f.let(scratch);
        f.forRange(0, rows, 1, () => {
          f.call(sumRow, args, x, dy, sums);
          f.increment(x, geometry.rowStepBytes);
          f.increment(dy, word("dyRowBytes"));
        });
      });
    });
  });
}

/** (args, x, dy, sums): adds the products of one row of output pixels. */
function rowFunction(module: ModuleBuilder, { pixelBytes, stepBytes, taps }: TapGeometry) {
  return module.func({ params: ["i32", "i32", "i32", "i32"] }, (f, args, x, dy, sums) => {
    const word = words.reader(args);
    const channels = f.let(word("inChannels"));
    const end = f.let(i32.mul(word("outWidth"), pixelBytes));
    const size = Math.ceil(taps.length / Math.ceil(taps.length / MOST_SUMS));
    for (let first = 0; first < taps.length; first += size) {
      const own = taps.slice(first, first + size);
      const totals = own.map(() => f.local("v128"));
      const firstSum = f.let(i32.add(sums, i32.mul(word("sumsRowBytes"), first)));
      f.forRange(0, channels, 4, (channel) => {
        const channelBytes = f.let(i32.shl(channel, 2));
        const window = f.let(i32.add(x, channelBytes));
        const from = f.let(i32.add(dy, channelBytes));
        for (const total of totals) f.set(total, f32x4.const(0));
        f.forRange(from, i32.add(from, end), pixelBytes, (at) => {
          const gradient = f.let(v128.load(at));
          own.forEach((tap, i) => {
            const total = totals[i];
            if (total) f.set(total, f.madd(v128.load(window, tap), gradient, total));
          });
          f.increment(window, stepBytes);
        });
        const sum = f.let(i32.add(firstSum, channelBytes));
        for (const total of totals) {
          f.store(sum, f32x4.add(v128.load(sum), total));
          f.increment(sum, word("sumsRowBytes"));
        }
      });
    }
  });
}
