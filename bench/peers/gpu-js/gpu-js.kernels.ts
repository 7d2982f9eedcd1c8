/** Kernels for gpu.js, in the obvious way of its examples: one element of the result each. */
import type { IKernelFunctionThis } from "gpu.js";

/** A kernel of two inputs with these constants. */
export type Kernel<C> = (this: IKernelFunctionThis<C>, a: number[], b: number[]) => number;

/** Element (y, x) of pair z of a [pairs, m, k] times b [pairs, k, n]. */
export const product: Kernel<Readonly<Record<"m" | "n" | "k", number>>> = function (a, b) {
  const row = (this.thread.z * this.constants.m + this.thread.y) * this.constants.k;
  const column = this.thread.z * this.constants.k * this.constants.n + this.thread.x;
  let sum = 0;
  for (let i = 0; i < this.constants.k; i++) {
    sum += a[row + i]! * b[column + i * this.constants.n]!;
  }
  return sum;
};

/** Sizes of a convolution. */
type Window = Readonly<
  Record<
    | "height"
    | "width"
    | "inChannels"
    | "outHeight"
    | "outChannels"
    | "kernel"
    | "stride"
    | "padding"
    | "dilation",
    number
  >
>;

/** Channel x of column y in row z, rows of all images counted through, of images [n, h, w, c] with weights [k, k, c, o]. */
export const convolve: Kernel<Window> = function (images, weights) {
  const n = Math.floor(this.thread.z / this.constants.outHeight);
  const top = (this.thread.z - n * this.constants.outHeight) * this.constants.stride - this.constants.padding;
  const left = this.thread.y * this.constants.stride - this.constants.padding;
  let sum = 0;
  for (let i = 0; i < this.constants.kernel; i++) {
    for (let j = 0; j < this.constants.kernel; j++) {
      const row = top + i * this.constants.dilation;
      const column = left + j * this.constants.dilation;
      if (row >= 0 && row < this.constants.height && column >= 0 && column < this.constants.width) {
        const pixel =
          ((n * this.constants.height + row) * this.constants.width + column) * this.constants.inChannels;
        const tap = (i * this.constants.kernel + j) * this.constants.inChannels;
        for (let c = 0; c < this.constants.inChannels; c++) {
          sum += images[pixel + c]! * weights[(tap + c) * this.constants.outChannels + this.thread.x]!;
        }
      }
    }
  }
  return sum;
};
