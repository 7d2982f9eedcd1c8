import * as e from "../../engine/expr/expr.ts";
import { Formula } from "../../engine/formula.ts";
import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { checkNotEmpty, checkShapeIs, checkTensors } from "../arguments.ts";
import { div } from "../elementwise/arithmetic.ts";

const total = new Formula("mse", 2, e.square(e.sub(e.input(0), e.input(1))), "sum");

/**
 * The mean squared difference of two tensors, over all elements. Throws ShapeError unless they have one shape and an
 * element, DTypeError unless they are f32.
 */
export function mse(prediction: Tensor, target: Tensor): Tensor {
  checkTensors("mse", "f32", { prediction, target });
  checkShapeIs("mse", "target", target, prediction.shape, "as the prediction");
  checkNotEmpty("mse", "prediction", prediction);
  const axes = prediction.shape.map((_, axis) => axis);
  return scope(() => div(reshape(total.apply([prediction, target], { axes }), []), prediction.size));
}
