import { defineOp, i32, runOne } from "../../engine/op.ts";
import { normalizeAxis } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkDType, withBounds } from "../arguments.ts";
import { nonEmptyAxes, replaceAxis, viewFrom } from "../axis.ts";
import { argMaxKernel } from "./arg-max.kernels.ts";

// A position is no smooth function of the elements: there is no derivative.
const argMaxOp = defineOp({
  name: "argMax",
  infer: ({ x }: { x: Tensor }, axis: number) => {
    const normalized = normalizeAxis("argMax", axis, x.shape.length);
    nonEmptyAxes("argMax", normalized, x.shape);
    checkDType("argMax", "f32", { x });
    return { shape: replaceAxis(x.shape, normalized), view: viewFrom(x.shape, normalized) };
  },
  forward: ({ x }, { shape, view }) => {
    const positions = runOne(argMaxKernel, { ...view }, [x], i32(shape));
    return { output: withBounds(positions, { min: 0, max: view.length - 1 }), saved: {} };
  },
});

/**
 * Position of the largest element along an axis, which disappears: an i32 tensor. The first one of equals; a NaN counts
 * as larger than every number (as in NumPy and PyTorch). Throws ShapeError for an axis without elements, DTypeError
 * unless x is f32; has no derivative.
 */
export const argMax = (x: Tensor, axis: number): Tensor => argMaxOp({ x }, axis);
