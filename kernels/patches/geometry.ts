import { formatShape } from "../../engine/shape.ts";
import type { Shape } from "../../engine/shape.ts";
import { pair, placeWindows, rank4 } from "../window.ts";
import type { Pair, WindowOptions, Windows } from "../window.ts";

/**
 * What connects images x [batch, height, width, channels] with their patches
 * y [batch, outHeight, outWidth, kernelHeight * kernelWidth * channels]: the {@link Windows}.
 */
export interface PatchGeometry extends Windows {
  readonly batch: number;
  readonly channels: number;
}

/** Options of {@link unfold}: the size of a patch, and what places patches on an image. */
export interface UnfoldOptions extends WindowOptions {
  /** Height and width of a patch in pixels: one number for both, or a pair. */
  readonly kernel: Pair;
}

/** Shape of the images. */
export const xShape = (g: PatchGeometry): Shape => [g.batch, g.height, g.width, g.channels];
/** Shape of the patches. */
export const yShape = (g: PatchGeometry): Shape => [
  ...[g.batch, g.outHeight, g.outWidth],
  g.kernelHeight * g.kernelWidth * g.channels,
];

/** The geometry of patches of images of shape `x`. Throws ShapeError if shape and options do not fit together. */
export function patchGeometry(who: string, x: Shape, { kernel, ...options }: UnfoldOptions): PatchGeometry {
  const [batch, height, width, channels] = rank4(who, "x", x, "batch, height, width, channels");
  const size = pair(who, "kernel", kernel, 1);
  const windows = placeWindows(who, [height, width], size, options, `x ${formatShape(x)}`);
  return { batch, ...windows, channels };
}
