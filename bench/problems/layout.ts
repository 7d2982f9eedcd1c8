/** Our layouts, channels last, from and to those of libraries that have channels first. */
import type { ImageShape, WeightShape } from "./problem.ts";

/** Moves axes: axis i of the result is axis `order[i]` of x. */
function permute(x: Float32Array, shape: readonly number[], order: readonly number[]): Float32Array {
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((a, b) => a * b, 1));
  const [a = 1, b = 1, c = 1, d = 1] = order.map((axis) => shape[axis] ?? 1);
  const [sa = 0, sb = 0, sc = 0, sd = 0] = order.map((axis) => strides[axis] ?? 0);
  const result = new Float32Array(x.length);
  let at = 0;
  for (let i = 0; i < a; i++)
    for (let j = 0; j < b; j++)
      for (let k = 0; k < c; k++)
        for (let l = 0; l < d; l++) result[at++] = x[i * sa + j * sb + k * sc + l * sd] ?? NaN;
  return result;
}

/** Shapes [batch, channels, height, width] and [out, in, height, width]. */
export const channelsFirst = ([n, h, w, c]: ImageShape): [number, number, number, number] => [n, c, h, w];
export const outputsFirst = ([h, w, i, o]: WeightShape): [number, number, number, number] => [o, i, h, w];

export const toNchw = (x: Float32Array, shape: ImageShape): Float32Array => permute(x, shape, [0, 3, 1, 2]);
/** `shape` is that of the result. */
export const fromNchw = (x: Float32Array, shape: ImageShape): Float32Array => permute(x, channelsFirst(shape), [0, 2, 3, 1]); // prettier-ignore
export const toOihw = (w: Float32Array, shape: WeightShape): Float32Array => permute(w, shape, [3, 2, 0, 1]);
/** `shape` is that of the result. */
export const fromOihw = (w: Float32Array, shape: WeightShape): Float32Array => permute(w, outputsFirst(shape), [2, 3, 1, 0]); // prettier-ignore
