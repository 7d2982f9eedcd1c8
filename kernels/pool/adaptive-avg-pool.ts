import type { Tensor } from "../../engine/tensor.ts";
import { resampleImages } from "../resample/resample.ts";
import type { SparseMatrix } from "../resample/resample.ts";
import type { Pair } from "../window.ts";

/**
 * The average over windows that divide x [batch, height, width, channels] into outputSize, [height, width] or one number for
 * both. By PyTorch's rule, window i of an axis begins at floor(i * length / size) and ends before
 * ceil((i + 1) * length / size): windows overlap where size does not divide the length.
 * Throws ShapeError unless x is of rank 4 with pixels and the sizes are positive integers, DTypeError unless x is f32.
 */
export const adaptiveAvgPool2d = (x: Tensor, outputSize: Pair): Tensor =>
  resampleImages("adaptiveAvgPool2d", x, "outputSize", outputSize, averages);

/** The average over a rectangle is the average along one axis of averages along the other. */
function averages(length: number, size: number): SparseMatrix {
  const rows = Array.from({ length: size }, (_, i) => {
    const start = Math.floor((i * length) / size);
    const end = Math.ceil(((i + 1) * length) / size);
    return Array.from({ length: end - start }, (_, j) => ({ column: start + j, weight: 1 / (end - start) }));
  });
  return { length, rows };
}
