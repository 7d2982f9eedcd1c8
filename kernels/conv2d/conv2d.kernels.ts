/**
 * Two-dimensional convolution and its two gradients, on x [batch, height, width, inChannels],
 * w [kernelHeight, kernelWidth, inChannels, outChannels] and y [batch, outHeight, outWidth, outChannels]:
 *
 *     y[b, oy, ox, co]   = sum over ky, kx, ci of  x[b, iy, ix, ci] * w[ky, kx, ci, co]
 *     dx[b, iy, ix, ci]  = sum over ky, kx, co of dy[b, oy, ox, co] * w[ky, kx, ci, co]
 *     dw[ky, kx, ci, co] = sum over b, oy, ox  of  x[b, iy, ix, ci] * dy[b, oy, ox, co]
 *
 * where in all three  iy = oy * strideHeight - padTop + ky  and  ix = ox * strideWidth - padLeft + kx.
 * They are one trilinear form <conv(x, w), y>, written three times with another factor left out, which is why each
 * is the gradient of the others.
 */
import type { Kernel, Numbers, Thread } from "../../engine/kernel.ts";
import { forwardOnCpu, gradInputOnCpu } from "./conv2d.cpu.ts";
import type { ConvGeometry } from "./geometry.ts";
import { gradWeightOnCpu } from "./grad-weight.cpu.ts";

type ConvParam = keyof ConvGeometry;

const params = [
  ...(["batch", "height", "width", "inChannels", "outHeight", "outWidth", "outChannels"] as const),
  ...(["kernelHeight", "kernelWidth", "strideHeight", "strideWidth", "padTop", "padLeft"] as const),
] satisfies ConvParam[];

/** y = conv2d(x, w). */
export const conv2dForward = {
  name: "conv2dForward",
  inputs: { x: "f32", w: "f32" },
  outputs: { y: "f32" },
  params,
  js: {
    y: function (this: Thread<ConvParam>, x: Numbers, w: Numbers) {
      const pixel = Math.floor(this.thread.x / this.constants.outChannels);
      const co = this.thread.x - pixel * this.constants.outChannels;
      const line = Math.floor(pixel / this.constants.outWidth);
      const ox = pixel - line * this.constants.outWidth;
      const image = Math.floor(line / this.constants.outHeight);
      const oy = line - image * this.constants.outHeight;
      let sum = 0;
      for (let ky = 0; ky < this.constants.kernelHeight; ky++) {
        const iy = oy * this.constants.strideHeight - this.constants.padTop + ky;
        for (let kx = 0; kx < this.constants.kernelWidth; kx++) {
          const ix = ox * this.constants.strideWidth - this.constants.padLeft + kx;
          if (iy >= 0 && iy < this.constants.height && ix >= 0 && ix < this.constants.width) {
            const xPixel = (image * this.constants.height + iy) * this.constants.width + ix;
            const tap = ky * this.constants.kernelWidth + kx;
            for (let ci = 0; ci < this.constants.inChannels; ci++) {
              sum +=
                x[xPixel * this.constants.inChannels + ci]! *
                w[(tap * this.constants.inChannels + ci) * this.constants.outChannels + co]!;
            }
          }
        }
      }
      return sum;
    },
  },
  cpu: forwardOnCpu,
} satisfies Kernel<ConvParam>;

/** dx, the gradient of <conv2d(x, w), dy> with respect to x. */
export const conv2dGradInput = {
  name: "conv2dGradInput",
  inputs: { dy: "f32", w: "f32" },
  outputs: { dx: "f32" },
  params,
  js: {
    dx: function (this: Thread<ConvParam>, dy: Numbers, w: Numbers) {
      const pixel = Math.floor(this.thread.x / this.constants.inChannels);
      const ci = this.thread.x - pixel * this.constants.inChannels;
      const line = Math.floor(pixel / this.constants.width);
      const ix = pixel - line * this.constants.width;
      const image = Math.floor(line / this.constants.height);
      const iy = line - image * this.constants.height;
      let sum = 0;
      for (let ky = 0; ky < this.constants.kernelHeight; ky++) {
        const oy = (iy + this.constants.padTop - ky) / this.constants.strideHeight;
        for (let kx = 0; kx < this.constants.kernelWidth; kx++) {
          const ox = (ix + this.constants.padLeft - kx) / this.constants.strideWidth;
          // Only whole numbers are output pixels: in between, no window has this tap on the input pixel.
          const meets = oy === Math.floor(oy) && ox === Math.floor(ox);
          if (meets && oy >= 0 && oy < this.constants.outHeight && ox >= 0 && ox < this.constants.outWidth) {
            const yPixel = (image * this.constants.outHeight + oy) * this.constants.outWidth + ox;
            const row = (ky * this.constants.kernelWidth + kx) * this.constants.inChannels + ci;
            for (let co = 0; co < this.constants.outChannels; co++) {
              sum +=
                dy[yPixel * this.constants.outChannels + co]! * w[row * this.constants.outChannels + co]!;
            }
          }
        }
      }
      return sum;
    },
  },
  cpu: gradInputOnCpu,
} satisfies Kernel<ConvParam>;

/** dw, the gradient of <conv2d(x, w), dy> with respect to w. */
export const conv2dGradWeight = {
  name: "conv2dGradWeight",
  inputs: { x: "f32", dy: "f32" },
  outputs: { dw: "f32" },
  params,
  js: {
    dw: function (this: Thread<ConvParam>, x: Numbers, dy: Numbers) {
      const row = Math.floor(this.thread.x / this.constants.outChannels);
      const co = this.thread.x - row * this.constants.outChannels;
      const tap = Math.floor(row / this.constants.inChannels);
      const ci = row - tap * this.constants.inChannels;
      const ky = Math.floor(tap / this.constants.kernelWidth);
      const kx = tap - ky * this.constants.kernelWidth;
      let sum = 0;
      for (let image = 0; image < this.constants.batch; image++) {
        for (let oy = 0; oy < this.constants.outHeight; oy++) {
          const iy = oy * this.constants.strideHeight - this.constants.padTop + ky;
          for (let ox = 0; ox < this.constants.outWidth; ox++) {
            const ix = ox * this.constants.strideWidth - this.constants.padLeft + kx;
            if (iy >= 0 && iy < this.constants.height && ix >= 0 && ix < this.constants.width) {
              const xPixel = (image * this.constants.height + iy) * this.constants.width + ix;
              const yPixel = (image * this.constants.outHeight + oy) * this.constants.outWidth + ox;
              sum +=
                x[xPixel * this.constants.inChannels + ci]! * dy[yPixel * this.constants.outChannels + co]!;
            }
          }
        }
      }
      return sum;
    },
  },
  cpu: gradWeightOnCpu,
} satisfies Kernel<ConvParam>;
