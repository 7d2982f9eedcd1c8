/**
 * Depthwise convolution of padded lines: every channel on its own, four neighbouring ones in the lanes of a vector.
 *
 * A tile is 7 output pixels side by side in 4 channels. A tap takes one vector of weights and one of x for each pixel: 8
 * loads for 7 multiply-adds. (A tile of 8 has not registers enough, since V8 moves the loads to the front: half the speed.)
 *
 * Bound: two loads in a cycle, 14 operations/cycle; and memory, since an element of x is read and written once and takes part
 * in only 2 * kernelHeight * kernelWidth operations. Measured on a Zen 4 core at 3.7 GHz: 7 x 7 29 GFLOP/s, 3 x 3 16.
 */
import { f32x4, i32, v128 } from "../../engine/backends/cpu/assembler.ts";
import type { FunctionBuilder, Local, ModuleBuilder } from "../../engine/backends/cpu/assembler.ts";
import { storeLanes, Words } from "../../engine/backends/cpu/task.ts";
import type { Pointer } from "../../engine/kernel.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import { convolve, DIRECT_UNIT, unitSignature } from "./convolve.cpu.ts";
import type { Multiplication, UnitFunction } from "./convolve.cpu.ts";
import type { ConvGeometry } from "./geometry.ts";
import { fromChannel, linesOf } from "./lines.cpu.ts";
import type { Images } from "./lines.cpu.ts";

const TILE_PIXELS = 7;

/** Whether every channel is a group of its own. */
export const isDepthwise = (g: ConvGeometry): boolean =>
  g.groups > 1 && g.groups === g.inChannels && g.groups === g.outChannels;

/** Weights of the taps, [channels] each, with the distances in bytes between rows of taps and taps. May be negative. */
export interface Taps {
  readonly at: Pointer;
  readonly rowBytes: number;
  readonly tapBytes: number;
}

// prettier-ignore
const words = new Words([
  "outWidth", "inChannels", "kernelHeight", "kernelWidth", "taps", "tapsRowBytes", "tapsTapBytes",
  "lineBytes", "rowStepBytes", "tapRowBytes", "tapBytes", "toPixelBytes", "toRowBytes", "toImageBytes",
]);

/**
 * Channels that are convolved at a time. Pixels of more channels, a multiple of 1 KiB apart, would fall on the same few
 * sets of the first-level cache: 512 channels take twice as long.
 */
const BLOCK_CHANNELS = 128;

/** Calls `body` for blocks of neighbouring channels of a depthwise convolution: the first channel, and the block's geometry. */
export function eachChannelBlock(g: ConvGeometry, body: (first: number, block: ConvGeometry) => void): void {
  const blocks = Math.ceil(g.groups / BLOCK_CHANNELS);
  const size = 4 * Math.ceil(g.groups / blocks / 4);
  for (let first = 0; first < g.groups; first += size) {
    const channels = Math.min(size, g.groups - first);
    body(first, { ...g, inChannels: channels, outChannels: channels, groups: channels });
  }
}

/** Computes a depthwise convolution from images to images. */
export function depthwiseConvolve(
  machine: Machine,
  g: ConvGeometry,
  from: Images,
  taps: Taps,
  to: Images,
): void {
  eachChannelBlock(g, (first, block) => {
    const [x, y] = [fromChannel(from, first), fromChannel(to, first)];
    convolve(machine, block, x, multiplication(block, x, { ...taps, at: taps.at + 4 * first }, y), y);
  });
}

/** Multiplication by the weights of taps. */
function multiplication(g: ConvGeometry, from: Images, taps: Taps, to: Images): Multiplication {
  const { lineBytes, channelBytes } = linesOf(g, from);
  const pixelBytes = g.strideWidth * channelBytes;
  const own = {
    taps: taps.at,
    tapsRowBytes: taps.rowBytes,
    tapsTapBytes: taps.tapBytes,
    lineBytes,
    rowStepBytes: g.strideHeight * lineBytes,
    tapRowBytes: g.dilationHeight * lineBytes,
    tapBytes: g.dilationWidth * channelBytes,
    toPixelBytes: to.pixelBytes,
    toRowBytes: to.rowBytes,
    toImageBytes: to.imageBytes,
  };
  return {
    key: `depthwise ${pixelBytes}`,
    write: (module) => unitFunction(module, pixelBytes),
    args: words.list(Object.assign(own, g)),
    // The last tile of the last line is read as if it were whole.
    workspace: TILE_PIXELS * pixelBytes,
    unit: DIRECT_UNIT,
  };
}

/** The tiles of a unit. `pixelBytes` separates windows side by side. */
function unitFunction(module: ModuleBuilder, pixelBytes: number): UnitFunction {
  return module.func(unitSignature, (f, args, lines, images, rows, imageBytes, to) => {
    const word = words.reader(args);
    const channels = f.let(word("inChannels"));
    const toPixelBytes = f.let(word("toPixelBytes"));
    const sums = Array.from({ length: TILE_PIXELS }, () => f.local("v128"));
    f.forRange(0, images, 1, (image) => {
      f.forRange(0, rows, 1, (row) => {
        const x = f.let(i32.add(lines, i32.mul(image, imageBytes)));
        f.increment(x, i32.mul(row, word("rowStepBytes")));
        const y = f.let(i32.add(to, i32.mul(image, word("toImageBytes"))));
        f.increment(y, i32.mul(row, word("toRowBytes")));
        f.forRange(0, word("outWidth"), TILE_PIXELS, (pixel) => {
          const pixels = f.let(i32.sub(word("outWidth"), pixel));
          f.forRange(0, channels, 4, (channel) => {
            const channelBytes = f.let(i32.shl(channel, 2));
            const at = f.let(i32.add(x, channelBytes));
            sumTaps(f, args, sums, at, f.let(i32.add(word("taps"), channelBytes)), pixelBytes);
            const out = f.let(i32.add(y, channelBytes));
            const left = f.let(i32.sub(channels, channel));
            sums.forEach((sum, i) => {
              f.if(i32.gtU(pixels, i), () => {
                storeLanes(f, out, sum, left);
              });
              f.increment(out, toPixelBytes);
            });
          });
          f.increment(x, TILE_PIXELS * pixelBytes);
          f.increment(y, i32.mul(toPixelBytes, TILE_PIXELS));
        });
      });
    });
  });
}

/** sums = the sum over the taps of w times x at each of the pixels. */
function sumTaps(
  f: FunctionBuilder,
  args: Local<"i32">,
  sums: readonly Local<"v128">[],
  x: Local<"i32">,
  w: Local<"i32">,
  pixelBytes: number,
): void {
  const word = words.reader(args);
  for (const sum of sums) f.set(sum, f32x4.const(0));
  const [kernelWidth, tapBytes, tapsTapBytes] = [f.let(word("kernelWidth")), f.let(word("tapBytes")), f.let(word("tapsTapBytes"))]; // prettier-ignore
  f.forRange(0, word("kernelHeight"), 1, () => {
    const tap = f.let(x);
    const weights = f.let(w);
    f.forRange(0, kernelWidth, 1, () => {
      const weight = f.let(v128.load(weights));
      sums.forEach((sum, i) => {
        f.set(sum, f.madd(v128.load(tap, i * pixelBytes), weight, sum));
      });
      f.increment(tap, tapBytes);
      f.increment(weights, tapsTapBytes);
    });
    f.increment(x, word("tapRowBytes"));
    f.increment(w, word("tapsRowBytes"));
  });
}
