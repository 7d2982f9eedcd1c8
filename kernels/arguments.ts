/**
 * Checks and conversions of arguments that several families share.
 */
import type { Backend } from "../engine/backend.ts";
import { DTypeError, ShapeError, ValueError } from "../engine/errors.ts";
import type { DType } from "../engine/kernel.ts";
import { formatShape, sameShape } from "../engine/shape.ts";
import type { Shape } from "../engine/shape.ts";
import { Storage, Tensor } from "../engine/tensor.ts";
import type { Bounds } from "../engine/tensor.ts";

/** Labels or indices: an i32 tensor, or a list of integers on the host. */
export type Indices = Tensor | readonly number[] | Int32Array;

/** Throws DTypeError unless every tensor has the element type. */
export function checkDType(who: string, dtype: DType, tensors: Readonly<Record<string, Tensor>>): void {
  for (const [name, tensor] of Object.entries(tensors)) {
    if (tensor.dtype !== dtype) {
      throw new DTypeError(`${who}: expected ${dtype} for ${name}, got ${tensor.dtype}`);
    }
  }
}

/** Throws ShapeError unless the tensor has the shape. `because` says where that shape comes from. */
export function checkShapeIs(who: string, name: string, tensor: Tensor, shape: Shape, because: string): void {
  if (sameShape(tensor.shape, shape)) return;
  throw new ShapeError(
    `${who}: expected ${name} of shape ${formatShape(shape)} ${because}, got ${formatShape(tensor.shape)}`,
  );
}

/**
 * Indices in 0 ... limit-1 as an i32 tensor on `backend`. Integers from the host are all checked; the elements of a
 * tensor by its bounds, where those are known. Throws ValueError for an index out of range, DTypeError for fractions
 * and for a tensor that is not i32.
 */
export function indexTensor(
  who: string,
  name: string,
  indices: Indices,
  limit: number,
  backend: Backend,
): Tensor {
  const refuse = (got: string) =>
    new ValueError(`${who}: expected ${name} from 0 to ${limit - 1}, got ${got}`);
  if (indices instanceof Tensor) {
    indices.checkAlive(who);
    checkDType(who, "i32", { [name]: indices });
    const { bounds } = indices;
    if (bounds && (bounds.min < 0 || bounds.max >= limit)) {
      throw refuse(`a tensor with elements from ${bounds.min} to ${bounds.max}`);
    }
    return indices;
  }
  for (const [i, index] of indices.entries()) {
    if (!Number.isInteger(index)) {
      throw new DTypeError(`${who}: expected integers as ${name}, got ${index} at position ${i}`);
    }
    if (index < 0 || index >= limit) throw refuse(`${index} at position ${i}`);
  }
  const storage = new Storage(backend, indices.length, "i32");
  backend.write(storage.buffer, indices);
  return new Tensor(storage, [indices.length], null, { min: 0, max: limit - 1 });
}

/** The same elements, known to lie within `bounds`. */
export const withBounds = (x: Tensor, bounds: Bounds | undefined): Tensor =>
  new Tensor(x.storage, x.shape, null, bounds);
