/**
 * The padded lines of an image, for the convolution passes on the CPU: a line is one row of pixels, copied into scratch
 * memory with zeros where windows reach over its ends, so that the loops over windows need no tests. Rows above and below
 * the image are lines of zeros.
 */
import { f32x4, i32, v128 } from "../../engine/backends/cpu/assembler.ts";
import type { Func, ModuleBuilder, Operand, Value } from "../../engine/backends/cpu/assembler.ts";
import type { ConvGeometry } from "./geometry.ts";

/** Argument words that tell a task of lines: those of {@link linesOf}, two of the geometry, and the images' address. */
// prettier-ignore
export const lineWords = [
  "from", "height", "padTop", "rowBytes", "imageBytes",
  "lineBytes", "zerosBefore", "skipped", "copied", "zerosAfter",
] as const;
type Reader = (name: (typeof lineWords)[number]) => Value<"i32">;

/**
 * What lines are made of, in bytes: zeros, a part of the row of pixels (a negative padLeft leaves out its beginning, and
 * windows need not reach its end), and zeros.
 */
export function linesOf(g: ConvGeometry) {
  const pixelBytes = 4 * g.inChannels;
  const lineWidth = Math.max(0, (g.outWidth - 1) * g.strideWidth + g.kernelWidth);
  const before = Math.min(Math.max(g.padLeft, 0), lineWidth);
  const skipped = Math.min(Math.max(-g.padLeft, 0), g.width);
  const copied = Math.min(g.width - skipped, lineWidth - before);
  return {
    rowBytes: g.width * pixelBytes,
    imageBytes: g.height * g.width * pixelBytes,
    lineBytes: lineWidth * pixelBytes,
    zerosBefore: before * pixelBytes,
    skipped: skipped * pixelBytes,
    copied: copied * pixelBytes,
    zerosAfter: (lineWidth - before - copied) * pixelBytes,
  };
}

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
    const y = f.let(i32.sub(line, word("padTop")));
    const from = f.let(i32.add(word("from"), i32.mul(image, word("imageBytes"))));
    f.increment(from, i32.add(i32.mul(y, word("rowBytes")), word("skipped")));
    zeros(word("zerosBefore"));
    f.if(
      i32.ltU(y, word("height")), // unsigned: rows above the image are not below its height
      () => {
        f.forRange(0, word("copied"), 16, (at) => {
          f.store(i32.add(to, at), v128.load(i32.add(from, at)));
        });
        f.increment(to, word("copied"));
      },
      () => {
        zeros(word("copied"));
      },
    );
    zeros(word("zerosAfter"));
  });
}
