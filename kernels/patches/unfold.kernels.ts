/**
 * Patches of images, and the sum of patches over an image: x is [batch, height, width, channels],
 * y [batch, outHeight, outWidth, kernelHeight, kernelWidth, channels] (whose last three axes are one to the op).
 *
 *     unfold: y[b, oy, ox, ky, kx, c] = x[b, iy, ix, c], or 0 outside of the image
 *     fold:   x[b, iy, ix, c] = sum over ky, kx of y[b, oy, ox, ky, kx, c]
 *
 * where in both  iy = oy * strideHeight - padTop + ky * dilationHeight,  and so for ix.
 */
import type { Kernel, Numbers, Thread } from "../../engine/kernel.ts";
import type { PatchGeometry } from "./geometry.ts";
import { foldOnCpu, unfoldOnCpu } from "./unfold.cpu.ts";
import { foldWgsl, unfoldWgsl } from "./unfold.wgsl.ts";

type PatchParam = keyof PatchGeometry;

const params = [
  ...([
    "batch",
    "height",
    "width",
    "channels",
    "outHeight",
    "outWidth",
    "kernelHeight",
    "kernelWidth",
  ] as const),
  ...(["strideHeight", "strideWidth", "dilationHeight", "dilationWidth", "padTop", "padLeft"] as const),
] satisfies PatchParam[];

/** y = unfold(x). */
export const unfoldKernel = {
  name: "unfold",
  inputs: { x: "f32" },
  outputs: { y: "f32" },
  params,
  js: {
    y: function (this: Thread<PatchParam>, x: Numbers) {
      const tap = Math.floor(this.thread.x / this.constants.channels);
      const c = this.thread.x - tap * this.constants.channels;
      const line = Math.floor(tap / this.constants.kernelWidth);
      const kx = tap - line * this.constants.kernelWidth;
      const window = Math.floor(line / this.constants.kernelHeight);
      const ky = line - window * this.constants.kernelHeight;
      const row = Math.floor(window / this.constants.outWidth);
      const ox = window - row * this.constants.outWidth;
      const image = Math.floor(row / this.constants.outHeight);
      const oy = row - image * this.constants.outHeight;
      const iy =
        oy * this.constants.strideHeight - this.constants.padTop + ky * this.constants.dilationHeight;
      const ix = ox * this.constants.strideWidth - this.constants.padLeft + kx * this.constants.dilationWidth;
      let value = 0;
      if (iy >= 0 && iy < this.constants.height && ix >= 0 && ix < this.constants.width) {
        const pixel = (image * this.constants.height + iy) * this.constants.width + ix;
        value = x[pixel * this.constants.channels + c]!;
      }
      return value;
    },
  },
  cpu: (machine, params, [x], [y]) => {
    unfoldOnCpu(machine, params, x!, y!);
  },
  wgsl: unfoldWgsl,
} satisfies Kernel<PatchParam>;

/** x = fold(y). */
export const foldKernel = {
  name: "fold",
  inputs: { y: "f32" },
  outputs: { x: "f32" },
  params,
  js: {
    x: function (this: Thread<PatchParam>, y: Numbers) {
      const pixel = Math.floor(this.thread.x / this.constants.channels);
      const c = this.thread.x - pixel * this.constants.channels;
      const row = Math.floor(pixel / this.constants.width);
      const ix = pixel - row * this.constants.width;
      const image = Math.floor(row / this.constants.height);
      const iy = row - image * this.constants.height;
      let sum = 0;
      for (let ky = 0; ky < this.constants.kernelHeight; ky++) {
        const oy =
          (iy + this.constants.padTop - ky * this.constants.dilationHeight) / this.constants.strideHeight;
        for (let kx = 0; kx < this.constants.kernelWidth; kx++) {
          const ox =
            (ix + this.constants.padLeft - kx * this.constants.dilationWidth) / this.constants.strideWidth;
          // Only whole numbers are patches: in between, no patch has this tap on the pixel.
          const meets = oy === Math.floor(oy) && ox === Math.floor(ox);
          if (meets && oy >= 0 && oy < this.constants.outHeight && ox >= 0 && ox < this.constants.outWidth) {
            const window = (image * this.constants.outHeight + oy) * this.constants.outWidth + ox;
            const tap = (window * this.constants.kernelHeight + ky) * this.constants.kernelWidth + kx;
            sum += y[tap * this.constants.channels + c]!;
          }
        }
      }
      return sum;
    },
  },
  cpu: (machine, params, [y], [x]) => {
    foldOnCpu(machine, params, y!, x!);
  },
  wgsl: foldWgsl,
} satisfies Kernel<PatchParam>;
