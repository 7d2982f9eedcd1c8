import { ShapeError } from "../../engine/errors.ts";
import { commonBackend } from "../../engine/op.ts";
import { formatShape, normalizeAxis } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { sliceAxis } from "./slice.ts";

/**
 * x cut along an axis: into parts of the given lengths, or of one length (the last part may be shorter), as PyTorch's
 * `split`. Throws ShapeError unless the lengths are integers that sum to the axis' length, or the one is positive.
 */
export function split(x: Tensor, lengths: number | readonly number[], axis = 0): Tensor[] {
  commonBackend("split", [x]);
  const along = normalizeAxis("split", axis, x.shape.length);
  const whole = x.shape[along] ?? 0;
  const parts = typeof lengths === "number" ? equalParts(whole, lengths) : lengths;
  const valid = parts.every((length) => Number.isInteger(length) && length >= 0);
  const total = parts.reduce((sum, length) => sum + length, 0);
  if (!valid || total !== whole) {
    throw new ShapeError(
      `split: expected integers from 0 on that sum to ${whole}, the length of axis ${along}, got ${formatShape(parts)}`,
    );
  }
  let end = 0;
  return parts.map((length) => sliceAxis(x, along, end, (end += length)));
}

function equalParts(whole: number, length: number): number[] {
  if (!Number.isInteger(length) || length < 1) {
    throw new ShapeError(`split: expected a positive integer as the length of parts, got ${length}`);
  }
  return Array.from({ length: Math.ceil(whole / length) }, (_, i) => Math.min(length, whole - i * length));
}
