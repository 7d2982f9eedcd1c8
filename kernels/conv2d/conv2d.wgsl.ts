/**
 * The three passes of a convolution on the GPU: as products of matrices where all channels see each other, and by
 * shaders of their own where they stand in groups.
 */
import type { WgslBody } from "../../engine/kernel.ts";
import { runConvolve } from "./convolve.wgsl.ts";
import type { ConvGeometry } from "./geometry.ts";
import { runGradWeight } from "./grad-weight.wgsl.ts";
import { runGrouped } from "./grouped.wgsl.ts";

type ConvBody = WgslBody<keyof ConvGeometry>;

/** y from x and w. */
export const forwardWgsl: ConvBody = (gpu, g, [x, w], [y]) => {
  if (!x || !w || !y) return;
  if (g.groups > 1) runGrouped(gpu, "forward", g, [x, w, y]);
  else runConvolve(gpu, "forward", g, [x, w, y]);
};

/** dx from dy and w. */
export const gradInputWgsl: ConvBody = (gpu, g, [dy, w], [dx]) => {
  if (!dy || !w || !dx) return;
  if (g.groups > 1) runGrouped(gpu, "gradInput", g, [dy, w, dx]);
  else runConvolve(gpu, "gradInput", g, [dy, w, dx]);
};

/** dw from x and dy. */
export const gradWeightWgsl: ConvBody = (gpu, g, [x, dy], [dw]) => {
  if (!x || !dy || !dw) return;
  if (g.groups > 1) runGrouped(gpu, "gradWeight", g, [x, dy, dw]);
  else runGradWeight(gpu, g, [x, dy, dw]);
};
