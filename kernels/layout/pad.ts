import { ShapeError, ValueError } from "../../engine/errors.ts";
import { scope } from "../../engine/scope.ts";
import { formatShape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { checkTensors } from "../arguments.ts";
import { gather } from "./gather.ts";
import { padAxis } from "./slice.ts";

/** Options of {@link pad}. */
export interface PadOptions {
  /** `reflect` mirrors the entries, without repeating the outermost: [1, 2, 3] becomes [3, 2, 1, 2, 3, 2, 1]. */
  readonly mode?: "constant" | "reflect";
  /** What a constant padding holds. Default 0. */
  readonly value?: number;
}

/**
 * x with more entries around: `widths` says for each axis how many before and after, as in NumPy. Throws ShapeError
 * unless there are two integers from 0 on for each axis (`reflect`: below its length), ValueError for another mode,
 * DTypeError unless x is f32.
 */
export function pad(
  x: Tensor,
  widths: readonly (readonly [before: number, after: number])[],
  { mode = "constant", value = 0 }: PadOptions = {},
): Tensor {
  checkTensors("pad", "f32", { x });
  if (!Object.hasOwn(paddings, mode)) {
    throw new ValueError(`pad: expected mode to be constant or reflect, got ${mode}`);
  }
  const fits = (width: number, axis: number) =>
    Number.isInteger(width) && width >= 0 && (mode === "constant" || width < (x.shape[axis] ?? 0));
  if (
    widths.length !== x.shape.length ||
    !widths.every((pair, axis) => pair.every((width) => fits(width, axis)))
  ) {
    throw new ShapeError(
      `pad: expected widths [before, after] from 0 on for each axis of ${formatShape(x.shape)}` +
        `${mode === "reflect" ? ", less than its length" : ""}, got [${widths.map(formatShape).join(", ")}]`,
    );
  }
  return scope(() =>
    widths.reduce(
      (y, [before, after], axis) => (before + after > 0 ? paddings[mode](y, axis, before, after, value) : y),
      reshape(x, x.shape),
    ),
  );
}

const paddings = {
  constant: (x: Tensor, axis: number, before: number, after: number, value: number): Tensor =>
    padAxis(x, axis, before + (x.shape[axis] ?? 0) + after, before, value),
  reflect: (x: Tensor, axis: number, before: number, after: number): Tensor => {
    const last = (x.shape[axis] ?? 1) - 1;
    // The distance from the first entry, then from the last.
    const mirrored = (i: number) => last - Math.abs(last - Math.abs(i));
    return gather(x, Int32Array.from({ length: before + last + 1 + after }, (_, i) => mirrored(i - before)), axis); // prettier-ignore
  },
};
