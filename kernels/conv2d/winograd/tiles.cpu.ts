/** The tiles of a unit: where each of them stands, and the transform of its square. */
import { i32, v128 } from "../../../engine/backends/cpu/assembler.ts";
import type { Func, FunctionBuilder, Local, ModuleBuilder } from "../../../engine/backends/cpu/assembler.ts";
import { applyPairedRows, transformSquare } from "./transforms.cpu.ts";
import type { Matrix, OutputTile } from "./winograd.ts";

/** The image of tile number `tile` of a unit, and the output row and column at which it begins. */
export function placeOfTile(
  f: FunctionBuilder,
  m: OutputTile,
  tile: Local<"i32">,
  imageTiles: Local<"i32">,
  tileColumns: Local<"i32">,
): Readonly<Record<"image" | "row" | "column", Local<"i32">>> {
  const image = f.let(i32.divU(tile, imageTiles));
  const inImage = f.let(i32.sub(tile, i32.mul(image, imageTiles)));
  return {
    image,
    row: f.let(i32.mul(i32.divU(inImage, tileColumns), m)),
    column: f.let(i32.mul(i32.remU(inImage, tileColumns), m)),
  };
}

/** Where the squares of one tile are, channel by channel, and where their transforms go: constants of the code. */
export interface TileLayout {
  /** From a pixel to the next in its line. */
  readonly pixelBytes: number;
  /** Channels come in groups of so many vectors; there may be a few more than the pixel has. */
  readonly groups: number;
  readonly groupVectors: number;
  /** From the transforms of one group to those of the next. */
  readonly groupBytes: number;
  /** From the results of one position of the square to those of the next. */
  readonly positionBytes: number;
}

const tileParams = ["i32", "i32", "i32", "i32"] as const;

/** Adds a function (from, lineBytes, to, scratch): matrix * square * matrix^T of one tile, for all its channels. */
export function tileTransform(
  module: ModuleBuilder,
  matrix: Matrix,
  { pixelBytes, groups, groupVectors, groupBytes, positionBytes }: TileLayout,
): Func<typeof tileParams, undefined> {
  return module.func({ params: tileParams }, (f, from, lineBytes, to, scratch) => {
    const size = matrix[0]?.length ?? 0;
    const lines = Array.from({ length: size }, (_, i) => f.let(i32.add(from, i32.mul(lineBytes, i))));
    f.forRange(to, i32.add(to, groups * groupBytes), groupBytes, (group) => {
      f.forRange(group, i32.add(group, 16 * groupVectors), 16, (out) => {
        transformSquare(
          f,
          applyPairedRows,
          matrix,
          (i, j) => v128.load(lines[i] ?? from, j * pixelBytes),
          (i, j, element) => {
            f.store(out, element, (matrix.length * i + j) * positionBytes);
          },
          scratch,
        );
        for (const line of lines) f.increment(line, 16);
      });
    });
  });
}
