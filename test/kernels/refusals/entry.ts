/** What the tables of bad calls are made of. */
import { tensor, zeros } from "../../../engine/create.ts";
import { ShapeError, ValueError } from "../../../engine/errors.ts";
import type { DTypeError } from "../../../engine/errors.ts";
import type { Reduction } from "../../../engine/reduction.ts";
import type { Shape } from "../../../engine/shape.ts";
import type { Tensor } from "../../../engine/tensor.ts";

type ErrorType = typeof ShapeError | typeof DTypeError | typeof ValueError;
/** The error, how its message goes on, and a call. */
export type Refusal = readonly [type: ErrorType, expected: string, call: () => unknown];

/** A call that works, and calls that do not. */
export interface Entry {
  /** Shapes of the tensors that the call takes, f32 or i32. */
  readonly inputs: readonly (Shape | { readonly i32: Shape })[];
  readonly call: (...tensors: Tensor[]) => unknown;
  /** The op takes tensors of either type: it moves elements, or reads integers as numbers. */
  readonly anyType?: boolean;
  readonly refuses: readonly Refusal[];
}

export const [f2, f3, f23] = [[2], [3], [2, 3]];
export const x = (shape: Shape = f23): Tensor => zeros(shape);
export const integers = (...values: number[]): Tensor => tensor(Int32Array.from(values));

/** Elementwise functions of one tensor, with so many operands in all. */
export const unary = (op: (x: Tensor) => Tensor, operands = 1): Entry => ({
  inputs: [f23],
  call: op,
  anyType: true,
  // @ts-expect-error a number where only a tensor may stand
  refuses: [[ValueError, `${operands} operands, at least one a tensor, got 2`, () => op(2)]],
});
/** Elementwise functions of two. */
export const binary = (op: (a: Tensor | number, b: Tensor | number) => Tensor): Entry => ({
  inputs: [f23, f3],
  call: op,
  anyType: true,
  refuses: [
    [ShapeError, "shapes that broadcast, got [2, 3] and [2]", () => op(x(), x(f2))],
    [ValueError, "2 operands, at least one a tensor, got 1, 2", () => op(1, 2)],
  ],
});

/** Axes that a matrix does not have, and one twice. */
export const badAxes = (op: (x: Tensor, axes: number | number[]) => unknown): Refusal[] => [
  [ShapeError, "an axis from -2 to 1, got 2", () => op(x(), 2)],
  [ShapeError, "an axis from -2 to 1, got 0.5", () => op(x(), 0.5)],
  [ShapeError, "each axis once, got [0, 0]", () => op(x(), [0, -2])],
];
export const badAxis = (op: (x: Tensor, axis: number) => unknown): Refusal[] => badAxes((t, axes) => op(t, Number(axes))).slice(0, 2); // prettier-ignore
export const emptyAxis = (op: (x: Tensor, axis: number) => unknown): Refusal => [
  ShapeError,
  "at least one element along axis 1, got shape [2, 0]",
  () => op(x([2, 0]), 1),
];
/** Reductions for which nothing has no result. */
export const reduction = (op: Reduction): Entry => ({
  inputs: [f23],
  call: (t) => op(t, 1),
  anyType: true,
  refuses: [...badAxes(op), emptyAxis(op)],
});
/** Ops that work along one axis. */
export const alongAxis = (op: (x: Tensor, axis: number) => unknown, ...refuses: Refusal[]): Entry => ({
  inputs: [f23],
  call: (t) => op(t, 1),
  anyType: true,
  refuses: [...badAxis(op), ...refuses],
});
export const onlyFloats = (entry: Entry): Entry => ({ ...entry, anyType: false });
