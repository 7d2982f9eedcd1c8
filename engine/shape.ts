import { ShapeError } from "./errors.ts";

/** Lengths of a tensor's axes, outermost first. The empty shape is a scalar. */
export type Shape = readonly number[];

/** Number of elements of a shape: the product of its axes (1 for a scalar). */
export function sizeOf(shape: Shape): number {
  let size = 1;
  for (const length of shape) size *= length;
  return size;
}

/** Whether two shapes are the same. */
export const sameShape = (a: Shape, b: Shape): boolean =>
  a === b || (a.length === b.length && a.every((length, axis) => length === b[axis]));

/** A shape as people write it: `[2, 3]`. */
export const formatShape = (shape: Shape): string => `[${shape.join(", ")}]`;

/** Refuses anything but non-negative integers as axis lengths. */
export function checkShape(who: string, shape: Shape): void {
  if (!shape.every((length) => Number.isSafeInteger(length) && length >= 0)) {
    throw new ShapeError(`${who}: expected non-negative integers as axis lengths, got ${formatShape(shape)}`);
  }
}

/**
 * The shape that NumPy broadcasting gives: shapes are aligned at their last axis, and an axis of length 1
 * (or a missing one) stretches to the other's length.
 */
export function broadcastShapes(who: string, ...shapes: readonly Shape[]): Shape {
  const rank = Math.max(0, ...shapes.map((shape) => shape.length));
  return Array.from({ length: rank }, (_, axis) => {
    let length = 1;
    for (const shape of shapes) {
      const own = shape[axis - rank + shape.length] ?? 1;
      if (own === 1 || own === length) continue;
      if (length !== 1) {
        throw new ShapeError(
          `${who}: expected shapes that broadcast, got ${shapes.map(formatShape).join(" and ")}; ` +
            `each axis, counted from the last, must agree or be 1`,
        );
      }
      length = own;
    }
    return length;
  });
}

/** The axes of `target` along which a tensor of shape `from` is stretched by broadcasting. */
export function broadcastAxes(from: Shape, target: Shape): number[] {
  const missing = target.length - from.length;
  return target.flatMap((length, axis) =>
    axis < missing || (from[axis - missing] === 1 && length !== 1) ? [axis] : [],
  );
}

/** Axes as the caller gave them (one, several, negative from the end, or undefined = all), sorted and checked. */
export function normalizeAxes(
  who: string,
  axes: number | readonly number[] | undefined,
  rank: number,
): number[] {
  if (axes === undefined) return Array.from({ length: rank }, (_, axis) => axis);
  const list = (typeof axes === "number" ? [axes] : [...axes]).map((axis) => normalizeAxis(who, axis, rank));
  if (new Set(list).size !== list.length) {
    throw new ShapeError(`${who}: expected each axis once, got ${formatShape(list)}`);
  }
  return list.sort((a, b) => a - b);
}

/** One axis, negative from the end, checked against the rank. */
export function normalizeAxis(who: string, axis: number, rank: number): number {
  if (!Number.isInteger(axis) || axis < -rank || axis >= rank) {
    const range = rank === 0 ? "no axis of a scalar" : `an axis from ${-rank} to ${rank - 1}`;
    throw new ShapeError(`${who}: expected ${range}, got ${axis}`);
  }
  return axis < 0 ? axis + rank : axis;
}

/** The shape after reducing over `axes` (sorted): they become 1 (`keepDims`) or disappear. */
export function reduceShape(shape: Shape, axes: readonly number[], keepDims: boolean): number[] {
  return shape.flatMap((length, axis) => (axes.includes(axis) ? (keepDims ? [1] : []) : [length]));
}

/** Elements between neighbours along each axis of a contiguous (row-major) tensor. */
export function stridesOf(shape: Shape): number[] {
  const strides = new Array<number>(shape.length);
  let stride = 1;
  for (let axis = shape.length - 1; axis >= 0; axis--) {
    strides[axis] = stride;
    stride *= shape[axis] ?? 1;
  }
  return strides;
}
