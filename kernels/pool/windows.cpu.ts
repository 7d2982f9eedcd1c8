/**
 * Loops over windows on the CPU, four neighbouring channels in the lanes of a vector. Taps outside of the image are left
 * out by the bounds of the loops, so that nothing is padded and the innermost loops have no tests.
 *
 * Bound: memory, or one load and a few operations for each tap and four channels.
 */
import { i32, select } from "../../engine/backends/cpu/assembler.ts";
import type { FunctionBuilder, Local, ModuleBuilder, Value } from "../../engine/backends/cpu/assembler.ts";
import { minU, runTasks, Words } from "../../engine/backends/cpu/task.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";
import type { PoolGeometry } from "./geometry.ts";

const words = new Words([
  ...(["height", "width", "channels", "outHeight", "outWidth", "kernelHeight", "kernelWidth"] as const),
  ...(["strideHeight", "strideWidth", "dilationHeight", "dilationWidth", "padTop", "padLeft"] as const),
  ...(["lines", "taskLines", "p0", "p1", "p2"] as const),
]);
type Reader = ReturnType<typeof words.reader>;

/** A task computes about so many elements. */
const TASK_ELEMENTS = 8192;
/** A tap takes as long as so many operations of a matrix product, by which jobs are small or large. */
const TAP_OPERATIONS = 16;

/** Four channels of one window. */
export interface Window {
  /** Byte offset in arrays of y's shape. */
  readonly offset: Local<"i32">;
  /** How many of the four channels there are, if fewer. */
  readonly lanes: Local<"i32">;
  /** The first tap on the image, as its pixel's number in the image. */
  readonly firstPixel: Local<"i32">;
  /** Writes loops over the taps on the image: the byte offset in arrays of x's shape, and the pixel's number. */
  readonly forTaps: (visit: (offset: Local<"i32">, pixel: Local<"i32">) => void) => void;
}

/** Four channels of a tap of a window. */
export interface Tap {
  /** Byte offsets in arrays of x's and y's shape. */
  readonly xOffset: Value<"i32">;
  readonly yOffset: Value<"i32">;
  /** Number of the tap's pixel in the image. */
  readonly pixel: Local<"i32">;
  /** How many of the four channels there are, if fewer. */
  readonly lanes: Local<"i32">;
}

/** Addresses of up to three buffers, for the body of a loop. */
export type Buffers = readonly [Value<"i32">, Value<"i32">, Value<"i32">];

/**
 * Runs `body` for every window and four channels: it computes an element of each array of y's shape. `key` tells the body.
 */
export function forEachWindow(
  machine: Machine,
  key: string,
  g: PoolGeometry,
  pointers: readonly Pointer[],
  body: (f: FunctionBuilder, window: Window, buffers: Buffers) => void,
): void {
  runLines(machine, `${key}, by windows`, g, g.outHeight, g.outWidth, pointers, (module) => {
    lineTask(module, (f, word, line, buffers) => {
      const image = f.let(i32.divU(line, word("outHeight")));
      const oy = i32.remU(line, word("outHeight"));
      const top = f.let(i32.sub(i32.mul(oy, word("strideHeight")), word("padTop")));
      const rows = tapsWithin(f, top, word("kernelHeight"), word("dilationHeight"), word("height"));
      const firstRow = f.let(i32.add(top, i32.mul(rows.first, word("dilationHeight"))));
      const pixelBytes = f.let(i32.shl(word("channels"), 2));
      const imagePixels = i32.mul(word("height"), word("width"));
      const imageOffset = f.let(i32.mul(i32.mul(image, imagePixels), pixelBytes));
      const tapPixels = f.let(word("dilationWidth"));
      const rowPixels = f.let(i32.mul(word("dilationHeight"), word("width")));
      const left = f.let(i32.sub(0, word("padLeft")));
      const yOffset = f.let(i32.mul(i32.mul(line, word("outWidth")), pixelBytes));
      f.forRange(0, word("outWidth"), 1, () => {
        const columns = tapsWithin(f, left, word("kernelWidth"), tapPixels, word("width"));
        const firstColumn = i32.add(left, i32.mul(columns.first, tapPixels));
        const firstPixel = f.let(i32.add(i32.mul(firstRow, word("width")), firstColumn));
        const xOffset = f.let(i32.add(imageOffset, i32.mul(firstPixel, pixelBytes)));
        f.forRange(0, word("channels"), 4, (channel) => {
          const forTaps: Window["forTaps"] = (visit) => {
            const rowOffset = f.let(i32.add(xOffset, i32.shl(channel, 2)));
            const rowPixel = f.let(firstPixel);
            f.forRange(rows.first, rows.end, 1, () => {
              const [offset, pixel] = [f.let(rowOffset), f.let(rowPixel)];
              f.forRange(columns.first, columns.end, 1, () => {
                visit(offset, pixel);
                f.increment(offset, i32.mul(tapPixels, pixelBytes));
                f.increment(pixel, tapPixels);
              });
              f.increment(rowOffset, i32.mul(rowPixels, pixelBytes));
              f.increment(rowPixel, rowPixels);
            });
          };
          const offset = f.let(i32.add(yOffset, i32.shl(channel, 2)));
          body(f, { offset, lanes: f.let(i32.sub(word("channels"), channel)), firstPixel, forTaps }, buffers);
        });
        f.increment(left, word("strideWidth"));
        f.increment(yOffset, pixelBytes);
      });
    });
  });
}

/**
 * Fills `pointers[0]`, an array of x's shape, with zeros, and then runs `body` for every tap that is on the image: it adds
 * to that array. A task owns rows of the image and goes through the windows that have taps in them.
 */
export function forEachTap(
  machine: Machine,
  key: string,
  g: PoolGeometry,
  pointers: readonly Pointer[],
  body: (f: FunctionBuilder, tap: Tap, buffers: Buffers) => void,
): void {
  runLines(machine, `${key}, by taps`, g, g.height, g.width, pointers, (module) => {
    lineTask(module, (f, word, line, buffers) => {
      const pixelBytes = f.let(i32.shl(word("channels"), 2));
      const lineOffset = f.let(i32.mul(i32.mul(line, word("width")), pixelBytes));
      f.memoryFill(i32.add(buffers[0], lineOffset), 0, i32.mul(word("width"), pixelBytes));
      const image = f.let(i32.divU(line, word("height")));
      const iy = f.let(i32.remU(line, word("height")));
      const tapPixels = f.let(word("dilationWidth"));
      f.forRange(0, word("kernelHeight"), 1, (ky) => {
        // iy = oy * strideHeight - padTop + ky * dilationHeight: where oy is not whole, this tap is on other rows
        const start = f.let(i32.sub(i32.add(iy, word("padTop")), i32.mul(ky, word("dilationHeight"))));
        const oy = f.let(i32.divS(start, word("strideHeight")));
        const isWhole = i32.eq(i32.mul(oy, word("strideHeight")), start);
        f.if(i32.and(isWhole, i32.ltU(oy, word("outHeight"))), () => {
          const outLine = i32.add(i32.mul(image, word("outHeight")), oy);
          const yOffset = f.let(i32.mul(i32.mul(outLine, word("outWidth")), pixelBytes));
          const left = f.let(i32.sub(0, word("padLeft")));
          f.forRange(0, word("outWidth"), 1, () => {
            const columns = tapsWithin(f, left, word("kernelWidth"), tapPixels, word("width"));
            const column = f.let(i32.add(left, i32.mul(columns.first, tapPixels)));
            f.forRange(columns.first, columns.end, 1, () => {
              const pixel = f.let(i32.add(i32.mul(iy, word("width")), column));
              const xOffset = f.let(i32.add(lineOffset, i32.mul(column, pixelBytes)));
              f.forRange(0, word("channels"), 4, (channel) => {
                const channelBytes = f.let(i32.shl(channel, 2));
                const offsets = {
                  xOffset: i32.add(xOffset, channelBytes),
                  yOffset: i32.add(yOffset, channelBytes),
                };
                body(f, { ...offsets, pixel, lanes: f.let(i32.sub(word("channels"), channel)) }, buffers);
              });
              f.increment(column, tapPixels);
            });
            f.increment(left, word("strideWidth"));
            f.increment(yOffset, pixelBytes);
          });
        });
      });
    });
  });
}

/** The taps first ... end - 1 of a window from `start` (which may be negative) that lie in 0 ... length - 1. */
function tapsWithin(
  f: FunctionBuilder,
  start: Local<"i32">,
  taps: Value<"i32">,
  dilation: Value<"i32">,
  length: Value<"i32">,
) {
  const roundUp = (distance: Value<"i32">): Value<"i32"> =>
    i32.divU(i32.add(distance, i32.sub(dilation, 1)), dilation);
  const positive = (x: Value<"i32">): Value<"i32"> => select(i32.gtS(x, 0), x, i32.const(0));
  const first = f.let(roundUp(positive(i32.sub(0, start))));
  const end = f.let(minU(taps, f.let(roundUp(positive(i32.sub(length, start))))));
  return { first, end };
}

/** Runs a task for every few lines of `height` lines in each image. */
function runLines(
  machine: Machine,
  key: string,
  g: PoolGeometry,
  height: number,
  width: number,
  [p0 = 0, p1 = 0, p2 = 0]: readonly Pointer[],
  build: (module: ModuleBuilder) => void,
): void {
  const lines = g.batch * height;
  const taskLines = Math.max(1, Math.floor(TASK_ELEMENTS / Math.max(1, width * g.channels)));
  const taps = g.kernelHeight * g.kernelWidth * g.batch * g.outHeight * g.outWidth * g.channels;
  const args = words.list(Object.assign({ lines, taskLines, p0, p1, p2 }, g));
  runTasks(machine, machine.program(key, build), Math.ceil(lines / taskLines), args, TAP_OPERATIONS * taps);
}

/** A task runs `body` for each of its lines. */
function lineTask(
  module: ModuleBuilder,
  body: (f: FunctionBuilder, word: Reader, line: Local<"i32">, buffers: Buffers) => void,
): void {
  module.task((f, args, index) => {
    const word = words.reader(args);
    const buffers = [f.let(word("p0")), f.let(word("p1")), f.let(word("p2"))] as const;
    const first = f.let(i32.mul(index, word("taskLines")));
    f.forRange(first, minU(i32.add(first, word("taskLines")), word("lines")), 1, (line) => {
      body(f, word, line, buffers);
    });
  });
}
