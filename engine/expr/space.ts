import type { Shape } from "../shape.ts";

/**
 * The loops of an expression kernel: `kept` loops enumerate output elements (outermost first), `reduced` loops the
 * elements that are folded into each. `strides[operand]` says how far one step of each loop moves in that operand.
 */
export interface IterationSpace {
  readonly kept: readonly number[];
  readonly reduced: readonly number[];
  readonly strides: readonly OperandStrides[];
  /** Whether the fastest-varying loop of the full shape is a reduced one: rows are folded, not columns. */
  readonly foldsRows: boolean;
}

/** Elements that one step of each loop moves in an operand: 0 where it is broadcast. */
export interface OperandStrides {
  readonly kept: readonly number[];
  readonly reduced: readonly number[];
}

/** 0 ... n-1: the loops of a kernel, or its operands. */
export const range = (n: number): number[] => Array.from({ length: n }, (_, i) => i);

interface Loop {
  length: number;
  /** One stride for each operand. */
  strides: number[];
}

/**
 * Loops over `shape`, folding over the `reducedAxes`, for operands given by their stride along each axis of `shape`.
 * Axes of length 1 disappear, and neighbouring loops that every operand walks as one are merged: a kernel then sees
 * one or two loops where the user's shapes have four axes.
 */
export function iterationSpace(
  shape: Shape,
  reducedAxes: readonly number[],
  operands: readonly (readonly number[])[],
): IterationSpace {
  const loops: Record<"kept" | "reduced", Loop[]> = { kept: [], reduced: [] };
  let foldsRows = false;
  shape.forEach((length, axis) => {
    if (length === 1) return;
    foldsRows = reducedAxes.includes(axis);
    const list = loops[foldsRows ? "reduced" : "kept"];
    const strides = operands.map((operand) => operand[axis] ?? 0);
    const outer = list.at(-1);
    if (outer?.strides.every((stride, i) => stride === (strides[i] ?? 0) * length)) {
      outer.length *= length;
      outer.strides = strides;
    } else {
      list.push({ length, strides });
    }
  });
  return {
    kept: loops.kept.map((loop) => loop.length),
    reduced: loops.reduced.map((loop) => loop.length),
    strides: operands.map((_, i) => ({
      kept: loops.kept.map((loop) => loop.strides[i] ?? 0),
      reduced: loops.reduced.map((loop) => loop.strides[i] ?? 0),
    })),
    foldsRows,
  };
}

/** Strides along the axes of `target` of a contiguous tensor of shape `from` that is broadcast to it. */
export function broadcastStrides(from: Shape, target: Shape): number[] {
  const missing = target.length - from.length;
  const strides = new Array<number>(target.length).fill(0);
  let stride = 1;
  for (let axis = from.length - 1; axis >= 0; axis--) {
    const length = from[axis] ?? 1;
    if (length !== 1) strides[axis + missing] = stride;
    stride *= length;
  }
  return strides;
}
