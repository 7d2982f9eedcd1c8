import { ValueError } from "../../engine/errors.ts";
import type { Random } from "../../engine/random.ts";
import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkTensors, hostTensor } from "../arguments.ts";
import { mul } from "../elementwise/arithmetic.ts";

/**
 * Sets each element to 0 with the given probability and multiplies the others by 1 / (1 - probability), so that the mean
 * stays (Srivastava et al., JMLR 2014). The mask is drawn on the host, one number of `random` for each element; with a
 * mask of your own dropout is `mul(x, mask)`. Throws ValueError unless 0 <= probability <= 1, DTypeError unless x is f32.
 */
export function dropout(x: Tensor, probability: number, random: Random): Tensor {
  if (!(probability >= 0 && probability <= 1)) {
    throw new ValueError(`dropout: expected a probability from 0 to 1, got ${probability}`);
  }
  checkTensors("dropout", "f32", { x });
  const kept = 1 / (1 - probability);
  const mask = Float32Array.from({ length: x.size }, () => (random.uniform() < probability ? 0 : kept));
  return scope(() => mul(x, hostTensor(x.backend, mask, x.shape, "f32")));
}
