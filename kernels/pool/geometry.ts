import { ShapeError } from "../../engine/errors.ts";
import { formatShape } from "../../engine/shape.ts";
import type { Shape } from "../../engine/shape.ts";
import { pair, placeWindows, rank4 } from "../window.ts";
import type { Pair, Windows } from "../window.ts";

/**
 * What a pooling kernel needs to know about its shapes: x [batch, height, width, channels] and
 * y [batch, outHeight, outWidth, channels], with the {@link Windows} that connect them.
 */
export interface PoolGeometry extends Windows {
  readonly batch: number;
  readonly channels: number;
}

/** Options of a pool. One number stands for both axes; pairs are [height, width]. */
export interface PoolOptions {
  /** Size of the window. */
  readonly kernel: Pair;
  /** Input pixels between neighbouring windows. Default: the window's size. */
  readonly stride?: Pair;
  /** Rows and columns added on each side. Default 0. */
  readonly padding?: Pair;
}

/** Shape of the input. */
export const xShape = (g: PoolGeometry): Shape => [g.batch, g.height, g.width, g.channels];
/** Shape of the output. */
export const yShape = (g: PoolGeometry): Shape => [g.batch, g.outHeight, g.outWidth, g.channels];

/**
 * The geometry of a pool over x [batch, height, width, channels]. `who` opens the messages.
 * Throws ShapeError if shape and options do not fit together.
 */
export function poolGeometry(
  who: string,
  x: Shape,
  { kernel, stride = kernel, padding = 0, dilation = 1 }: PoolOptions & { readonly dilation?: Pair },
): PoolGeometry {
  const [batch, height, width, channels] = rank4(who, "x", x, "batch, height, width, channels");
  const size = pair(who, "kernel", kernel, 1);
  const windows = placeWindows(
    who,
    [height, width],
    size,
    { stride, padding, dilation },
    `x ${formatShape(x)}`,
  );
  return { batch, ...windows, channels };
}

/** Throws ShapeError if a window has no tap on the image: nothing has no maximum. */
export function checkWindowsMeet(who: string, g: PoolGeometry): void {
  const rows = allMeet(g.outHeight, g.strideHeight, g.padTop, g.kernelHeight, g.dilationHeight, g.height);
  const columns = allMeet(g.outWidth, g.strideWidth, g.padLeft, g.kernelWidth, g.dilationWidth, g.width);
  if (rows && columns) return;
  throw new ShapeError(
    `${who}: expected windows that all reach into the image, got padding ${g.padTop} x ${g.padLeft} around ` +
      `${g.height} x ${g.width} for a kernel of ${g.kernelHeight} x ${g.kernelWidth}; ` +
      `at most half of the kernel is safe`,
  );
}

function allMeet(
  windows: number,
  stride: number,
  padding: number,
  taps: number,
  dilation: number,
  length: number,
): boolean {
  return Array.from({ length: windows }, (_, i) => i * stride - padding).every((start) => {
    const first = Math.max(0, Math.ceil(-start / dilation));
    return first < taps && start + first * dilation < length;
  });
}
