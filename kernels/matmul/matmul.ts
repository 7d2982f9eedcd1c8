import { ShapeError } from "../../engine/errors.ts";
import { defineOp, f32, runOne } from "../../engine/op.ts";
import { formatShape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkDType } from "../arguments.ts";
import { matmul as matmulKernel } from "./matmul.kernels.ts";

/** Options of {@link matmul}: operands that are stored transposed. */
export interface MatmulOptions {
  /** a is stored as [k, m]. Default false: [m, k]. */
  readonly transposeA?: boolean;
  /** b is stored as [n, k]. Default false: [k, n]. */
  readonly transposeB?: boolean;
}

function infer(
  { a, b }: { a: Tensor; b: Tensor },
  { transposeA = false, transposeB = false }: MatmulOptions,
) {
  const [aRows, aColumns, ...aMore] = a.shape;
  const [bRows, bColumns, ...bMore] = b.shape;
  const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const [inner, n] = transposeB ? [bColumns, bRows] : [bRows, bColumns];
  const ranksFit = aMore.length === 0 && bMore.length === 0;
  if (m === undefined || k === undefined || n === undefined || inner !== k || !ranksFit) {
    const [left, right] = [transposeA ? "[k, m]" : "[m, k]", transposeB ? "[n, k]" : "[k, n]"];
    throw new ShapeError(
      `matmul: expected shapes ${left} and ${right}, got ${formatShape(a.shape)} and ${formatShape(b.shape)}`,
    );
  }
  checkDType("matmul", "f32", { a, b });
  return { m, n, k, transposeA, transposeB };
}

const matmulOp = defineOp({
  name: "matmul",
  infer,
  forward: ({ a, b }, { m, n, k, transposeA, transposeB }) => {
    const params = { m, n, k, transposeA: Number(transposeA), transposeB: Number(transposeB) };
    return { output: runOne(matmulKernel, params, [a, b], f32([m, n])), saved: { a, b } };
  },
  // C = A B  =>  dA = dC B^T,  dB = A^T dC;  and where a = A^T is stored, da = B dC^T,  where b = B^T, db = dC^T A
  backward: ({ a, b }, dc, { transposeA, transposeB }) => ({
    a: () =>
      transposeA
        ? matmul(b, dc, { transposeA: transposeB, transposeB: true })
        : matmul(dc, b, { transposeB: !transposeB }),
    b: () =>
      transposeB
        ? matmul(dc, a, { transposeA: true, transposeB: transposeA })
        : matmul(a, dc, { transposeA: !transposeA }),
  }),
});

/**
 * The matrix product of a [m, k] and b [k, n], of shape [m, n]. Either may be stored transposed, at no cost.
 * Throws ShapeError unless both are matrices that fit, DTypeError unless they are f32.
 */
export const matmul = (a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor =>
  matmulOp({ a, b }, options);
