/**
 * Checks and conversions of arguments that several families share.
 */
import type { Backend } from "../engine/backend.ts";
import { DTypeError, ShapeError, ValueError } from "../engine/errors.ts";
import type { DType, Numbers } from "../engine/kernel.ts";
import { commonBackend } from "../engine/op.ts";
import { broadcastShapes, formatShape, sameShape } from "../engine/shape.ts";
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

/**
 * Throws DisposedError unless all tensors are alive, BackendError unless they are of one backend, DTypeError unless they
 * have the element type. For ops that are composed of others, so that the message names the one that was called.
 */
export function checkTensors(who: string, dtype: DType, tensors: Readonly<Record<string, Tensor>>): void {
  commonBackend(who, Object.values(tensors));
  checkDType(who, dtype, tensors);
}

/** Throws ShapeError unless the tensor has the shape. `because` says where that shape comes from. */
export function checkShapeIs(who: string, name: string, tensor: Tensor, shape: Shape, because: string): void {
  if (sameShape(tensor.shape, shape)) return;
  throw new ShapeError(
    `${who}: expected ${name} of shape ${formatShape(shape)} ${because}, got ${formatShape(tensor.shape)}`,
  );
}

/** Throws ShapeError unless broadcasting the tensor to the shape gives the shape. */
export function checkBroadcastsTo(who: string, name: string, tensor: Tensor, shape: Shape): void {
  if (sameShape(broadcastShapes(who, tensor.shape, shape), shape)) return;
  throw new ShapeError(
    `${who}: expected ${name} to broadcast to ${formatShape(shape)}, got shape ${formatShape(tensor.shape)}`,
  );
}

/** Throws ShapeError for a tensor without elements: nothing has no mean. */
export function checkNotEmpty(who: string, name: string, tensor: Tensor): void {
  if (tensor.size > 0) return;
  throw new ShapeError(
    `${who}: expected ${name} with at least one element, got shape ${formatShape(tensor.shape)}`,
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
  const allowed = limit === 0 ? `no ${name} where there is nothing` : `${name} from 0 to ${limit - 1}`;
  const refuse = (got: string) => new ValueError(`${who}: expected ${allowed}, got ${got}`);
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
  const made = hostTensor(backend, indices, [indices.length], "i32");
  return withBounds(made, { min: 0, max: limit - 1 });
}

/** Numbers from the host as a tensor on `backend`, where `tensor` would take the current one. */
export function hostTensor(backend: Backend, values: Numbers, shape: Shape, dtype: DType): Tensor {
  const storage = new Storage(backend, values.length, dtype);
  storage.write(values);
  return new Tensor(storage, shape);
}

/** The integers 0 ... n-1. */
export const range = (backend: Backend, n: number): Tensor =>
  hostTensor(backend, Int32Array.from({ length: n }, (_, i) => i), [n], "i32"); // prettier-ignore

/** The new tensor, whose elements are known to lie within `bounds`. */
export function withBounds(x: Tensor, bounds: Bounds | undefined): Tensor {
  x.storage.bounds = bounds;
  return x;
}
