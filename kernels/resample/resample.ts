/**
 * Linear maps along one axis, by a matrix with few elements in each row: what pools with windows of several sizes and
 * interpolation are, along each axis in turn. The gradient of y = M x is dx = M^T dy, the same op with another matrix; so is
 * the gradient's gradient.
 */
import type { Backend } from "../../engine/backend.ts";
import { ShapeError } from "../../engine/errors.ts";
import type { DType, Numbers } from "../../engine/kernel.ts";
import { defineOp, f32, runOne } from "../../engine/op.ts";
import { scope } from "../../engine/scope.ts";
import { formatShape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { checkTensors, hostTensor } from "../arguments.ts";
import { replaceAxis, viewFrom } from "../axis.ts";
import { pair, rank4 } from "../window.ts";
import type { Pair } from "../window.ts";
import { resampleKernel } from "./resample.kernels.ts";

/** An element of a row: its column, and the number that stands there. */
export interface Element {
  readonly column: number;
  readonly weight: number;
}

/** A sparse matrix of `length` columns, row by row. */
export interface SparseMatrix {
  readonly length: number;
  readonly rows: readonly (readonly Element[])[];
}

const resampleOp = defineOp({
  name: "resample",
  infer: (_inputs: { x: Tensor }, plan: { readonly axis: number; readonly matrix: SparseMatrix }) => plan,
  forward: ({ x }, { axis, matrix }) => {
    const { outer, length, inner } = viewFrom(x.shape, axis);
    const count = matrix.rows.length;
    const output = runOne(
      resampleKernel,
      { outer, length, count, inner },
      [x, ...tables(x.backend, matrix)],
      f32(replaceAxis(x.shape, axis, count)),
    );
    return { output, saved: {} };
  },
  // y = M x  =>  dx = M^T dy
  backward: (_saved, dy, { axis, matrix }) => ({
    x: (): Tensor => resampleOp({ x: dy }, { axis, matrix: transposed(matrix) }),
  }),
});

/**
 * x [batch, height, width, channels] with its rows and columns mapped to images of `size`, an argument called `name`;
 * `matrixOf` gives the matrix from a length to another one. Throws ShapeError unless x is of rank 4 with pixels and the sizes
 * are positive integers, DTypeError unless x is f32.
 */
export function resampleImages(
  who: string,
  x: Tensor,
  name: string,
  size: Pair,
  matrixOf: (length: number, size: number) => SparseMatrix,
): Tensor {
  checkTensors(who, "f32", { x });
  const [, height, width] = rank4(who, "x", x.shape, "batch, height, width, channels");
  if (height === 0 || width === 0) {
    throw new ShapeError(`${who}: expected images of at least 1 x 1, got x ${formatShape(x.shape)}`);
  }
  const [newHeight, newWidth] = pair(who, name, size, 1);
  const rows = { axis: 1, matrix: matrixOf(height, newHeight), growth: newHeight / height };
  const columns = { axis: 2, matrix: matrixOf(width, newWidth), growth: newWidth / width };
  // The axis that shrinks most first, which leaves less for the other. One that keeps its length is left alone.
  const maps = (rows.growth <= columns.growth ? [rows, columns] : [columns, rows]).filter(
    ({ growth }) => growth !== 1,
  );
  return scope(() =>
    maps.reduce(
      (images, { axis, matrix }) => resampleOp({ x: images }, { axis, matrix }),
      reshape(x, x.shape),
    ),
  );
}

/** The matrix as the kernel takes it: starts, columns, weights. */
function tables(backend: Backend, { rows }: SparseMatrix): Tensor[] {
  const elements = rows.flat();
  let end = 0;
  const starts = [0, ...rows.map((row) => (end += row.length))];
  const upload = (values: Numbers, dtype: DType): Tensor =>
    hostTensor(backend, values, [values.length], dtype);
  return [
    upload(starts, "i32"),
    upload(elements.map(({ column }) => column), "i32"), // prettier-ignore
    upload(elements.map(({ weight }) => weight), "f32"), // prettier-ignore
  ];
}

function transposed({ length, rows }: SparseMatrix): SparseMatrix {
  const columns = Array.from({ length }, (): Element[] => []);
  rows.forEach((row, i) => {
    for (const { column, weight } of row) columns[column]?.push({ column: i, weight });
  });
  return { length: rows.length, rows: columns };
}
