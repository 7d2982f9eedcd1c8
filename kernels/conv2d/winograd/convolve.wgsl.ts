/**
 * Winograd's convolution on the GPU, forward and gradient of the input (see `winograd.ts`), in four steps: transformed
 * weights and inputs, a matrix product for each of the (m + 2)^2 elements of a square, transformed products.
 *
 * The gradient of the input is a convolution of dy with the weights turned by half a circle, their channels exchanged.
 *
 * Bound: 2 (m + 2)^2 / m^2 * inChannels * outChannels operations for each output pixel, and memory for what lies between the
 * steps: for m = 4 9 bytes for each element of the input, written and read again, and as many for the output.
 */
import type { Block, Gpu } from "../../../engine/backends/webgpu/gpu.ts";
import { runProduct } from "../../matmul/matmul.wgsl.ts";
import type { ConvGeometry } from "../geometry.ts";
import { forTiles, inputTiling, outputTiling, transformInputs } from "./tiles.wgsl.ts";
import { matrices, tiles, transform, weights, weightsInOrder, weightsRotated } from "./transforms.wgsl.ts";
import { outputTile, transforms } from "./winograd.ts";
import type { OutputTile } from "./winograd.ts";

const transformWeights = forTiles((m) =>
  transform(`winograd ${m} (weights)`, transforms(m).weights, weights, matrices(m + 2)),
);

const transformProducts = forTiles((m) =>
  transform(`winograd ${m} (products)`, transforms(m).output, matrices(m + 2), tiles(m)),
);

/** The convolution of dy that the gradient of the input is: paddings of the window turned. */
const gradInputGeometry = (g: ConvGeometry): ConvGeometry => ({
  ...g,
  ...{ height: g.outHeight, width: g.outWidth, inChannels: g.outChannels },
  ...{ outHeight: g.height, outWidth: g.width, outChannels: g.inChannels },
  ...{ padTop: 2 - g.padTop, padLeft: 2 - g.padLeft },
});

/** Bytes of the largest buffer between the steps, of which there are three: devices need not bind, nor have room for, more. */
const BUFFER_BYTES = 1 << 26;

/**
 * Channels from which on it is faster. On llvmpipe measured. On hardware by arithmetic: of C to C channels a pixel has
 * 13.5 C^2 operations less for m = 4, and 36 C bytes to be moved between the steps, which with 10 to 20 operations in the
 * time of a byte is even at 27 to 53 channels; and products of short sums come less near to the rate of a GPU.
 */
const LEAST_CHANNELS = { software: 16, hardware: 64 };

/** {@link outputTile} for the GPU. */
export function gpuTile(g: ConvGeometry, software: boolean): OutputTile | undefined {
  const m = outputTile(g);
  if (m === undefined) return undefined;
  const { inChannels, outChannels } = g;
  const { rows } = inputTiling(m, g);
  const largest = Math.max(rows * inChannels, rows * outChannels, inChannels * outChannels);
  const fits = 4 * (m + 2) ** 2 * largest <= BUFFER_BYTES;
  const least = LEAST_CHANNELS[software ? "software" : "hardware"];
  return fits && Math.min(inChannels, outChannels) >= least ? m : undefined;
}

/** The geometry by which a pass is computed: forward, or as a forward pass of dy. */
export const passGeometry = (pass: "forward" | "gradInput", g: ConvGeometry): ConvGeometry =>
  pass === "forward" ? g : gradInputGeometry(g);

/** Computes a pass in tiles of m x m: c = y from x, or dx from dy. `g` is its {@link passGeometry}. */
export function runWinograd(
  gpu: Gpu,
  pass: "forward" | "gradInput",
  g: ConvGeometry,
  m: OutputTile,
  [source, w, c]: readonly [source: Block, w: Block, c: Block],
): void {
  const { inChannels, outChannels } = g;
  const [inputs, outputs] = [inputTiling(m, g), outputTiling(m, g)];
  const { rows } = inputs;
  const squares = (m + 2) ** 2;
  const order = pass === "forward" ? weightsInOrder(outChannels) : weightsRotated(inChannels);
  gpu.withScratch(squares * inChannels * outChannels, (u) => {
    transformWeights[m](gpu, [w, u], { rows: inChannels, columns: outChannels, ...order });
    gpu.withScratch(squares * rows * inChannels, (v) => {
      transformInputs[m](gpu, [source, v], inputs);
      gpu.withScratch(squares * rows * outChannels, (products) => {
        const strides = { aRow: inChannels, aStep: 1, bStep: outChannels, bColumn: 1 };
        const apart = { outer: squares, aOuter: rows * inChannels, bOuter: inChannels * outChannels };
        runProduct(gpu, { m: rows, n: outChannels, k: inChannels, ...strides, ...apart }, [v, u, products]);
        transformProducts[m](gpu, [products, c], outputs);
      });
    });
  });
}
