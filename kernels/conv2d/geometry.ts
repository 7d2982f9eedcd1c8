import { ShapeError } from "../../engine/errors.ts";
import { formatShape } from "../../engine/shape.ts";
import type { Shape } from "../../engine/shape.ts";
import { placeWindows, rank4 } from "../window.ts";
import type { WindowOptions, Windows } from "../window.ts";

/**
 * Everything a convolution kernel needs to know about its shapes: x [batch, height, width, inChannels],
 * w [kernelHeight, kernelWidth, inChannels / groups, outChannels] and y [batch, outHeight, outWidth, outChannels], with the
 * {@link Windows} that connect them. Taps outside of x see zeros.
 *
 * Channels stand in `groups` of neighbours. The output channels of a group see the input channels of that group.
 */
export interface ConvGeometry extends Windows {
  readonly batch: number;
  readonly inChannels: number;
  readonly outChannels: number;
  readonly groups: number;
}

/** Options of a convolution. One number stands for both axes; pairs are [height, width]. */
export interface ConvOptions extends WindowOptions {
  /**
   * Into how many groups channels are divided, each convolved on its own. Default 1; as many as there are input channels
   * is a depthwise convolution.
   */
  readonly groups?: number;
}

/** Shape of the input. */
export const xShape = (g: ConvGeometry): Shape => [g.batch, g.height, g.width, g.inChannels];
/** Shape of the weights. */
export const wShape = (g: ConvGeometry): Shape => [g.kernelHeight, g.kernelWidth, g.inChannels / g.groups, g.outChannels]; // prettier-ignore
/** Shape of the output. */
export const yShape = (g: ConvGeometry): Shape => [g.batch, g.outHeight, g.outWidth, g.outChannels];

/** The convolution of one group of channels. */
export const oneGroup = (g: ConvGeometry): ConvGeometry => ({
  ...g,
  inChannels: g.inChannels / g.groups,
  outChannels: g.outChannels / g.groups,
  groups: 1,
});

/** Floating-point operations of each of the three passes: a multiplication and an addition for each tap. */
export const conv2dOperations = (g: ConvGeometry): number =>
  (2 * g.batch * g.outHeight * g.outWidth * g.outChannels * g.kernelHeight * g.kernelWidth * g.inChannels) /
  g.groups;

/**
 * The geometry of y = conv2d(x, w) for x [batch, height, width, inChannels] and
 * w [kernelHeight, kernelWidth, inChannels / groups, outChannels]. `who` opens the messages.
 * Throws ShapeError if the shapes or options do not fit together.
 */
export function conv2dGeometry(who: string, x: Shape, w: Shape, options: ConvOptions = {}): ConvGeometry {
  const [batch, height, width, inChannels] = rank4(who, "x", x, "batch, height, width, channels");
  const [kernelHeight, kernelWidth, groupChannels, outChannels] = weightAxes(who, w);
  const { groups = 1 } = options;
  const shapes = `x ${formatShape(x)} and w ${formatShape(w)}`;
  checkGroups(who, groups, { x: inChannels, "w's output": outChannels }, shapes);
  if (groupChannels !== inChannels / groups) {
    throw new ShapeError(
      `${who}: expected the channels of x (last axis) / groups as input channels of w (third axis), ` +
        `${inChannels / groups}, got ${groupChannels} from ${shapes}`,
    );
  }
  const windows = placeWindows(who, [height, width], [kernelHeight, kernelWidth], options, shapes);
  return { batch, ...windows, inChannels, outChannels, groups };
}

/** The axes of w. Throws ShapeError for other than four of them, and for a kernel without taps. */
export function weightAxes(who: string, w: Shape): readonly [number, number, number, number] {
  const axes = rank4(who, "w", w, "kernelHeight, kernelWidth, inChannels, outChannels");
  if (axes[0] === 0 || axes[1] === 0) {
    throw new ShapeError(`${who}: expected a kernel of at least 1 x 1, got w ${formatShape(w)}`);
  }
  return axes;
}

/** Throws ShapeError unless `groups` is a positive integer that divides the numbers of channels. */
export function checkGroups(
  who: string,
  groups: number,
  channels: Readonly<Record<string, number>>,
  shapes: string,
): void {
  if (!(Number.isSafeInteger(groups) && groups >= 1)) {
    throw new ShapeError(`${who}: expected groups to be a positive integer, got ${groups}`);
  }
  for (const [name, count] of Object.entries(channels)) {
    if (count % groups === 0) continue;
    throw new ShapeError(
      `${who}: expected groups to divide the channels of ${name}, got ${groups} groups of ${count} channels from ${shapes}`,
    );
  }
}
