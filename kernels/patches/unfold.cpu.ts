/**
 * unfold and fold on the CPU: both walk over the taps of all patches, in the order in which they lie in memory, and
 * meet each tap's pixel. On this thread: there is next to nothing to compute.
 *
 * Bound: memory, each element of y read or written once.
 */
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";
import type { PatchGeometry } from "./geometry.ts";

/** y = unfold(x). */
export function unfoldOnCpu({ f32 }: Machine, geometry: PatchGeometry, x: Pointer, y: Pointer): void {
  const { channels } = geometry;
  forEachTap(geometry, (tap, pixel) => {
    const [from, to] = [x / 4 + pixel * channels, y / 4 + tap * channels];
    for (let c = 0; c < channels; c++) f32[to + c] = pixel < 0 ? 0 : (f32[from + c] ?? 0);
  });
}

/** x = fold(y). */
export function foldOnCpu({ f32 }: Machine, geometry: PatchGeometry, y: Pointer, x: Pointer): void {
  const { batch, height, width, channels } = geometry;
  f32.fill(0, x / 4, x / 4 + batch * height * width * channels);
  forEachTap(geometry, (tap, pixel) => {
    if (pixel < 0) return;
    const [from, to] = [y / 4 + tap * channels, x / 4 + pixel * channels];
    for (let c = 0; c < channels; c++) f32[to + c] = (f32[to + c] ?? 0) + (f32[from + c] ?? 0);
  });
}

/** Calls `visit` for every tap of every patch with its pixel's index, or -1 outside of the image. */
function forEachTap(g: PatchGeometry, visit: (tap: number, pixel: number) => void): void {
  let tap = 0;
  for (let row = 0; row < g.batch * g.outHeight; row++) {
    const image = Math.floor(row / g.outHeight);
    const top = (row % g.outHeight) * g.strideHeight - g.padTop;
    for (let left = -g.padLeft, ox = 0; ox < g.outWidth; ox++, left += g.strideWidth) {
      for (let ky = 0; ky < g.kernelHeight; ky++) {
        const iy = top + ky * g.dilationHeight;
        for (let kx = 0; kx < g.kernelWidth; kx++) {
          const ix = left + kx * g.dilationWidth;
          const isInside = iy >= 0 && iy < g.height && ix >= 0 && ix < g.width;
          visit(tap++, isInside ? (image * g.height + iy) * g.width + ix : -1);
        }
      }
    }
  }
}
