/**
 * The three passes of a convolution on the GPU: by Winograd's algorithm where it is faster, else as products of matrices
 * where all channels see each other, and by shaders of their own where they stand in groups.
 */
import type { WgslBody } from "../../engine/kernel.ts";
import { runConvolve } from "./convolve.wgsl.ts";
import type { ConvGeometry } from "./geometry.ts";
import { runGradWeight } from "./grad-weight.wgsl.ts";
import { runGrouped } from "./grouped.wgsl.ts";
import { gpuTile, passGeometry, runWinograd } from "./winograd/convolve.wgsl.ts";
import { runWinogradGradWeight } from "./winograd/grad-weight.wgsl.ts";

type ConvBody = WgslBody<keyof ConvGeometry>;

/** c = y from x and w, or dx from dy and w. */
const convolve =
  (pass: "forward" | "gradInput"): ConvBody =>
  (gpu, g, [source, w], [c]) => {
    if (!source || !w || !c) return;
    const own = passGeometry(pass, g);
    const m = gpuTile(own, gpu.software);
    if (g.groups > 1) runGrouped(gpu, pass, g, [source, w, c]);
    else if (m) runWinograd(gpu, pass, own, m, [source, w, c]);
    else runConvolve(gpu, pass, g, [source, w, c]);
  };

/** y from x and w. */
export const forwardWgsl = convolve("forward");

/** dx from dy and w. */
export const gradInputWgsl = convolve("gradInput");

/** dw from x and dy. */
export const gradWeightWgsl: ConvBody = (gpu, g, [x, dy], [dw]) => {
  if (!x || !dy || !dw) return;
  const m = gpuTile(g, gpu.software);
  if (g.groups > 1) runGrouped(gpu, "gradWeight", g, [x, dy, dw]);
  else if (m) runWinogradGradWeight(gpu, g, m, [x, dy, dw]);
  else runGradWeight(gpu, g, [x, dy, dw]);
};
