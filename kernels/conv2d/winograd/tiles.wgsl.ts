/** The tiles of a convolution on the GPU, and the transform of their inputs, which all passes share (see `winograd.ts`). */
import type { ConvGeometry } from "../geometry.ts";
import { matrices, tiles, transform } from "./transforms.wgsl.ts";
import { tileGrid, transforms } from "./winograd.ts";
import type { OutputTile } from "./winograd.ts";

/** Shaders for both sizes of tiles. */
export const forTiles = <T>(make: (m: OutputTile) => T): Readonly<Record<OutputTile, T>> => ({
  2: make(2),
  4: make(4),
});

/** B^T D B of the tiles of images. */
export const transformInputs = forTiles((m) =>
  transform(`winograd ${m} (inputs)`, transforms(m).input, tiles(m), matrices(m + 2)),
);

/** All tiles of a batch are the rows of a transform. */
function rowsOf(m: OutputTile, g: ConvGeometry) {
  const grid = tileGrid(g, m);
  return { ...grid, rows: g.batch * grid.tileRows * grid.tileColumns };
}

/** Where the inputs of the tiles lie, which overlap: see {@link tiles}. */
export const inputTiling = (m: OutputTile, g: ConvGeometry) => ({
  ...{ columns: g.inChannels, height: g.height, width: g.width, top: g.padTop, left: g.padLeft },
  ...rowsOf(m, g),
});

/** Where their outputs lie. */
export const outputTiling = (m: OutputTile, g: ConvGeometry) => ({
  ...{ columns: g.outChannels, height: g.outHeight, width: g.outWidth, top: 0, left: 0 },
  ...rowsOf(m, g),
});
