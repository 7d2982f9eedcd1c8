import { ShapeError } from "../../engine/errors.ts";
import { commonBackend } from "../../engine/op.ts";
import type { Axes } from "../../engine/reduction.ts";
import { formatShape, normalizeAxes, normalizeAxis, reduceShape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";

/**
 * x without the given axes, which must have length 1; by default without all that have. Shares storage.
 * Throws ShapeError for an axis of another length (where PyTorch leaves it).
 */
export function squeeze(x: Tensor, axes?: Axes): Tensor {
  commonBackend("squeeze", [x]);
  const ones = x.shape.flatMap((length, axis) => (length === 1 ? [axis] : []));
  const dropped = axes === undefined ? ones : normalizeAxes("squeeze", axes, x.shape.length);
  if (!dropped.every((axis) => ones.includes(axis))) {
    throw new ShapeError(
      `squeeze: expected axes of length 1, got ${formatShape(dropped)} of shape ${formatShape(x.shape)}`,
    );
  }
  return reshape(x, reduceShape(x.shape, dropped, false));
}

/** x with an axis of length 1 at position `axis` of the result. Shares storage. Throws ShapeError if it is out of range. */
export function unsqueeze(x: Tensor, axis: number): Tensor {
  commonBackend("unsqueeze", [x]);
  const at = normalizeAxis("unsqueeze", axis, x.shape.length + 1);
  return reshape(x, x.shape.toSpliced(at, 0, 1));
}
