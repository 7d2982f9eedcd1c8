/**
 * Average pooling and its gradient, on x [batch, height, width, channels] and y [batch, outHeight, outWidth, channels]:
 *
 *     y[b, oy, ox, c]  = sum over ky, kx of  x[b, iy, ix, c] / area
 *     dx[b, iy, ix, c] = sum over ky, kx of dy[b, oy, ox, c] / area
 *
 * where in both  iy = oy * strideHeight - padTop + ky,  ix = ox * strideWidth - padLeft + kx,  and the area is that of
 * the window, zeros around x included.
 */
import type { Kernel, Numbers, Thread } from "../../engine/kernel.ts";
import { avgPoolGradInputOnCpu, avgPoolOnCpu } from "./avg-pool.cpu.ts";
import { avgPoolGradInputWgsl, avgPoolWgsl } from "./avg-pool.wgsl.ts";
import type { PoolGeometry } from "./geometry.ts";

type PoolParam = Exclude<keyof PoolGeometry, "dilationHeight" | "dilationWidth">;

const params = [
  ...(["batch", "height", "width", "channels", "outHeight", "outWidth"] as const),
  ...(["kernelHeight", "kernelWidth", "strideHeight", "strideWidth", "padTop", "padLeft"] as const),
] satisfies PoolParam[];

/** y = avgPool2d(x). */
export const avgPoolKernel = {
  name: "avgPool2d",
  inputs: { x: "f32" },
  outputs: { y: "f32" },
  params,
  js: {
    y: function (this: Thread<PoolParam>, x: Numbers) {
      const pixel = Math.floor(this.thread.x / this.constants.channels);
      const c = this.thread.x - pixel * this.constants.channels;
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
            sum += x[xPixel * this.constants.channels + c]!;
          }
        }
      }
      return sum / (this.constants.kernelHeight * this.constants.kernelWidth);
    },
  },
  cpu: (machine, params, [x], [y]) => {
    avgPoolOnCpu(machine, { ...params, dilationHeight: 1, dilationWidth: 1 }, x!, y!);
  },
  wgsl: avgPoolWgsl,
} satisfies Kernel<PoolParam>;

/** dx, the gradient of <avgPool2d(x), dy>. */
export const avgPoolGradInputKernel = {
  name: "avgPool2dGradInput",
  inputs: { dy: "f32" },
  outputs: { dx: "f32" },
  params,
  js: {
    dx: function (this: Thread<PoolParam>, dy: Numbers) {
      const pixel = Math.floor(this.thread.x / this.constants.channels);
      const c = this.thread.x - pixel * this.constants.channels;
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
            sum += dy[yPixel * this.constants.channels + c]!;
          }
        }
      }
      return sum / (this.constants.kernelHeight * this.constants.kernelWidth);
    },
  },
  cpu: (machine, params, [dy], [dx]) => {
    avgPoolGradInputOnCpu(machine, { ...params, dilationHeight: 1, dilationWidth: 1 }, dy!, dx!);
  },
  wgsl: avgPoolGradInputWgsl,
} satisfies Kernel<PoolParam>;
