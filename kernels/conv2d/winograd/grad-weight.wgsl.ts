/**
 * The gradient of the weights on the GPU by Winograd's transforms (see `winograd.ts`): transformed inputs and gradients of the
 * outputs, a matrix product over all tiles for each of the (m + 2)^2 elements of a square, transformed products.
 *
 * Bound: 2 (m + 2)^2 / m^2 * inChannels * outChannels operations for each output pixel, and memory for what lies between the
 * steps, as in `convolve.wgsl.ts`.
 */
import type { Block, Gpu } from "../../../engine/backends/webgpu/gpu.ts";
import { runProduct } from "../../matmul/matmul.wgsl.ts";
import type { ConvGeometry } from "../geometry.ts";
import { forTiles, inputTiling, outputTiling, transformInputs } from "./tiles.wgsl.ts";
import { matrices, tiles, transform, weights, weightsInOrder } from "./transforms.wgsl.ts";
import { transforms, transpose } from "./winograd.ts";
import type { OutputTile } from "./winograd.ts";

const transformGradients = forTiles((m) =>
  transform(
    `winograd ${m} gradWeight (gradients)`,
    transpose(transforms(m).output),
    tiles(m),
    matrices(m + 2),
  ),
);

const transformSums = forTiles((m) =>
  transform(`winograd ${m} gradWeight (sums)`, transpose(transforms(m).weights), matrices(m + 2), weights),
);

/** Computes dw from x and dy in tiles of m x m. */
export function runWinogradGradWeight(
  gpu: Gpu,
  g: ConvGeometry,
  m: OutputTile,
  [x, dy, dw]: readonly [x: Block, dy: Block, dw: Block],
): void {
  const { inChannels, outChannels } = g;
  const [inputTiles, outputTiles] = [inputTiling(m, g), outputTiling(m, g)];
  const { rows } = inputTiles;
  const squares = (m + 2) ** 2;
  gpu.withScratch(squares * rows * inChannels, (inputs) => {
    transformInputs[m](gpu, [x, inputs], inputTiles);
    gpu.withScratch(squares * rows * outChannels, (gradients) => {
      transformGradients[m](gpu, [dy, gradients], outputTiles);
      gpu.withScratch(squares * inChannels * outChannels, (sums) => {
        const strides = { aRow: 1, aStep: inChannels, bStep: outChannels, bColumn: 1 };
        const apart = { outer: squares, aOuter: rows * inChannels, bOuter: rows * outChannels };
        const product = { m: inChannels, n: outChannels, k: rows, ...strides, ...apart };
        runProduct(gpu, product, [inputs, gradients, sums]);
        const weightSizes = { rows: inChannels, columns: outChannels, ...weightsInOrder(outChannels) };
        transformSums[m](gpu, [sums, dw], weightSizes);
      });
    });
  });
}
