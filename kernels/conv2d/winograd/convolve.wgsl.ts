/**
 * Winograd's convolution on the GPU, forward and gradient of the input (see `winograd.ts`), in four steps: transformed
 * weights and inputs, a matrix product for each of the (m + 2)^2 elements of a square, transformed products.
 *
 * The gradient of the input is a convolution of dy with the weights turned by half a circle, their channels exchanged.
 *
 * Bound: 2 (m + 2)^2 / m^2 * inChannels * outChannels operations for each output pixel, and memory for what lies between the
 * steps: for m = 4 about 22 bytes for each element of the input, written and read again, and as many for the output.
 */
import type { Block, Gpu } from "../../../engine/backends/webgpu/gpu.ts";
import { runProduct } from "../../matmul/matmul.wgsl.ts";
import type { ConvGeometry } from "../geometry.ts";
import { asTheyAre, matrices, tiles, transform, turned, weights } from "./transforms.wgsl.ts";
import { outputTile, transforms } from "./winograd.ts";
import type { OutputTile } from "./winograd.ts";

/** Shaders for both sizes of tiles. */
export const forTiles = <T>(make: (m: OutputTile) => T): Readonly<Record<OutputTile, T>> => ({
  2: make(2),
  4: make(4),
});

const transformWeights = forTiles((m) =>
  transform(`winograd ${m} (weights)`, transforms(m).weights, weights, matrices(m + 2)),
);

/** B^T D B of the tiles of images. */
export const transformInputs = forTiles((m) =>
  transform(`winograd ${m} (inputs)`, transforms(m).input, tiles(m), matrices(m + 2)),
);

const transformProducts = forTiles((m) =>
  transform(`winograd ${m} (products)`, transforms(m).output, matrices(m + 2), tiles(m)),
);

/** Tiles of the outputs of a convolution. */
export function tilesOf(m: OutputTile, g: ConvGeometry) {
  const [tileRows, tileColumns] = [Math.ceil(g.outHeight / m), Math.ceil(g.outWidth / m)];
  return { tileRows, tileColumns, rows: g.batch * tileRows * tileColumns };
}

/** The inputs of the tiles, which overlap. */
export const inputTiling = (m: OutputTile, g: ConvGeometry) => ({
  ...{ columns: g.inChannels, height: g.height, width: g.width, top: g.padTop, left: g.padLeft },
  ...tilesOf(m, g),
});

/** The outputs of the tiles. */
export const outputTiling = (m: OutputTile, g: ConvGeometry) => ({
  ...{ columns: g.outChannels, height: g.outHeight, width: g.outWidth, top: 0, left: 0 },
  ...tilesOf(m, g),
});

/** The convolution of dy that the gradient of the input is: paddings of the window turned. */
const gradInputGeometry = (g: ConvGeometry): ConvGeometry => ({
  ...g,
  ...{ height: g.outHeight, width: g.outWidth, inChannels: g.outChannels },
  ...{ outHeight: g.height, outWidth: g.width, outChannels: g.inChannels },
  ...{ padTop: 2 - g.padTop, padLeft: 2 - g.padLeft },
});

/** Bytes between the steps, at most: devices need not have room, nor bindings, for more. */
const WORKSPACE_BYTES = 1 << 26;

/**
 * Channels from which on it is faster. On llvmpipe measured. On hardware by arithmetic: of C to C channels a pixel has
 * 13.5 C^2 operations less for m = 4, and 36 C bytes of input and 36 C of output to be moved between the steps, which with 10
 * to 20 operations in the time of a byte is even at 50 to 100 channels.
 */
const LEAST_CHANNELS = { software: 16, hardware: 64 };

/** {@link outputTile} for the GPU. */
export function gpuTile(g: ConvGeometry, software: boolean): OutputTile | undefined {
  const m = outputTile(g);
  if (m === undefined) return undefined;
  const channels = [g.inChannels, g.outChannels];
  const bytes = 4 * (m + 2) ** 2 * tilesOf(m, g).rows * Math.max(...channels);
  const least = LEAST_CHANNELS[software ? "software" : "hardware"];
  return bytes <= WORKSPACE_BYTES && Math.min(...channels) >= least ? m : undefined;
}

/** The geometry by which a pass is computed: forward, or as a forward pass of dy. */
export const passGeometry = (pass: "forward" | "gradInput", g: ConvGeometry): ConvGeometry =>
  pass === "forward" ? g : gradInputGeometry(g);

/** Computes a pass in tiles of m x m: c = y from x, or dx from dy. */
export function runWinograd(
  gpu: Gpu,
  pass: "forward" | "gradInput",
  of: ConvGeometry,
  m: OutputTile,
  [source, w, c]: readonly [source: Block, w: Block, c: Block],
): void {
  const g = passGeometry(pass, of);
  const { inChannels, outChannels } = g;
  const { rows } = tilesOf(m, g);
  const squares = (m + 2) ** 2;
  const order = pass === "forward" ? asTheyAre(outChannels) : turned(inChannels);
  gpu.withScratch(squares * inChannels * outChannels, (u) => {
    transformWeights[m](gpu, [w, u], { rows: inChannels, columns: outChannels, ...order });
    gpu.withScratch(squares * rows * inChannels, (v) => {
      transformInputs[m](gpu, [source, v], inputTiling(m, g));
      gpu.withScratch(squares * rows * outChannels, (products) => {
        const strides = { aRow: inChannels, aStep: 1, bStep: outChannels, bColumn: 1 };
        const apart = { outer: squares, aOuter: rows * inChannels, bOuter: inChannels * outChannels };
        runProduct(gpu, { m: rows, n: outChannels, k: inChannels, ...strides, ...apart }, [v, u, products]);
        transformProducts[m](gpu, [products, c], outputTiling(m, g));
      });
    });
  });
}
