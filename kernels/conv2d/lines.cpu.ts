/**
 * The padded lines of an image, for the convolution passes on the CPU: a line is one row of pixels, copied into
 * scratch memory with zeros where windows reach over its ends, so that the loops over windows need no tests.
 */
import { f32x4, i32, v128 } from "../../engine/backends/cpu/assembler.ts";
import type { Func, ModuleBuilder, Operand } from "../../engine/backends/cpu/assembler.ts";

/** Where a source row of `width` pixels lies in its padded line, in bytes: zeros, a part of the row, zeros. */
export interface LineLayout {
  /** Zeros at the start of the line. */
  readonly zerosBefore: number;
  /** Bytes at the start of the row that are left out. */
  readonly skipped: number;
  readonly copied: number;
  /** Zeros at the end of the line. */
  readonly zerosAfter: number;
}

/**
 * The layout of lines of `lineWidth` pixels, whose pixel `padLeft` is the first of the row. `padLeft` may be negative
 * (the line begins inside of the row) or greater than the line is wide.
 */
export function lineLayout(
  width: number,
  lineWidth: number,
  padLeft: number,
  pixelBytes: number,
): LineLayout {
  const before = Math.min(Math.max(padLeft, 0), lineWidth);
  const skipped = Math.min(Math.max(-padLeft, 0), width);
  const copied = Math.min(width - skipped, lineWidth - before);
  return {
    zerosBefore: before * pixelBytes,
    skipped: skipped * pixelBytes,
    copied: copied * pixelBytes,
    zerosAfter: (lineWidth - before - copied) * pixelBytes,
  };
}

const lineParams = ["i32", "i32", "i32", "i32", "i32", "i32"] as const;

/** (to, from, inside, zerosBefore, copied, zerosAfter): writes a line; all zeros where `inside` is 0. */
export type LineFunction = Func<typeof lineParams, undefined>;

/**
 * Adds the function that writes one padded line. It writes whole vectors: up to 12 bytes behind the line change, so
 * lines are to be written in order.
 */
export function lineFunction(module: ModuleBuilder): LineFunction {
  return module.func({ params: lineParams }, (f, to, from, inside, zerosBefore, copied, zerosAfter) => {
    const zeros = (bytes: Operand<"i32">): void => {
      f.forRange(0, bytes, 16, (at) => {
        f.store(i32.add(to, at), f32x4.const(0));
      });
      f.increment(to, bytes);
    };
    zeros(zerosBefore);
    f.if(
      inside,
      () => {
        f.forRange(0, copied, 16, (at) => {
          f.store(i32.add(to, at), v128.load(i32.add(from, at)));
        });
        f.increment(to, copied);
      },
      () => {
        zeros(copied);
      },
    );
    zeros(zerosAfter);
  });
}
