import { ShapeError } from "../../engine/errors.ts";
import { checkShape, formatShape } from "../../engine/shape.ts";
import type { Shape } from "../../engine/shape.ts";

/**
 * Everything a convolution kernel needs to know about its shapes:
 * x [batch, height, width, inChannels], w [kernelHeight, kernelWidth, inChannels, outChannels] and
 * y [batch, outHeight, outWidth, outChannels]. Output pixel (oy, ox) sees the input pixels
 * (oy * strideHeight - padTop + ky, ox * strideWidth - padLeft + kx); those outside of x are zeros.
 */
export interface ConvGeometry {
  readonly batch: number;
  readonly height: number;
  readonly width: number;
  readonly inChannels: number;
  readonly outHeight: number;
  readonly outWidth: number;
  readonly outChannels: number;
  readonly kernelHeight: number;
  readonly kernelWidth: number;
  readonly strideHeight: number;
  readonly strideWidth: number;
  readonly padTop: number;
  readonly padLeft: number;
}

/** Floating-point operations of each of the three passes: a multiplication and an addition for each tap. */
export const conv2dOperations = (g: ConvGeometry): number =>
  2 * g.batch * g.outHeight * g.outWidth * g.outChannels * g.kernelHeight * g.kernelWidth * g.inChannels;

/** Options of a convolution. One number stands for both axes; pairs are [height, width]. */
export interface ConvOptions {
  /** Input pixels between neighbouring output pixels. Default 1. */
  readonly stride?: number | readonly [number, number];
  /**
   * Rows and columns of zeros added on each side. `"valid"`, the default, adds none; `"same"` adds as many as make
   * the output ceil(input / stride) pixels wide, the odd one at the bottom and right.
   */
  readonly padding?: number | readonly [number, number] | "same" | "valid";
}

/**
 * The geometry of y = conv2d(x, w) for x [batch, height, width, inChannels] and
 * w [kernelHeight, kernelWidth, inChannels, outChannels]. `who` opens the messages.
 * Throws ShapeError if the shapes or options do not fit together.
 */
export function conv2dGeometry(
  who: string,
  xShape: Shape,
  wShape: Shape,
  options: ConvOptions = {},
): ConvGeometry {
  const [batch, height, width, inChannels] = rank4(who, "x", xShape, "batch, height, width, channels");
  const [kernelHeight, kernelWidth, wChannels, outChannels] = rank4(
    who,
    "w",
    wShape,
    "kernelHeight, kernelWidth, inChannels, outChannels",
  );
  const shapes = `x ${formatShape(xShape)} and w ${formatShape(wShape)}`;
  if (inChannels !== wChannels) {
    throw new ShapeError(
      `${who}: expected as many channels in x (last axis) as input channels in w (third axis), ` +
        `got ${inChannels} and ${wChannels} from ${shapes}`,
    );
  }
  if (kernelHeight === 0 || kernelWidth === 0) {
    throw new ShapeError(`${who}: expected a kernel of at least 1 x 1, got w ${formatShape(wShape)}`);
  }
  const [strideHeight, strideWidth] = pair(who, "stride", options.stride ?? 1, 1);
  const { padding = "valid" } = options;
  const [beforeHeight, beforeWidth] =
    typeof padding === "string" ? [padding, padding] : pair(who, "padding", padding, 0);
  const rows = placeWindows(height, kernelHeight, strideHeight, beforeHeight);
  const columns = placeWindows(width, kernelWidth, strideWidth, beforeWidth);
  if (rows.count < 1 || columns.count < 1) {
    throw new ShapeError(
      `${who}: expected a kernel no larger than the padded input, got ${kernelHeight} x ${kernelWidth} over ` +
        `${rows.padded} x ${columns.padded} from ${shapes}; a larger padding, or "same", makes room`,
    );
  }
  return {
    batch,
    height,
    width,
    inChannels,
    outHeight: rows.count,
    outWidth: columns.count,
    outChannels,
    kernelHeight,
    kernelWidth,
    strideHeight,
    strideWidth,
    padTop: rows.before,
    padLeft: columns.before,
  };
}

function rank4(
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

/** One number for both axes, or a pair, checked against the smallest value allowed. */
function pair(
  who: string,
  name: string,
  value: number | readonly [number, number],
  least: 0 | 1,
): readonly [number, number] {
  const [height, width] = typeof value === "number" ? [value, value] : value;
  if (!(Number.isSafeInteger(height) && height >= least && Number.isSafeInteger(width) && width >= least)) {
    const kind = least === 0 ? "non-negative" : "positive";
    const got = typeof value === "number" ? String(value) : formatShape(value);
    throw new ShapeError(`${who}: expected ${name} to be a ${kind} integer or a pair of them, got ${got}`);
  }
  return [height, width];
}

/** Windows of `kernel` pixels, `stride` apart, over one axis: how many fit, and the zeros before the input. */
function placeWindows(length: number, kernel: number, stride: number, padding: number | "same" | "valid") {
  const total =
    padding === "same"
      ? Math.max(0, (Math.ceil(length / stride) - 1) * stride + kernel - length)
      : 2 * (padding === "valid" ? 0 : padding);
  const padded = length + total;
  return { count: Math.floor((padded - kernel) / stride) + 1, before: Math.floor(total / 2), padded };
}
