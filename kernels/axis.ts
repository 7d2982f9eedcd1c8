import { ShapeError } from "../engine/errors.ts";
import { formatShape, normalizeAxes, sizeOf } from "../engine/shape.ts";
import type { Shape } from "../engine/shape.ts";

/**
 * A contiguous tensor seen from one of its axes, as [outer, length, inner]: the axes before it in one, the axis, and
 * the axes after it in one. Kernels that work along an axis know no other ranks.
 */
export interface AxisView {
  readonly outer: number;
  readonly length: number;
  readonly inner: number;
}

/** The view of `shape` from `axis` (not negative). */
export const viewFrom = (shape: Shape, axis: number): AxisView => ({
  outer: sizeOf(shape.slice(0, axis)),
  length: shape[axis] ?? 1,
  inner: sizeOf(shape.slice(axis + 1)),
});

/** The shape with `lengths` (one, none or several) in the place of `axis` (not negative). */
export const replaceAxis = (shape: Shape, axis: number, ...lengths: readonly number[]): Shape => [
  ...shape.slice(0, axis),
  ...lengths,
  ...shape.slice(axis + 1),
];

/** As `normalizeAxes`, and throws ShapeError if an axis has no elements: nothing has no mean and no maximum. */
export function nonEmptyAxes(
  who: string,
  axes: number | readonly number[] | undefined,
  shape: Shape,
): number[] {
  const sorted = normalizeAxes(who, axes, shape.length);
  const empty = sorted.find((axis) => shape[axis] === 0);
  if (empty === undefined) return sorted;
  throw new ShapeError(
    `${who}: expected at least one element along axis ${empty}, got shape ${formatShape(shape)}`,
  );
}
