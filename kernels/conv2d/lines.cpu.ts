/**
 * The padded lines of an image, for the convolution passes on the CPU: a line is one row of pixels, copied into scratch
 * memory with zeros where windows reach over its ends, so that the loops over windows need no tests. Rows above and below
 * the image are lines of zeros. Where images have more channels than are wanted, lines hold only those.
 */
import { f32x4, i32, v128 } from "../../engine/backends/cpu/assembler.ts";
import type {
  Func,
  FunctionBuilder,
  ModuleBuilder,
  Operand,
  Value,
} from "../../engine/backends/cpu/assembler.ts";
import type { Pointer } from "../../engine/kernel.ts";
import { windowSpan } from "../window.ts";
import type { ConvGeometry } from "./geometry.ts";

/** Images in memory, with the distances in bytes between their pixels, rows of pixels, and one another. */
export interface Images {
  readonly at: Pointer;
  readonly pixelBytes: number;
  readonly rowBytes: number;
  readonly imageBytes: number;
}

/** Images [height, width, channels] one after another. */
export function imagesAt(at: Pointer, height: number, width: number, channels: number): Images {
  const rowBytes = 4 * width * channels;
  return { at, pixelBytes: 4 * channels, rowBytes, imageBytes: height * rowBytes };
}

/** The same images from one of their channels on. */
export const fromChannel = (images: Images, channel: number): Images => ({
  ...images,
  at: images.at + 4 * channel,
});

/** Argument words that tell a task of lines: those of {@link linesOf} and two of the geometry. */
// prettier-ignore
export const lineWords = [
  "height", "padTop", "from", "fromPixelBytes", "fromRowBytes", "fromImageBytes",
  "channelBytes", "lineBytes", "zerosBefore", "skipped", "copied", "zerosAfter",
] as const;
type Reader = (name: (typeof lineWords)[number]) => Value<"i32">;

/**
 * What lines of inChannels channels are made of, in bytes: zeros, a part of the row of pixels (a negative padLeft leaves
 * out its beginning, and windows need not reach its end), and zeros.
 */
export function linesOf(g: ConvGeometry, from: Images) {
  const channelBytes = 4 * g.inChannels;
  const lineWidth = Math.max(
    0,
    (g.outWidth - 1) * g.strideWidth + windowSpan(g.kernelWidth, g.dilationWidth),
  );
  const before = Math.min(Math.max(g.padLeft, 0), lineWidth);
  const skipped = Math.min(Math.max(-g.padLeft, 0), g.width);
  const copied = Math.min(g.width - skipped, lineWidth - before);
  return {
    from: from.at,
    fromPixelBytes: from.pixelBytes,
    fromRowBytes: from.rowBytes,
    fromImageBytes: from.imageBytes,
    channelBytes,
    lineBytes: lineWidth * channelBytes,
    zerosBefore: before * channelBytes,
    skipped: skipped * from.pixelBytes,
    copied: copied * channelBytes,
    zerosAfter: (lineWidth - before - copied) * channelBytes,
  };
}

/** The convolution whose outputs fill whole tiles of `tile` rows and columns: its lines reach to the end of the last ones. */
export const wholeTiles = (g: ConvGeometry, tile: number): ConvGeometry => ({
  ...g,
  outHeight: tile * Math.ceil(g.outHeight / tile),
  outWidth: tile * Math.ceil(g.outWidth / tile),
});

/** Lines that `rows` output rows meet. */
export const lineCount = (g: ConvGeometry, rows: number): number =>
  (rows - 1) * g.strideHeight + windowSpan(g.kernelHeight, g.dilationHeight);

const params = ["i32", "i32", "i32", "i32"] as const;

/** (args, image, line, to): writes line number `line` of an image, 0 being the topmost of the padding. */
export type LineFunction = Func<typeof params, undefined>;

/**
 * Adds the function that writes one padded line. It writes whole vectors: up to 12 bytes behind the line change, so
 * lines that follow one another are to be written in this order.
 */
export function lineFunction(
  module: ModuleBuilder,
  readerOf: (args: Operand<"i32">) => Reader,
): LineFunction {
  return module.func({ params }, (f, args, image, line, to) => {
    const word = readerOf(args);
    const zeros = (bytes: Value<"i32">): void => {
      f.forRange(0, bytes, 16, (at) => {
        f.store(i32.add(to, at), f32x4.const(0));
      });
      f.increment(to, bytes);
    };
    const copy = (bytes: Value<"i32">): void => {
      f.forRange(0, bytes, 16, (at) => {
        f.store(i32.add(to, at), v128.load(i32.add(from, at)));
      });
      f.increment(to, bytes);
    };
    const y = f.let(i32.sub(line, word("padTop")));
    const from = f.let(i32.add(word("from"), i32.mul(image, word("fromImageBytes"))));
    f.increment(from, i32.add(i32.mul(y, word("fromRowBytes")), word("skipped")));
    zeros(word("zerosBefore"));
    f.if(
      i32.ltU(y, word("height")), // unsigned: rows above the image are not below its height
      () => {
        f.if(
          i32.eq(word("fromPixelBytes"), word("channelBytes")),
          () => {
            copy(word("copied"));
          },
          () => {
            const end = f.let(i32.add(to, word("copied")));
            const channelBytes = f.let(word("channelBytes"));
            f.block((done) => {
              f.loop((nextPixel) => {
                f.brIf(done, i32.geU(to, end));
                copy(channelBytes);
                f.increment(from, word("fromPixelBytes"));
                f.br(nextPixel);
              });
            });
          },
        );
      },
      () => {
        zeros(word("copied"));
      },
    );
    zeros(word("zerosAfter"));
  });
}

/** Writes the code that pads the lines of some images of a unit, `lines` of each from `firstLine` on, one after another. */
export function writeLines(
  f: FunctionBuilder,
  write: LineFunction,
  unit: Readonly<
    Record<"args" | "firstImage" | "images" | "firstLine" | "lines" | "to" | "lineBytes", Value<"i32">>
  >,
): void {
  const { args, firstImage, images, firstLine, lines, lineBytes } = unit;
  const to = f.let(unit.to);
  f.forRange(firstImage, i32.add(firstImage, images), 1, (image) => {
    f.forRange(firstLine, i32.add(firstLine, lines), 1, (line) => {
      f.call(write, args, image, line, to);
      f.increment(to, lineBytes);
    });
  });
}
