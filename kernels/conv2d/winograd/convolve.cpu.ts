/**
 * Winograd's convolution of padded lines (see `winograd.ts`). The tiles of a unit go in blocks, each in three steps:
 *
 *     B^T D B for all tiles and channels       into [position][tile][inChannels],
 *     times the weights, 8 output channels     into [position][tile][8],
 *     A^T M A of these                         to the output.
 *
 * Channels are neighbours, so that the transforms take four of them at a time, and what they write is the left operand of
 * the micro-kernel as it is. What a block has between the steps stays in the caches: for 64 channels and m = 4, 150 KB of
 * inputs in L2, and in L1 20 KB of products.
 *
 * Bound: 2 (m + 2)^2 / m^2 * inChannels * outChannels operations for each output pixel, against the transforms: for m = 4
 * about 9 additions and 5 memory accesses for each pixel and four channels of the input, and 6 and 4 of the output.
 */
import { i32, v128 } from "../../../engine/backends/cpu/assembler.ts";
import type { Func, FunctionBuilder, Local, ModuleBuilder } from "../../../engine/backends/cpu/assembler.ts";
import type { Panels } from "../../../engine/backends/cpu/gemm/pack.ts";
import {
  accumulators,
  B_STEP_BYTES,
  multiplyTile,
  TILE_COLUMNS,
  TILE_ROWS,
} from "../../../engine/backends/cpu/gemm/tile.ts";
import { minU, storeLanes, Words } from "../../../engine/backends/cpu/task.ts";
import { unitSignature } from "../convolve.cpu.ts";
import type { Multiplication, UnitFunction } from "../convolve.cpu.ts";
import type { ConvGeometry } from "../geometry.ts";
import { linesOf, wholeTiles } from "../lines.cpu.ts";
import type { Images } from "../lines.cpu.ts";
import { placeOfTile, tileTransform } from "./tiles.cpu.ts";
import { applyPairedColumns, squareBytes, transformSquare } from "./transforms.cpu.ts";
import { transforms } from "./winograd.ts";
import type { OutputTile } from "./winograd.ts";

/** Tiles of a block, a multiple of the micro-kernel's rows: with fewer the weights are used too little, more leave L1. */
const BLOCK_TILES = 16;

// prettier-ignore
const words = new Words([
  "outWidth", "outChannels", "tileColumns", "panels", "panelBytes", "toPixelBytes", "toRowBytes", "toImageBytes", "lineBytes",
]);

/** Words that tell where the outputs of a tile go, and how many rows and columns of them there are. */
const place = new Words(["to", "rows", "columns"]);

/** A row of products of one tile. */
const PRODUCT_BYTES = 4 * TILE_COLUMNS;

/** Sizes and, in the memory of a block, offsets in bytes. All are constants of the code. */
function layoutOf(m: OutputTile, inChannels: number) {
  const side = m + 2;
  const tileBytes = 16 * Math.ceil(inChannels / 4);
  // 64 bytes more, or the elements of a tile at all positions might fall on the same few lines of L1.
  const inputBytes = BLOCK_TILES * tileBytes + 64;
  const productBytes = BLOCK_TILES * PRODUCT_BYTES + 64;
  const edge = squareBytes(transforms(m).input); // behind scratch memory of the transforms
  const places = edge + m * m * PRODUCT_BYTES;
  const inputs = 64 * Math.ceil((places + BLOCK_TILES * place.bytes) / 64);
  const products = inputs + side ** 2 * inputBytes;
  const bytes = products + side ** 2 * productBytes;
  const pixelBytes = 4 * inChannels;
  return { m, side, pixelBytes, tileBytes, inputBytes, productBytes, edge, places, inputs, products, bytes };
}
type Layout = ReturnType<typeof layoutOf>;

/** Multiplication by transformed weights: for each 8 output channels a panel [m + 2][m + 2][inChannels][8]. */
export function winograd(
  g: ConvGeometry,
  m: OutputTile,
  from: Images,
  panels: Panels,
  to: Images,
): Multiplication {
  const layout = layoutOf(m, g.inChannels);
  const own = {
    outWidth: g.outWidth,
    outChannels: g.outChannels,
    tileColumns: Math.ceil(g.outWidth / m),
    panels: panels.to,
    panelBytes: panels.panelBytes,
    toPixelBytes: to.pixelBytes,
    toRowBytes: to.rowBytes,
    toImageBytes: to.imageBytes,
    lineBytes: linesOf(wholeTiles(g, m), from).lineBytes,
  };
  return {
    key: `winograd ${m} ${g.inChannels}`,
    write: (module) => unitFunction(module, layout),
    args: words.list(own),
    workspace: layout.bytes,
    // Transformed weights are larger than L2 where there are many channels: all tiles of a block should use them.
    unit: { tile: m, pixels: BLOCK_TILES * m * m, units: 4, bytes: 1 << 20 },
  };
}

/** The blocks of a unit. */
function unitFunction(module: ModuleBuilder, layout: Layout): UnitFunction {
  const transformInputs = inputsFunction(module, layout);
  const multiply = productsFunction(module, layout);
  const transformProducts = outputsFunction(module, layout);
  return module.func(unitSignature, (f, args, lines, images, rows, imageBytes, to) => {
    const word = words.reader(args);
    const imageTiles = i32.mul(i32.divU(i32.add(rows, layout.m - 1), layout.m), word("tileColumns"));
    const tiles = f.let(i32.mul(images, imageTiles));
    const memory = f.let(i32.and(i32.add(i32.add(lines, i32.mul(images, imageBytes)), 63), ~63));
    f.forRange(0, tiles, BLOCK_TILES, (first) => {
      const end = f.let(minU(tiles, i32.add(first, BLOCK_TILES)));
      f.call(transformInputs, args, memory, lines, imageBytes, rows, to, first, end);
      const count = f.let(i32.sub(end, first));
      const panel = f.let(word("panels"));
      f.forRange(0, word("outChannels"), TILE_COLUMNS, (channel) => {
        f.call(multiply, memory, count, panel);
        f.call(transformProducts, args, memory, count, channel);
        f.increment(panel, word("panelBytes"));
      });
    });
  });
}

const inputsParams = ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"] as const;

/**
 * (args, memory, lines, imageBytes, rows, to, first, end): transforms the inputs of tiles first ... end - 1 of a unit, and
 * notes the places of their outputs.
 */
function inputsFunction(module: ModuleBuilder, layout: Layout): Func<typeof inputsParams, undefined> {
  const { m, pixelBytes, tileBytes, inputBytes } = layout;
  const transform = tileTransform(module, transforms(m).input, {
    pixelBytes,
    ...{ groups: tileBytes / 16, groupVectors: 1, groupBytes: 16 },
    positionBytes: inputBytes,
  });
  return module.func({ params: inputsParams }, (f, args, memory, lines, imageBytes, rows, to, first, end) => {
    const word = words.reader(args);
    const tileColumns = f.let(word("tileColumns"));
    const imageTiles = f.let(i32.mul(i32.divU(i32.add(rows, m - 1), m), tileColumns));
    const input = f.let(i32.add(memory, layout.inputs));
    const placed = f.let(i32.add(memory, layout.places));
    f.forRange(first, end, 1, (tile) => {
      const { image, row, column } = placeOfTile(f, m, tile, imageTiles, tileColumns);

      const from = f.let(i32.add(lines, i32.mul(image, imageBytes)));
      f.increment(from, i32.add(i32.mul(row, word("lineBytes")), i32.mul(column, pixelBytes)));
      f.call(transform, from, word("lineBytes"), input, memory);
      f.increment(input, layout.tileBytes);

      const target = f.let(i32.add(to, i32.mul(image, word("toImageBytes"))));
      f.increment(target, i32.mul(row, word("toRowBytes")));
      f.increment(target, i32.mul(column, word("toPixelBytes")));
      f.store(placed, target, place.offset("to"));
      f.store(placed, i32.sub(rows, row), place.offset("rows"));
      f.store(placed, i32.sub(word("outWidth"), column), place.offset("columns"));
      f.increment(placed, place.bytes);
    });
  });
}

const productsParams = ["i32", "i32", "i32"] as const;

/** (memory, tiles, panel): multiplies the inputs of a block by a panel of weights. */
function productsFunction(module: ModuleBuilder, layout: Layout): Func<typeof productsParams, undefined> {
  const { side, pixelBytes, tileBytes, inputBytes, productBytes } = layout;
  const steps = pixelBytes / 4;
  return module.func({ params: productsParams }, (f, memory, tiles, panel) => {
    const tile = accumulators(f);
    const [inputs, products] = [
      f.let(i32.add(memory, layout.inputs)),
      f.let(i32.add(memory, layout.products)),
    ];
    f.forRange(0, side ** 2, 1, () => {
      const [a, c] = [f.let(inputs), f.let(products)];
      f.forRange(0, tiles, TILE_ROWS, () => {
        for (const sum of tile.flat()) f.set(sum, 0);
        multiplyTile(f, { rowBytes: tileBytes, stepBytes: 4 }, tile, {
          a,
          runs: 1,
          runBytes: 0,
          steps,
          b: panel,
        });
        tile.flat().forEach((sum, i) => {
          f.store(c, sum, 16 * i);
        });
        f.increment(a, TILE_ROWS * tileBytes);
        f.increment(c, TILE_ROWS * PRODUCT_BYTES);
      });
      f.increment(inputs, inputBytes);
      f.increment(products, productBytes);
      f.increment(panel, steps * B_STEP_BYTES);
    });
  });
}

const outputsParams = ["i32", "i32", "i32", "i32"] as const;

/** (args, memory, tiles, channel): transforms the products of a block into outputs of 8 channels from `channel` on. */
function outputsFunction(module: ModuleBuilder, layout: Layout): Func<typeof outputsParams, undefined> {
  const { m } = layout;
  const transform = outputFunction(module, layout);
  return module.func({ params: outputsParams }, (f, args, memory, tiles, channel) => {
    const word = words.reader(args);
    const channels = f.let(i32.sub(word("outChannels"), channel));
    const products = f.let(i32.add(memory, layout.products));
    const placed = f.let(i32.add(memory, layout.places));
    const edge = f.let(i32.add(memory, layout.edge));
    f.forRange(0, tiles, 1, () => {
      const { to, rows, columns } = placeOf(f, placed, channel, m);
      const isWhole = i32.and(i32.eq(i32.add(rows, columns), 2 * m), i32.geU(channels, TILE_COLUMNS));
      f.if(
        isWhole,
        () => {
          f.call(transform, products, to, word("toPixelBytes"), word("toRowBytes"), memory);
        },
        () => {
          f.call(transform, products, edge, PRODUCT_BYTES, m * PRODUCT_BYTES, memory);
          f.forRange(0, rows, 1, (row) => {
            const from = f.let(i32.add(edge, i32.mul(row, m * PRODUCT_BYTES)));
            const pixel = f.let(to);
            f.forRange(0, columns, 1, () => {
              storePixel(f, from, pixel, channels);
              f.increment(from, PRODUCT_BYTES);
              f.increment(pixel, word("toPixelBytes"));
            });
            f.increment(to, word("toRowBytes"));
          });
        },
      );
      f.increment(products, PRODUCT_BYTES);
      f.increment(placed, place.bytes);
    });
  });
}

/** Where a tile's outputs of 8 channels go, and how many of its rows and columns exist. */
function placeOf(f: FunctionBuilder, placed: Local<"i32">, channel: Local<"i32">, m: OutputTile) {
  const word = place.reader(placed);
  return {
    to: f.let(i32.add(word("to"), i32.shl(channel, 2))),
    rows: f.let(minU(word("rows"), i32.const(m))),
    columns: f.let(minU(word("columns"), i32.const(m))),
  };
}

/** Copies the outputs of one pixel that exist: all 8, or `channels` of them if that is less. */
function storePixel(f: FunctionBuilder, from: Local<"i32">, to: Local<"i32">, channels: Local<"i32">): void {
  storeLanes(f, to, v128.load(from), channels);
  f.if(i32.gtU(channels, 4), () => {
    storeLanes(f, f.let(i32.add(to, 16)), v128.load(from, 16), f.let(i32.sub(channels, 4)));
  });
}

const outputParams = ["i32", "i32", "i32", "i32", "i32"] as const;

/** (from, to, toPixelBytes, toRowBytes, scratch): A^T M A of one tile, for 8 channels. */
function outputFunction(module: ModuleBuilder, layout: Layout): Func<typeof outputParams, undefined> {
  const { m, side, productBytes } = layout;
  const { output } = transforms(m);
  return module.func({ params: outputParams }, (f, from, to, toPixelBytes, toRowBytes, scratch) => {
    const rows = Array.from({ length: m }, (_, i) => f.let(i32.add(to, i32.mul(toRowBytes, i))));
    f.forRange(from, i32.add(from, PRODUCT_BYTES), 16, (products) => {
      transformSquare(
        f,
        applyPairedColumns,
        output,
        (i, j) => v128.load(products, (side * i + j) * productBytes),
        (i, j, element) => {
          f.store(i32.add(rows[i] ?? to, i32.mul(toPixelBytes, j)), element);
        },
        scratch,
      );
      for (const row of rows) f.increment(row, 16);
    });
  });
}
