import { input } from "../../engine/expr/expr.ts";
import { Formula } from "../../engine/formula.ts";
import { checkShape } from "../../engine/shape.ts";
import type { Shape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkBroadcastsTo, checkTensors } from "../arguments.ts";

// A copy, walked with stride 0 along the stretched axes; its derivative sums over them.
const copy = new Formula("broadcastTo", 1, input(0));

/**
 * x repeated to `shape`: axes of length 1 are stretched, missing leading axes added (PyTorch's `expand`). Elements are
 * copied; ops broadcast their operands by themselves, without a copy. Throws ShapeError if x does not broadcast to the
 * shape, DTypeError unless x is f32.
 */
export function broadcastTo(x: Tensor, shape: Shape): Tensor {
  checkTensors("broadcastTo", "f32", { x });
  checkShape("broadcastTo", shape);
  checkBroadcastsTo("broadcastTo", "x", x, shape);
  return copy.apply([x], { shape });
}
