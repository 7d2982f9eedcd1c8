import { defineOp } from "../../engine/op.ts";
import type { Axes } from "../../engine/reduction.ts";
import { normalizeAxes } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { gather } from "./gather.ts";

const flipOp = defineOp({
  name: "flip",
  infer: ({ x }: { x: Tensor }, axes: Axes) => normalizeAxes("flip", axes, x.shape.length),
  forward: ({ x }, axes) => {
    const backwards = (length = 0) => Int32Array.from({ length }, (_, i) => length - 1 - i);
    const output = axes.reduce((y, axis) => gather(y, backwards(y.shape[axis]), axis), reshape(x, x.shape));
    return { output, saved: {} };
  },
  // y_i = x_(n-1-i)  =>  dx_i = dy_(n-1-i)
  backward: (_saved, dy, axes) => ({ x: (): Tensor => flipOp({ x: dy }, axes) }),
});

/** x with the entries along the given axes (default all) in the reverse order. Throws ShapeError for an axis out of range. */
export const flip = (x: Tensor, axes?: Axes): Tensor => flipOp({ x }, axes);
