/**
 * Maximum pooling, on x [batch, height, width, channels] and y [batch, outHeight, outWidth, channels]:
 *
 *     y[b, oy, ox, c] = x[b, p, c]  with  p = pixels[b, oy, ox, c]
 *
 * where p = iy * width + ix is the pixel of the image with the largest element among the taps of the window (see
 * `Windows`). Given the pixels, y is linear in x, and the gradient is the transpose of picking:
 *
 *     dx[b, p, c] = sum of dy[b, oy, ox, c]  over the windows with  pixels[b, oy, ox, c] = p
 */
import type { Kernel, Numbers, Thread } from "../../engine/kernel.ts";
import type { PoolGeometry } from "./geometry.ts";
import { maxPoolGradInputOnCpu, maxPoolOnCpu, maxPoolPickOnCpu } from "./max-pool.cpu.ts";
import { maxPoolGradInputWgsl, maxPoolPickWgsl, maxPoolWgsl } from "./max-pool.wgsl.ts";

type PoolParam = keyof PoolGeometry;

const params = [
  ...(["batch", "height", "width", "channels", "outHeight", "outWidth"] as const),
  ...(["kernelHeight", "kernelWidth", "strideHeight", "strideWidth"] as const),
  ...(["dilationHeight", "dilationWidth", "padTop", "padLeft"] as const),
] satisfies PoolParam[];

/**
 * y = maxPool2d(x), and the pixels where the maxima are: of equal elements the first, and the first NaN, which counts as
 * larger than every number.
 */
export const maxPoolKernel = {
  name: "maxPool2d",
  inputs: { x: "f32" },
  outputs: { y: "f32", pixels: "i32" },
  params,
  js: {
    y: function (this: Thread<PoolParam>, x: Numbers) {
      const pixel = Math.floor(this.thread.x / this.constants.channels);
      const c = this.thread.x - pixel * this.constants.channels;
      const line = Math.floor(pixel / this.constants.outWidth);
      const image = Math.floor(line / this.constants.outHeight);
      const top =
        (line - image * this.constants.outHeight) * this.constants.strideHeight - this.constants.padTop;
      const left =
        (pixel - line * this.constants.outWidth) * this.constants.strideWidth - this.constants.padLeft;
      let largest = 0;
      let found = 0;
      for (let ky = 0; ky < this.constants.kernelHeight; ky++) {
        const iy = top + ky * this.constants.dilationHeight;
        for (let kx = 0; kx < this.constants.kernelWidth; kx++) {
          const ix = left + kx * this.constants.dilationWidth;
          if (iy >= 0 && iy < this.constants.height && ix >= 0 && ix < this.constants.width) {
            const xPixel = (image * this.constants.height + iy) * this.constants.width + ix;
            const value = x[xPixel * this.constants.channels + c]!;
            if (found === 0 || value > largest || value !== value) largest = value;
            found = 1;
          }
        }
      }
      return largest;
    },
    pixels: function (this: Thread<PoolParam>, x: Numbers) {
      const pixel = Math.floor(this.thread.x / this.constants.channels);
      const c = this.thread.x - pixel * this.constants.channels;
      const line = Math.floor(pixel / this.constants.outWidth);
      const image = Math.floor(line / this.constants.outHeight);
      const top =
        (line - image * this.constants.outHeight) * this.constants.strideHeight - this.constants.padTop;
      const left =
        (pixel - line * this.constants.outWidth) * this.constants.strideWidth - this.constants.padLeft;
      let largest = 0;
      let position = -1;
      for (let ky = 0; ky < this.constants.kernelHeight; ky++) {
        const iy = top + ky * this.constants.dilationHeight;
        for (let kx = 0; kx < this.constants.kernelWidth; kx++) {
          const ix = left + kx * this.constants.dilationWidth;
          if (iy >= 0 && iy < this.constants.height && ix >= 0 && ix < this.constants.width) {
            const here = iy * this.constants.width + ix;
            const xPixel = image * this.constants.height * this.constants.width + here;
            const value = x[xPixel * this.constants.channels + c]!;
            // A NaN (which differs from itself) beats every number, and no later NaN beats it.
            if (position < 0 || value > largest || (value !== value && largest === largest)) {
              largest = value;
              position = here;
            }
          }
        }
      }
      return position;
    },
  },
  cpu: (machine, g, [x], [y, pixels]) => {
    maxPoolOnCpu(machine, g, x!, y!, pixels!);
  },
  wgsl: maxPoolWgsl,
} satisfies Kernel<PoolParam>;

/** y, the elements of x at the pixels. */
export const maxPoolPickKernel = {
  name: "maxPool2dPick",
  inputs: { x: "f32", pixels: "i32" },
  outputs: { y: "f32" },
  params,
  js: {
    y: function (this: Thread<PoolParam>, x: Numbers, pixels: Numbers) {
      const outPixel = Math.floor(this.thread.x / this.constants.channels);
      const c = this.thread.x - outPixel * this.constants.channels;
      const image = Math.floor(outPixel / (this.constants.outHeight * this.constants.outWidth));
      const position = pixels[this.thread.x]!;
      const xPixel = image * this.constants.height * this.constants.width + position;
      return x[xPixel * this.constants.channels + c]!;
    },
  },
  cpu: (machine, g, [x, pixels], [y]) => {
    maxPoolPickOnCpu(machine, g, x!, pixels!, y!);
  },
  wgsl: maxPoolPickWgsl,
} satisfies Kernel<PoolParam>;

/** dx, the gradient of <pick(x), dy>. */
export const maxPoolGradInputKernel = {
  name: "maxPool2dGradInput",
  inputs: { dy: "f32", pixels: "i32" },
  outputs: { dx: "f32" },
  params,
  js: {
    dx: function (this: Thread<PoolParam>, dy: Numbers, pixels: Numbers) {
      const pixel = Math.floor(this.thread.x / this.constants.channels);
      const c = this.thread.x - pixel * this.constants.channels;
      const line = Math.floor(pixel / this.constants.width);
      const ix = pixel - line * this.constants.width;
      const image = Math.floor(line / this.constants.height);
      const iy = line - image * this.constants.height;
      let sum = 0;
      for (let ky = 0; ky < this.constants.kernelHeight; ky++) {
        const oy =
          (iy + this.constants.padTop - ky * this.constants.dilationHeight) / this.constants.strideHeight;
        for (let kx = 0; kx < this.constants.kernelWidth; kx++) {
          const ox =
            (ix + this.constants.padLeft - kx * this.constants.dilationWidth) / this.constants.strideWidth;
          // Only whole numbers are output pixels: in between, no window has this tap on the input pixel.
          const meets = oy === Math.floor(oy) && ox === Math.floor(ox);
          if (meets && oy >= 0 && oy < this.constants.outHeight && ox >= 0 && ox < this.constants.outWidth) {
            const yPixel = (image * this.constants.outHeight + oy) * this.constants.outWidth + ox;
            const position = pixels[yPixel * this.constants.channels + c]!;
            if (position === iy * this.constants.width + ix) sum += dy[yPixel * this.constants.channels + c]!;
          }
        }
      }
      return sum;
    },
  },
  cpu: (machine, g, [dy, pixels], [dx]) => {
    maxPoolGradInputOnCpu(machine, g, dy!, pixels!, dx!);
  },
  wgsl: maxPoolGradInputWgsl,
} satisfies Kernel<PoolParam>;
