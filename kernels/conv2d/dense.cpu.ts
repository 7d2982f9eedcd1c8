/**
 * Dense convolution of padded lines: a matrix product whose left operand is never built. In a padded image, the
 * kernelWidth * inChannels elements that a window covers in one row are neighbours. So a row of A is kernelHeight runs of
 * that length, and the rows of windows side by side are strideWidth * inChannels elements apart: just what the
 * micro-kernel takes.
 *
 * If windows are dilated, only the inChannels elements of one tap are neighbours. Then each row of taps is a product of its
 * own, of kernelWidth runs, which is added to the ones before.
 *
 * Bound: 2 * kernelHeight * kernelWidth * inChannels * outChannels operations for each output pixel.
 */
import { i32 } from "../../engine/backends/cpu/assembler.ts";
import type { ModuleBuilder } from "../../engine/backends/cpu/assembler.ts";
import type { Panels } from "../../engine/backends/cpu/gemm/pack.ts";
import { Words } from "../../engine/backends/cpu/task.ts";
import { B_STEP_BYTES, TILE_COLUMNS, TILE_ROWS, tileFunction } from "../../engine/backends/cpu/gemm/tile.ts";
import { DIRECT_UNIT, unitSignature } from "./convolve.cpu.ts";
import type { Multiplication, UnitFunction } from "./convolve.cpu.ts";
import type { ConvGeometry } from "./geometry.ts";
import { linesOf } from "./lines.cpu.ts";
import type { Images } from "./lines.cpu.ts";

// prettier-ignore
const words = new Words([
  "outWidth", "outChannels", "panels", "panelBytes", "toPixelBytes", "toRowBytes", "toImageBytes",
  "lineBytes", "rowStepBytes", "tapRows", "tapRowBytes", "panelRowBytes", "runs", "runBytes", "runSteps",
]);

/**
 * Multiplication by packed weights: for each 8 output channels a panel [kernelHeight][kernelWidth][inChannels][8].
 */
export function dense(g: ConvGeometry, from: Images, panels: Panels, to: Images): Multiplication {
  const { lineBytes } = linesOf(g, from);
  const tileRowBytes = 4 * g.strideWidth * g.inChannels;
  const tapRowBytes = g.dilationHeight * lineBytes;
  // A kernel without taps is one product of no runs: zeros.
  const isDilated = g.dilationWidth > 1 && g.kernelWidth > 1 && g.kernelHeight > 0;
  const runs = isDilated
    ? { runs: g.kernelWidth, runBytes: 4 * g.dilationWidth * g.inChannels, runSteps: g.inChannels }
    : { runs: g.kernelHeight, runBytes: tapRowBytes, runSteps: g.kernelWidth * g.inChannels };
  const own = {
    panels: panels.to,
    panelBytes: panels.panelBytes,
    toPixelBytes: to.pixelBytes,
    toRowBytes: to.rowBytes,
    toImageBytes: to.imageBytes,
    lineBytes,
    rowStepBytes: g.strideHeight * lineBytes,
    tapRows: g.kernelHeight,
    tapRowBytes,
    panelRowBytes: g.kernelWidth * g.inChannels * B_STEP_BYTES,
  };
  return {
    key: `dense ${tileRowBytes}${isDilated ? " dilated" : ""}`,
    write: (module) => unitFunction(module, tileRowBytes, isDilated),
    args: words.list(Object.assign(own, g, runs)),
    // The last tile of the last line is read as if it were whole.
    workspace: TILE_ROWS * tileRowBytes,
    unit: DIRECT_UNIT,
  };
}

/** The tiles of a unit. A panel of weights serves all its images before the next one is taken. */
function unitFunction(module: ModuleBuilder, tileRowBytes: number, isDilated: boolean): UnitFunction {
  const tile = tileFunction(module, { rowBytes: tileRowBytes, stepBytes: 4 });
  return module.func(unitSignature, (f, args, lines, images, rows, imageBytes, to) => {
    const word = words.reader(args);
    const panel = f.let(word("panels"));
    const toTileBytes = f.let(i32.mul(word("toPixelBytes"), TILE_ROWS));
    f.forRange(0, word("outChannels"), TILE_COLUMNS, (channel) => {
      const columns = f.let(i32.sub(word("outChannels"), channel));
      f.forRange(0, images, 1, (image) => {
        f.forRange(0, rows, 1, (row) => {
          const a = f.let(i32.add(lines, i32.mul(image, imageBytes)));
          f.increment(a, i32.mul(row, word("rowStepBytes")));
          const c = f.let(i32.add(i32.add(to, i32.shl(channel, 2)), i32.mul(image, word("toImageBytes"))));
          f.increment(c, i32.mul(row, word("toRowBytes")));
          f.forRange(0, word("outWidth"), TILE_ROWS, (pixel) => {
            const pixels = i32.sub(word("outWidth"), pixel);
            const runs = [word("runs"), word("runBytes"), word("runSteps")] as const;
            if (isDilated) {
              const taps = f.let(a);
              const weights = f.let(panel);
              f.forRange(0, word("tapRows"), 1, (tapRow) => {
                f.call(tile, taps, ...runs, weights, c, word("toPixelBytes"), pixels, columns, tapRow);
                f.increment(taps, word("tapRowBytes"));
                f.increment(weights, word("panelRowBytes"));
              });
            } else {
              f.call(tile, a, ...runs, panel, c, word("toPixelBytes"), pixels, columns, 0);
            }
            f.increment(a, TILE_ROWS * tileRowBytes);
            f.increment(c, toTileBytes);
          });
        });
      });
      f.increment(panel, word("panelBytes"));
    });
  });
}
