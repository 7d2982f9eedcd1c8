/**
 * Windows that slide over images, and the options that place them: what convolutions and pools have in common.
 */
import { ShapeError } from "../engine/errors.ts";
import { checkShape, formatShape } from "../engine/shape.ts";
import type { Shape } from "../engine/shape.ts";

/** One number for both axes, or [height, width]. */
export type Pair = number | readonly [number, number];

/**
 * Where windows stand on an image, and where their taps are. Tap (ky, kx) of the window of output pixel (oy, ox) is input
 * pixel (oy * strideHeight - padTop + ky * dilationHeight, ox * strideWidth - padLeft + kx * dilationWidth), which may lie
 * outside of the image.
 */
export interface Windows {
  readonly height: number;
  readonly width: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly dilationHeight: number;
  readonly dilationWidth: number;
  readonly padTop: number;
  readonly padLeft: number;
}

/** Options that place windows. One number stands for both axes; pairs are [height, width]. */
export interface WindowOptions {
  /** Input pixels between neighbouring output pixels. Default 1. */
  readonly stride?: Pair;
  /**
   * Rows and columns added on each side. `"valid"`, the default, adds none; `"same"` adds as many as make the output
   * ceil(input / stride) pixels wide, the odd one at the bottom and right.
   */
  readonly padding?: Pair | "same" | "valid";
  /** Input pixels between neighbouring taps of a window. Default 1. */
  readonly dilation?: Pair;
}

/** From the first tap of a window to its last, in input pixels. */
export const windowSpan = (kernel: number, dilation: number): number =>
  kernel === 0 ? 0 : (kernel - 1) * dilation + 1;

/**
 * Places windows of kernel [height, width] on images of size [height, width]. `who` opens the messages, `shapes` ends them.
 * Throws ShapeError for options out of range and where no window fits.
 */
export function placeWindows(
  who: string,
  [height, width]: readonly [number, number],
  [kernelHeight, kernelWidth]: readonly [number, number],
  options: WindowOptions,
  shapes: string,
): Windows {
  const [strideHeight, strideWidth] = pair(who, "stride", options.stride ?? 1, 1);
  const [dilationHeight, dilationWidth] = pair(who, "dilation", options.dilation ?? 1, 1);
  const { padding = "valid" } = options;
  const [aroundHeight, aroundWidth] =
    padding === "same" || padding === "valid" ? [padding, padding] : pair(who, "padding", padding, 0);
  const spans = [windowSpan(kernelHeight, dilationHeight), windowSpan(kernelWidth, dilationWidth)] as const;
  const rows = placeAlong(height, spans[0], strideHeight, aroundHeight);
  const columns = placeAlong(width, spans[1], strideWidth, aroundWidth);
  if (rows.count < 1 || columns.count < 1) {
    throw new ShapeError(
      `${who}: expected a kernel no larger than the padded input, got ${spans.join(" x ")} over ` +
        `${rows.padded} x ${columns.padded} from ${shapes}; a larger padding makes room`,
    );
  }
  // prettier-ignore
  return {
    height, width, outHeight: rows.count, outWidth: columns.count, kernelHeight, kernelWidth,
    strideHeight, strideWidth, dilationHeight, dilationWidth, padTop: rows.before, padLeft: columns.before,
  };
}

/** One axis: how many windows fit, the pixels added before the input, and the length with all that is added. */
function placeAlong(length: number, span: number, stride: number, padding: number | "same" | "valid") {
  const total =
    padding === "same"
      ? Math.max(0, (Math.ceil(length / stride) - 1) * stride + span - length)
      : 2 * (padding === "valid" ? 0 : padding);
  const padded = length + total;
  return { count: Math.floor((padded - span) / stride) + 1, before: Math.floor(total / 2), padded };
}

/** A shape of four axes. Throws ShapeError, which names them, for any other. */
export function rank4(
  who: string,
  name: string,
  shape: Shape,
  axes: string,
): readonly [number, number, number, number] {
  const [a, b, c, d, ...more] = shape;
  if (a === undefined || b === undefined || c === undefined || d === undefined || more.length > 0) {
    throw new ShapeError(`${who}: expected ${name} of rank 4, [${axes}], got ${formatShape(shape)}`);
  }
  checkShape(who, shape);
  return [a, b, c, d];
}

/** An option for both axes, [height, width]. Throws ShapeError unless both are integers of at least `least`. */
export function pair(who: string, name: string, value: Pair, least: 0 | 1): readonly [number, number] {
  const [height, width] = typeof value === "number" ? [value, value] : value;
  if (!(Number.isSafeInteger(height) && height >= least && Number.isSafeInteger(width) && width >= least)) {
    const kind = least === 0 ? "non-negative" : "positive";
    const got = typeof value === "object" ? formatShape(value) : String(value);
    throw new ShapeError(`${who}: expected ${name} to be a ${kind} integer or a pair of them, got ${got}`);
  }
  return [height, width];
}
