import { ShapeError } from "./errors.ts";
import { defineOp } from "./op.ts";
import { formatShape, sameShape, sizeOf } from "./shape.ts";
import type { Shape } from "./shape.ts";
import { Tensor } from "./tensor.ts";

const reshapeOp = defineOp({
  name: "reshape",
  infer: ({ x }: { x: Tensor }, shape: Shape) => ({ from: x.shape, to: resolve(x.shape, shape) }),
  forward: ({ x }, { to }) => ({ output: new Tensor(x.storage, to), saved: {} }),
  // y holds x's elements under another shape  =>  dx = dy under x's shape
  backward: (_saved, dy, { from }) => ({ x: () => reshape(dy, from) }),
});

/**
 * The same elements under another shape, sharing storage. One axis may be -1: it takes what is left. Throws ShapeError
 * unless the shape has as many elements.
 */
export const reshape = (x: Tensor, shape: Shape): Tensor => reshapeOp({ x }, shape);

function resolve(from: Shape, shape: Shape): Shape {
  const size = sizeOf(from);
  const known = sizeOf(shape.filter((length) => length !== -1));
  const resolved = shape.map((length) => (length === -1 ? size / known : length));
  const valid = resolved.every((length) => Number.isSafeInteger(length) && length >= 0);
  if (!valid || sizeOf(resolved) !== size || shape.filter((length) => length === -1).length > 1) {
    throw new ShapeError(
      `reshape: expected a shape of ${size} elements (at most one axis -1) for ${formatShape(from)}, got ${formatShape(shape)}`,
    );
  }
  return sameShape(resolved, from) ? from : resolved;
}
