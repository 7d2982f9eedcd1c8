/**
 * The matrix product, over leading batch axes too.
 *
 * Where b is one matrix for the whole batch, the batch axes of a are so many more rows: [8, 5, k] by [k, n] is [40, k] by
 * [k, n], one product, and its gradient db is one product too, not a sum over the batch.
 */
import { ShapeError } from "../../engine/errors.ts";
import { broadcastStrides, iterationSpace } from "../../engine/expr/space.ts";
import { defineOp, f32, runOne } from "../../engine/op.ts";
import { scope } from "../../engine/scope.ts";
import { broadcastAxes, broadcastShapes, formatShape, sizeOf } from "../../engine/shape.ts";
import type { Shape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { checkTensors } from "../arguments.ts";
import { broadcastTo } from "../layout/broadcast.ts";
import { sum } from "../reduce/sum.ts";
import { batchedMatmul } from "./batched.kernels.ts";
import { matmul as matmulKernel } from "./matmul.kernels.ts";

/** Options of {@link matmul}: operands that are stored transposed. */
export interface MatmulOptions {
  /** The last two axes of a are [k, m]. Default false: [m, k]. */
  readonly transposeA?: boolean;
  /** The last two axes of b are [n, k]. Default false: [k, n]. */
  readonly transposeB?: boolean;
}

/** Sizes of the matrices, and how they are stored. */
interface Product {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly transposeA: boolean;
  readonly transposeB: boolean;
}

const batchOf = (x: Tensor): Shape => x.shape.slice(0, -2);
const matrixOf = (x: Tensor): Shape => x.shape.slice(-2);

/** The batch axes of the product, as loops: neighbouring axes that both operands walk as one are one loop. */
function walk(a: Tensor, b: Tensor) {
  const batch = broadcastShapes("matmul", batchOf(a), batchOf(b));
  const strides = [batchOf(a), batchOf(b)].map((own) => broadcastStrides(own, batch));
  const { kept, strides: steps } = iterationSpace(batch, [], strides);
  return { batch, lengths: kept, aSteps: steps[0]?.kept ?? [], bSteps: steps[1]?.kept ?? [] };
}

/** As {@link matmul}, for operands of at least two axes and a batch of at most two loops. */
const matmulOp = defineOp({
  name: "matmul",
  infer: (_inputs: { a: Tensor; b: Tensor }, product: Product) => product,
  forward: ({ a, b }, { m, n, k, transposeA, transposeB }) => {
    const sizes = { m, n, k, transposeA: Number(transposeA), transposeB: Number(transposeB) };
    if (a.shape.length === 2 && b.shape.length === 2) {
      return { output: runOne(matmulKernel, sizes, [a, b], f32([m, n])), saved: { a, b } };
    }
    const { batch, lengths, aSteps, bSteps } = walk(a, b);
    const [outer = 1, inner = 1] = [1, 1, ...lengths].slice(-2);
    const [aOuter = 0, aInner = 0] = [0, 0, ...aSteps].slice(-2);
    const [bOuter = 0, bInner = 0] = [0, 0, ...bSteps].slice(-2);
    const params = { ...sizes, outer, inner, aOuter, aInner, bOuter, bInner };
    return { output: runOne(batchedMatmul, params, [a, b], f32([...batch, m, n])), saved: { a, b } };
  },
  // C = A B  =>  dA = dC B^T,  dB = A^T dC;  and where a = A^T is stored, da = B dC^T,  where b = B^T, db = dC^T A;
  // summed over the batch axes along which a or b is stretched
  backward: ({ a, b }, dc, { transposeA, transposeB }) => ({
    a: () =>
      sumTo(
        a.shape,
        transposeA
          ? matmul(b, dc, { transposeA: transposeB, transposeB: true })
          : matmul(dc, b, { transposeB: !transposeB }),
      ),
    b: () =>
      sumTo(
        b.shape,
        transposeB
          ? matmul(dc, a, { transposeA: true, transposeB: transposeA })
          : matmul(a, dc, { transposeA: !transposeA }),
      ),
  }),
});

function sumTo(shape: Shape, x: Tensor): Tensor {
  const axes = broadcastAxes(shape, x.shape);
  return axes.length === 0 ? x : reshape(sum(x, axes), shape);
}

/**
 * The matrix product of a [..., m, k] and b [..., k, n], of shape [..., m, n], for each index of the leading axes, which
 * broadcast as in NumPy and PyTorch. A vector a [k] is a row, and b [k] a column, whose axis of length 1 is not in the
 * result: the product of two vectors is a scalar. Matrices may be stored transposed, at no cost.
 * Throws ShapeError unless the shapes fit, DTypeError unless they are f32.
 */
export function matmul(a: Tensor, b: Tensor, options: MatmulOptions = {}): Tensor {
  checkTensors("matmul", "f32", { a, b });
  const product = productOf(a.shape, b.shape, options);
  if (a.shape.length === 2 && b.shape.length === 2) return matmulOp({ a, b }, product);
  return scope(() => {
    const left = a.shape.length === 1 ? reshape(a, [1, product.k]) : a;
    const right = b.shape.length === 1 ? reshape(b, [product.k, 1]) : b;
    const { batch, lengths } = walk(left, right);
    const rows = a.shape.length === 1 ? [] : [product.m];
    const columns = b.shape.length === 1 ? [] : [product.n];
    return reshape(multiply(left, right, product, batch, lengths), [...batch, ...rows, ...columns]);
  });
}

/** The product, up to its shape. */
function multiply(a: Tensor, b: Tensor, product: Product, batch: Shape, lengths: Shape): Tensor {
  if (sizeOf(batchOf(b)) === 1 && !product.transposeA) {
    const m = sizeOf(batchOf(a)) * product.m;
    return matmulOp({ a: reshape(a, [m, product.k]), b: reshape(b, matrixOf(b)) }, { ...product, m });
  }
  // Batch axes stretched in turns, [5, 1, 3] with [1, 4, 1], say: more loops than the kernel has.
  if (lengths.length <= 2) return matmulOp({ a, b }, product);
  const stretch = (x: Tensor): Tensor => broadcastTo(x, [...batch, ...matrixOf(x)]);
  return matmulOp({ a: stretch(a), b: stretch(b) }, product);
}

/** Throws ShapeError unless the matrices in the last axes fit. */
function productOf(a: Shape, b: Shape, { transposeA = false, transposeB = false }: MatmulOptions): Product {
  const [aRows, aColumns] = a.length === 1 ? [1, ...a] : a.slice(-2);
  const [bRows, bColumns] = b.length === 1 ? [...b, 1] : b.slice(-2);
  const [m, k] = transposeA ? [aColumns, aRows] : [aRows, aColumns];
  const [inner, n] = transposeB ? [bColumns, bRows] : [bRows, bColumns];
  const noMatrix = (transposeA && a.length < 2) || (transposeB && b.length < 2);
  if (m === undefined || k === undefined || n === undefined || inner !== k || noMatrix) {
    const left = transposeA ? "[..., k, m]" : "[..., m, k]";
    const right = transposeB ? "[..., n, k]" : "[..., k, n]";
    throw new ShapeError(
      `matmul: expected shapes ${left} and ${right}, or vectors [k], got ${formatShape(a)} and ${formatShape(b)}` +
        (noMatrix ? "; a vector has no transpose" : ""),
    );
  }
  return { m, n, k, transposeA, transposeB };
}
