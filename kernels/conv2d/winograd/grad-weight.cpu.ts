/**
 * The gradient of the weights of a convolution of 3 x 3 taps, by Winograd's transforms (see `winograd.ts`). A task takes the
 * units of one chunk of the batch. It pads the lines of x and dy, and their tiles go in blocks, each in three steps:
 *
 *     B^T D B   for all tiles and input channels    into [position][tile][inChannels],
 *     A dY A^T  for all tiles and output channels   into [position][8 output channels][tile],
 *     their products, summed over the tiles         onto [position][inChannels][outChannels], the sums of the chunk.
 *
 * At the end the sums of all chunks are added in their order, and G^T M G of them is dw (`grad-weight-finish.cpu.ts`).
 *
 * Bound: 2 (m + 2)^2 / m^2 * inChannels * outChannels operations for each output pixel, against the transforms: for m = 4
 * about 9 additions and 5 memory accesses for each pixel and four channels of x, and 7 and 5 of dy.
 */
import { i32 } from "../../../engine/backends/cpu/assembler.ts";
import type { Func, ModuleBuilder, Value } from "../../../engine/backends/cpu/assembler.ts";
import {
  B_STEP_BYTES,
  TILE_COLUMNS,
  TILE_ROWS,
  tileFunction,
} from "../../../engine/backends/cpu/gemm/tile.ts";
import type { Machine } from "../../../engine/backends/cpu/machine.ts";
import { minU, runTasks, Words } from "../../../engine/backends/cpu/task.ts";
import type { Pointer } from "../../../engine/kernel.ts";
import { conv2dOperations } from "../geometry.ts";
import type { ConvGeometry } from "../geometry.ts";
import { lineCount, lineFunction, linesOf, lineWords, wholeTiles, writeLines } from "../lines.cpu.ts";
import type { Images } from "../lines.cpu.ts";
import { cutBatch, forUnits, unitWords } from "../units.cpu.ts";
import { finishGradWeight } from "./grad-weight-finish.cpu.ts";
import { placeOfTile, tileTransform } from "./tiles.cpu.ts";
import { squareBytes } from "./transforms.cpu.ts";
import { chunksOf, transforms, transpose } from "./winograd.ts";
import type { OutputTile } from "./winograd.ts";

/** Tiles of a block: with fewer, sums are loaded and stored too often; the transforms of more leave L2. */
const BLOCK_TILES = { least: 16, most: 64 };
const BLOCK_BYTES = 1 << 20;
/** Padded lines of a unit, of x and dy together. */
const UNIT_BYTES = 1 << 20;

// prettier-ignore
const words = new Words([
  ...unitWords, ...lineWords,
  "windowLines", "tileColumns", "dyLineBytes", "scratch", "scratchBytes", "dyLines", "block", "sums", "sumsBytes",
]);
/** The words of the lines of dy; they follow the others. */
const dyWords = new Words(lineWords);

/** Sizes and, in the memory of a block, offsets in bytes. All are constants of the code. */
function layoutOf(m: OutputTile, { inChannels, outChannels }: ConvGeometry) {
  const side = m + 2;
  const inGroups = Math.ceil(inChannels / TILE_ROWS);
  const panels = Math.ceil(outChannels / TILE_COLUMNS);
  const xTileBytes = 16 * inGroups;
  const fitting = Math.floor(BLOCK_BYTES / (side ** 2 * (xTileBytes + panels * B_STEP_BYTES)));
  const blockTiles = Math.max(BLOCK_TILES.least, Math.min(BLOCK_TILES.most, fitting));
  const panelBytes = blockTiles * B_STEP_BYTES;
  // 64 bytes more, or the elements of a tile at all positions might fall on the same few lines of L1.
  const xPositionBytes = blockTiles * xTileBytes + 64;
  const dyPositionBytes = panels * panelBytes + 64;
  const sumsRowBytes = panels * B_STEP_BYTES;
  const sumsPositionBytes = TILE_ROWS * inGroups * sumsRowBytes;
  const x = 64 * Math.ceil(squareBytes(transforms(m).input) / 64);
  const dy = x + side ** 2 * xPositionBytes;
  return {
    ...{ m, side, inChannels, outChannels, inGroups, panels, blockTiles, xTileBytes, panelBytes },
    ...{ xPositionBytes, dyPositionBytes, sumsRowBytes, sumsPositionBytes, x, dy },
    bytes: dy + side ** 2 * dyPositionBytes,
    sumsBytes: side ** 2 * sumsPositionBytes,
  };
}
type Layout = ReturnType<typeof layoutOf>;

/** The convolution whose lines are those of dy, as they are. */
const pixelsOf = (g: ConvGeometry): ConvGeometry => ({
  ...g,
  ...{ height: g.outHeight, width: g.outWidth, inChannels: g.outChannels },
  ...{ kernelHeight: 1, kernelWidth: 1, padTop: 0, padLeft: 0 },
});

/** dw [3, 3, inChannels, outChannels] at `dw`, from images x and dy. Throws OutOfMemoryError if there is no room. */
export function winogradGradWeight(
  machine: Machine,
  g: ConvGeometry,
  m: OutputTile,
  x: Images,
  dy: Images,
  dw: Pointer,
): void {
  const layout = layoutOf(m, g);
  const { blockTiles, sumsBytes, bytes } = layout;
  const pixels = pixelsOf(g);
  const lines = linesOf(wholeTiles(g, m), x);
  const dyLines = linesOf(wholeTiles(pixels, m), dy);

  const chunks = chunksOf(g, m);
  const rowBytes = lines.lineBytes + dyLines.lineBytes;
  const fittingRows = m * Math.floor((UNIT_BYTES - lineCount(g, 1) * lines.lineBytes) / (m * rowBytes));
  const imageBytes = wholeTiles(g, m).outHeight * rowBytes + lineCount(g, 1) * lines.lineBytes;
  const usefulImages = Math.ceil((blockTiles * m * m) / (g.outHeight * g.outWidth));
  const images = Math.min(Math.floor(UNIT_BYTES / imageBytes), usefulImages, Math.ceil(g.batch / chunks));
  const units = cutBatch(g.batch, g.outHeight, Math.max(m, fittingRows), images);
  const shares = Math.min(units.units, chunks);

  const rows = units.unitImages * m * Math.ceil(units.bandRows / m);
  const cacheLines = (size: number): number => 64 * Math.ceil(size / 64 + 1);
  const dyAt = cacheLines((rows + units.unitImages * lineCount(g, 1)) * lines.lineBytes);
  const block = dyAt + cacheLines(rows * dyLines.lineBytes);
  const scratchBytes = block + bytes;
  const scratch = machine.heap.alloc(shares * (scratchBytes + sumsBytes));
  const sums = scratch + shares * scratchBytes;
  try {
    const program = machine.program(`winograd gradWeight ${m} ${g.inChannels} ${g.outChannels}`, (module) => {
      gradWeightTask(module, layout);
    });
    const tileColumns = Math.ceil(g.outWidth / m);
    const own = { shares, windowLines: lineCount(g, 1), tileColumns, dyLineBytes: dyLines.lineBytes };
    const memory = { scratch, scratchBytes, dyLines: dyAt, block, sums, sumsBytes };
    const args = words.list(Object.assign(own, memory, g, Object.assign({}, lines, units)));
    args.push(...dyWords.list(Object.assign({}, pixels, dyLines)));
    runTasks(machine, program, shares, args, conv2dOperations(g));
    finishGradWeight(machine, m, Object.assign({ shares, sums, dw }, layout));
  } finally {
    machine.heap.free(scratch);
  }
}

/** A task adds the products of all tiles of one chunk. */
function gradWeightTask(module: ModuleBuilder, layout: Layout): void {
  const { m, blockTiles, xTileBytes } = layout;
  const writeX = lineFunction(module, (args) => words.reader(args));
  const writeDy = lineFunction(module, (args) => dyWords.reader(i32.add(args, words.bytes)));
  const { input, output } = transforms(m);
  const transformX = tileTransform(module, input, {
    pixelBytes: 4 * layout.inChannels,
    ...{ groups: layout.inGroups, groupVectors: 1, groupBytes: 16 },
    positionBytes: layout.xPositionBytes,
  });
  const transformDy = tileTransform(module, transpose(output), {
    pixelBytes: 4 * layout.outChannels,
    ...{ groups: layout.panels, groupVectors: 2, groupBytes: layout.panelBytes },
    positionBytes: layout.dyPositionBytes,
  });
  const multiply = productsFunction(module, layout);

  module.task((f, args, share) => {
    const word = words.reader(args);
    const lines = f.let(i32.add(word("scratch"), i32.mul(share, word("scratchBytes"))));
    const dyLines = f.let(i32.add(lines, word("dyLines")));
    const block = f.let(i32.add(lines, word("block")));
    const sums = f.let(i32.add(word("sums"), i32.mul(share, word("sumsBytes"))));
    forUnits(f, word, share, ({ firstImage, images, firstRow, rows }, isFirst) => {
      const wholeRows = f.let(i32.and(i32.add(rows, m - 1), -m));
      const xRows = f.let(i32.add(i32.sub(wholeRows, 1), word("windowLines")));
      const range = { args, firstImage, images, firstLine: firstRow };
      writeLines(f, writeX, { ...range, lines: xRows, to: lines, lineBytes: word("lineBytes") });
      writeLines(f, writeDy, { ...range, lines: wholeRows, to: dyLines, lineBytes: word("dyLineBytes") });

      const tileColumns = f.let(word("tileColumns"));
      const imageTiles = f.let(i32.mul(i32.divU(wholeRows, m), tileColumns));
      const tiles = f.let(i32.mul(images, imageTiles));
      f.forRange(0, tiles, blockTiles, (first) => {
        const end = f.let(minU(tiles, i32.add(first, blockTiles)));
        const xTo = f.let(i32.add(block, layout.x));
        const dyTo = f.let(i32.add(block, layout.dy));
        f.forRange(first, end, 1, (tile) => {
          const { image, row, column } = placeOfTile(f, m, tile, imageTiles, tileColumns);
          const at = (
            lines: Value<"i32">,
            imageRows: Value<"i32">,
            lineBytes: Value<"i32">,
            channels: number,
          ) => {
            const line = i32.add(i32.mul(image, imageRows), row);
            return i32.add(i32.add(lines, i32.mul(line, lineBytes)), i32.mul(column, 4 * channels));
          };
          const [xBytes, dyBytes] = [word("lineBytes"), word("dyLineBytes")];
          f.call(transformX, at(lines, xRows, xBytes, layout.inChannels), xBytes, xTo, block);
          f.call(transformDy, at(dyLines, wholeRows, dyBytes, layout.outChannels), dyBytes, dyTo, block);
          f.increment(xTo, xTileBytes);
          f.increment(dyTo, B_STEP_BYTES);
        });
        const isStart = i32.and(isFirst, i32.eqz(first));
        f.call(multiply, block, sums, i32.sub(end, first), i32.eqz(isStart));
      });
    });
  });
}

const productsParams = ["i32", "i32", "i32", "i32"] as const;

/** (block, sums, tiles, accumulate): the products of a block, for each position; added to the sums, or become the sums. */
function productsFunction(module: ModuleBuilder, layout: Layout): Func<typeof productsParams, undefined> {
  const { side, inGroups, panels, sumsRowBytes } = layout;
  const tile = tileFunction(module, { rowBytes: 4, stepBytes: layout.xTileBytes });
  return module.func({ params: productsParams }, (f, block, sums, tiles, accumulate) => {
    const x = f.let(i32.add(block, layout.x));
    const dy = f.let(i32.add(block, layout.dy));
    f.forRange(
      sums,
      i32.add(sums, side ** 2 * layout.sumsPositionBytes),
      layout.sumsPositionBytes,
      (position) => {
        const b = f.let(dy);
        const columns = f.let(position);
        f.forRange(0, panels, 1, () => {
          const [a, c] = [f.let(x), f.let(columns)];
          f.forRange(0, inGroups, 1, () => {
            f.call(tile, a, 1, 0, tiles, b, c, sumsRowBytes, TILE_ROWS, TILE_COLUMNS, accumulate);
            f.increment(a, 4 * TILE_ROWS);
            f.increment(c, TILE_ROWS * sumsRowBytes);
          });
          f.increment(b, layout.panelBytes);
          f.increment(columns, B_STEP_BYTES);
        });
        f.increment(x, layout.xPositionBytes);
        f.increment(dy, layout.dyPositionBytes);
      },
    );
  });
}
