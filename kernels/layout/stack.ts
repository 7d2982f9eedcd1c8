import { DTypeError, ShapeError } from "../../engine/errors.ts";
import { commonBackend } from "../../engine/op.ts";
import { scope } from "../../engine/scope.ts";
import { formatShape, normalizeAxis, sameShape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { concat } from "./concat.ts";
import { unsqueeze } from "./squeeze.ts";

/**
 * Tensors of one shape as the entries of a new axis, at position `axis` of the result. Throws ShapeError if there is
 * none or the shapes differ, DTypeError if the element types do.
 */
export function stack(tensors: readonly Tensor[], axis = 0): Tensor {
  const [first] = tensors;
  if (!first) throw new ShapeError("stack: expected at least one tensor, got none");
  commonBackend("stack", tensors);
  const at = normalizeAxis("stack", axis, first.shape.length + 1);
  for (const { shape, dtype } of tensors) {
    if (!sameShape(shape, first.shape)) {
      const shapes = tensors.map((tensor) => formatShape(tensor.shape)).join(", ");
      throw new ShapeError(`stack: expected tensors of one shape, got ${shapes}`);
    }
    if (dtype !== first.dtype) {
      throw new DTypeError(`stack: expected one element type, got ${first.dtype} and ${dtype}`);
    }
  }
  return scope(() =>
    concat(
      tensors.map((tensor) => unsqueeze(tensor, at)),
      at,
    ),
  );
}
