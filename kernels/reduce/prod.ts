import type { Reduction } from "../../engine/reduction.ts";
import { scope } from "../../engine/scope.ts";
import { normalizeAxes, reduceShape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { checkTensors } from "../arguments.ts";
import { mul } from "../elementwise/arithmetic.ts";
import { padAxis, sliceAxis } from "../layout/slice.ts";

/**
 * The product along one axis, by halves: one half times the other, until one entry is left. The gradient of each such
 * product is a product too, never a quotient (y / x_i), so that it is right, to any order, where factors are 0.
 */
function prodAlong(x: Tensor, axis: number): Tensor {
  let rest = x;
  for (let length = x.shape[axis] ?? 1; length !== 1;) {
    const half = Math.max(1, Math.ceil(length / 2));
    const even = length === 2 * half ? rest : padAxis(rest, axis, 2 * half, 0, 1);
    rest = mul(sliceAxis(even, axis, 0, half), sliceAxis(even, axis, half, 2 * half));
    length = half;
  }
  return rest;
}

/** The product over axes; 1 over an axis without elements. Throws DTypeError unless x is f32. */
export const prod: Reduction = (x, axes, { keepDims = false } = {}) => {
  checkTensors("prod", "f32", { x });
  const sorted = normalizeAxes("prod", axes, x.shape.length);
  const shape = reduceShape(x.shape, sorted, keepDims);
  return scope(() => reshape(sorted.reduce(prodAlong, x), shape));
};
