import { reduction } from "../../engine/reduction.ts";
import type { Reduction } from "../../engine/reduction.ts";
import { nonEmptyAxes } from "../axis.ts";

const fold = reduction("max", "max", (x) => x);

/**
 * The largest element over axes; NaN if there is one. Equal maxima share the gradient evenly (as PyTorch's `amax`).
 * Throws ShapeError for an axis without elements.
 */
export const max: Reduction = (x, axes, options) => fold(x, nonEmptyAxes("max", axes, x.shape), options);
