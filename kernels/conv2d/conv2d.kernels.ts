/**
 * Two-dimensional convolution and its two gradients, on x [batch, height, width, inChannels],
 * w [kernelHeight, kernelWidth, inChannels / groups, outChannels] and y [batch, outHeight, outWidth, outChannels]:
 *
 *     y[b, oy, ox, co]   = sum over ky, kx, ci of  x[b, iy, ix, ci] * w[ky, kx, ci - first, co]
 *     dx[b, iy, ix, ci]  = sum over ky, kx, co of dy[b, oy, ox, co] * w[ky, kx, ci - first, co]
 *     dw[ky, kx, ci - first, co] = sum over b, oy, ox of x[b, iy, ix, ci] * dy[b, oy, ox, co]
 *
 * where in all three  iy = oy * strideHeight - padTop + ky * dilationHeight,  ix likewise, and ci and co are channels of
 * one group, whose first input channel is `first`. They are one trilinear form <conv(x, w), y>, written three times with
 * another factor left out, which is why each is the gradient of the others.
 */
import type { Kernel, Numbers, Thread } from "../../engine/kernel.ts";
import { forwardOnCpu, gradInputOnCpu } from "./conv2d.cpu.ts";
import { conv2dOperations } from "./geometry.ts";
import type { ConvGeometry } from "./geometry.ts";
import { gradWeightOnCpu } from "./grad-weight.cpu.ts";
import { forwardWgsl, gradInputWgsl, gradWeightWgsl } from "./conv2d.wgsl.ts";

type ConvParam = keyof ConvGeometry;

const params = [
  ...(["batch", "height", "width", "inChannels", "outHeight", "outWidth", "outChannels", "groups"] as const),
  ...(["kernelHeight", "kernelWidth", "strideHeight", "strideWidth"] as const),
  ...(["dilationHeight", "dilationWidth", "padTop", "padLeft"] as const),
] satisfies ConvParam[];

/** y = conv2d(x, w). */
export const conv2dForward = {
  name: "conv2dForward",
  inputs: { x: "f32", w: "f32" },
  outputs: { y: "f32" },
  params,
  operations: conv2dOperations,
  js: {
    y: function (this: Thread<ConvParam>, x: Numbers, w: Numbers) {
      const pixel = Math.floor(this.thread.x / this.constants.outChannels);
      const co = this.thread.x - pixel * this.constants.outChannels;
      const line = Math.floor(pixel / this.constants.outWidth);
      const ox = pixel - line * this.constants.outWidth;
      const image = Math.floor(line / this.constants.outHeight);
      const oy = line - image * this.constants.outHeight;
      const groupChannels = this.constants.inChannels / this.constants.groups;
      const groupOutputs = this.constants.outChannels / this.constants.groups;
      const first = Math.floor(co / groupOutputs) * groupChannels;
      let sum = 0;
      for (let ky = 0; ky < this.constants.kernelHeight; ky++) {
        const iy =
          oy * this.constants.strideHeight - this.constants.padTop + ky * this.constants.dilationHeight;
        for (let kx = 0; kx < this.constants.kernelWidth; kx++) {
          const ix =
            ox * this.constants.strideWidth - this.constants.padLeft + kx * this.constants.dilationWidth;
          if (iy >= 0 && iy < this.constants.height && ix >= 0 && ix < this.constants.width) {
            const xPixel = (image * this.constants.height + iy) * this.constants.width + ix;
            const tap = ky * this.constants.kernelWidth + kx;
            for (let i = 0; i < groupChannels; i++) {
              sum +=
                x[xPixel * this.constants.inChannels + first + i]! *
                w[(tap * groupChannels + i) * this.constants.outChannels + co]!;
            }
          }
        }
      }
      return sum;
    },
  },
  cpu: forwardOnCpu,
  wgsl: forwardWgsl,
} satisfies Kernel<ConvParam>;

/** dx, the gradient of <conv2d(x, w), dy> with respect to x. */
export const conv2dGradInput = {
  name: "conv2dGradInput",
  inputs: { dy: "f32", w: "f32" },
  outputs: { dx: "f32" },
  params,
  operations: conv2dOperations,
  js: {
    dx: function (this: Thread<ConvParam>, dy: Numbers, w: Numbers) {
      const pixel = Math.floor(this.thread.x / this.constants.inChannels);
      const ci = this.thread.x - pixel * this.constants.inChannels;
      const line = Math.floor(pixel / this.constants.width);
      const ix = pixel - line * this.constants.width;
      const image = Math.floor(line / this.constants.height);
      const iy = line - image * this.constants.height;
      const groupChannels = this.constants.inChannels / this.constants.groups;
      const group = Math.floor(ci / groupChannels);
      const groupOutputs = this.constants.outChannels / this.constants.groups;
      const first = group * groupOutputs;
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
            const tap = ky * this.constants.kernelWidth + kx;
            const row = tap * groupChannels + ci - group * groupChannels;
            for (let co = first; co < first + groupOutputs; co++) {
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
  wgsl: gradInputWgsl,
} satisfies Kernel<ConvParam>;

/** dw, the gradient of <conv2d(x, w), dy> with respect to w. */
export const conv2dGradWeight = {
  name: "conv2dGradWeight",
  inputs: { x: "f32", dy: "f32" },
  outputs: { dw: "f32" },
  params,
  operations: conv2dOperations,
  js: {
    dw: function (this: Thread<ConvParam>, x: Numbers, dy: Numbers) {
      const row = Math.floor(this.thread.x / this.constants.outChannels);
      const co = this.thread.x - row * this.constants.outChannels;
      const groupChannels = this.constants.inChannels / this.constants.groups;
      const groupOutputs = this.constants.outChannels / this.constants.groups;
      const tap = Math.floor(row / groupChannels);
      const ci = row - tap * groupChannels + Math.floor(co / groupOutputs) * groupChannels;
      const ky = Math.floor(tap / this.constants.kernelWidth);
      const kx = tap - ky * this.constants.kernelWidth;
      let sum = 0;
      for (let image = 0; image < this.constants.batch; image++) {
        for (let oy = 0; oy < this.constants.outHeight; oy++) {
          const iy =
            oy * this.constants.strideHeight - this.constants.padTop + ky * this.constants.dilationHeight;
          for (let ox = 0; ox < this.constants.outWidth; ox++) {
            const ix =
              ox * this.constants.strideWidth - this.constants.padLeft + kx * this.constants.dilationWidth;
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
  wgsl: gradWeightWgsl,
} satisfies Kernel<ConvParam>;
