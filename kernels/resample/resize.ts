import { ValueError } from "../../engine/errors.ts";
import type { Tensor } from "../../engine/tensor.ts";
import type { Pair } from "../window.ts";
import { resampleImages } from "./resample.ts";
import type { SparseMatrix } from "./resample.ts";

/** Options of {@link resize}. */
export interface ResizeOptions {
  /** How pixels come from their neighbours. Default `"bilinear"`. */
  readonly mode?: "bilinear" | "nearest";
}

/**
 * x [batch, height, width, channels] with images of another size, [height, width] or one number for both. Pixels are squares
 * that fill the image, as in PyTorch's `interpolate` with `align_corners=False`:
 *
 *  - `"bilinear"`: pixel i lies at (i + 1/2) * length / size - 1/2 of the old image; its value is interpolated linearly
 *    between the two nearest rows (and columns), the border continued outwards. Without antialiasing: far smaller images
 *    leave pixels out;
 *  - `"nearest"`: pixel i is pixel floor(i * length / size) of the old image.
 *
 * Throws ShapeError unless x is of rank 4 with pixels and the sizes are positive integers, ValueError for another mode,
 * DTypeError unless x is f32.
 */
export function resize(x: Tensor, size: Pair, { mode = "bilinear" }: ResizeOptions = {}): Tensor {
  const matrixOf = new Map<string, typeof bilinear>(Object.entries({ bilinear, nearest })).get(mode);
  if (!matrixOf) throw new ValueError(`resize: expected mode "bilinear" or "nearest", got "${mode}"`);
  return resampleImages("resize", x, "size", size, matrixOf);
}

function bilinear(length: number, size: number): SparseMatrix {
  const rows = Array.from({ length: size }, (_, i) => {
    const at = Math.max(0, ((i + 0.5) * length) / size - 0.5);
    const column = Math.min(Math.floor(at), length - 1);
    const weight = at - column;
    if (column === length - 1) return [{ column, weight: 1 }];
    return [{ column, weight: 1 - weight }, { column: column + 1, weight }]; // prettier-ignore
  });
  return { length, rows };
}

function nearest(length: number, size: number): SparseMatrix {
  const rows = Array.from({ length: size }, (_, i) => [
    { column: Math.floor((i * length) / size), weight: 1 },
  ]);
  return { length, rows };
}
