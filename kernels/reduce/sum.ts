import { commonBackend } from "../../engine/op.ts";
import { reduction } from "../../engine/reduction.ts";
import type { Reduction } from "../../engine/reduction.ts";
import { scope } from "../../engine/scope.ts";
import { sizeOf } from "../../engine/shape.ts";
import { div } from "../elementwise/arithmetic.ts";
import { nonEmptyAxes } from "../axis.ts";

/** Sum over axes; 0 over an axis without elements. */
export const sum: Reduction = reduction("sum", "sum", (x) => x);

/** Arithmetic mean over axes. Throws ShapeError for an axis without elements. */
export const mean: Reduction = (x, axes, options) => {
  commonBackend("mean", [x]);
  const sorted = nonEmptyAxes("mean", axes, x.shape);
  const count = sizeOf(sorted.map((axis) => x.shape[axis] ?? 1));
  return scope(() => div(sum(x, sorted, options), count));
};
