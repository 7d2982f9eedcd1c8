/**
 * Similarities on the GPU, a strip at a time: 256 rows of Q K^T, which are consumed before the next strip takes their
 * place. So memory grows with the number of rows, not with their product, and forward and backward are products of
 * matrices for the most part.
 *
 * Bound: 2 R M D operations and R M exponentials forward; 4 R M D backward (similarities are computed again), and an
 * exponential for each half of a pair.
 */
import { withTransposed } from "../../engine/backends/webgpu/gemm/transposed.ts";
import type { Block, Gpu } from "../../engine/backends/webgpu/gpu.ts";
import type { Params } from "../../engine/kernel.ts";
import { runProduct } from "../matmul/matmul.wgsl.ts";

const STRIP_ROWS = 256;

/** Invocations that share a row of a strip forward, each with every 16th column of it. */
export const SHARES = 16;

/** Calls `consume` with each strip of Q K^T, in turn: its products, its first row, and the number of its rows. */
export function forEachStrip(
  gpu: Gpu,
  { rows, columns, features }: Params<"rows" | "columns" | "features">,
  anchors: Block,
  contrast: Block,
  consume: (products: Block, firstRow: number, stripRows: number) => void,
): void {
  withTransposed(gpu, contrast, columns, features, (transposed) => {
    gpu.withScratch(Math.min(rows, STRIP_ROWS) * columns, (products) => {
      for (let firstRow = 0; firstRow < rows; firstRow += STRIP_ROWS) {
        const m = Math.min(STRIP_ROWS, rows - firstRow);
        const strides = { aFrom: firstRow * features, aRow: features, aStep: 1, bStep: columns, bColumn: 1 };
        runProduct(gpu, { m, n: columns, k: features, ...strides }, [anchors, transposed, products]);
        consume(products, firstRow, m);
      }
    });
  });
}
