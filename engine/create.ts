import { currentBackend } from "./backend.ts";
import { DTypeError, ShapeError, ValueError } from "./errors.ts";
import type { DType, Numbers } from "./kernel.ts";
import type { Random } from "./random.ts";
import { checkShape, formatShape, sameShape, sizeOf } from "./shape.ts";
import type { Shape } from "./shape.ts";
import { Variable } from "./tape.ts";
import { Storage, Tensor } from "./tensor.ts";
import type { Bounds } from "./tensor.ts";

/** Nested arrays of numbers. */
export type NestedNumbers = number | readonly NestedNumbers[];

/** Options of the functions that make tensors. */
export interface TensorOptions {
  /** Whether `backward` accumulates a gradient into this tensor. Default false. */
  readonly requiresGrad?: boolean;
  /** Element type. Default i32 for an Int32Array, else f32. */
  readonly dtype?: DType;
}

/**
 * A tensor from numbers, nested arrays or a typed array, on the current backend.
 *
 * The shape is that of the nesting; a flat list may be given another one. Throws ShapeError for ragged nesting or a
 * shape that does not hold the elements, DTypeError for fractions in an i32 tensor or a gradient of integers.
 */
export function tensor(values: NestedNumbers | Numbers, shape?: Shape, options: TensorOptions = {}): Tensor {
  const { flat, shape: own } = flatten(values);
  const { dtype = values instanceof Int32Array ? "i32" : "f32" } = options;
  const target = shape ?? own;
  checkShape("tensor", target);
  if (sizeOf(target) !== flat.length || (shape && own.length > 1 && !sameShape(own, shape))) {
    throw new ShapeError(
      `tensor: expected ${sizeOf(target)} values for shape ${formatShape(target)}, got ${flat.length} of shape ${formatShape(own)}`,
    );
  }
  return create("tensor", target, flat, { ...options, dtype });
}

/**
 * A tensor of one number everywhere. Throws ShapeError for lengths that are no non-negative integers, DTypeError for a
 * fraction in an i32 tensor or a gradient of integers.
 */
export function full(shape: Shape, value: number, options: TensorOptions = {}): Tensor {
  checkShape("full", shape);
  return create("full", shape, new Float64Array(sizeOf(shape)).fill(value), options);
}

/** A tensor of zeros. Throws as {@link full}. */
export const zeros = (shape: Shape, options: TensorOptions = {}): Tensor => full(shape, 0, options);

/** A tensor of ones. Throws as {@link full}. */
export const ones = (shape: Shape, options: TensorOptions = {}): Tensor => full(shape, 1, options);

/**
 * Independent normal numbers of mean 0 and standard deviation 1, drawn on the host from `random`. Throws ShapeError for
 * lengths that are no non-negative integers.
 */
export function randn(shape: Shape, random: Random, options: Omit<TensorOptions, "dtype"> = {}): Tensor {
  checkShape("randn", shape);
  const values = Float64Array.from({ length: sizeOf(shape) }, () => random.normal());
  return create("randn", shape, values, options);
}

function create(
  who: string,
  shape: Shape,
  values: Numbers,
  { dtype = "f32", requiresGrad = false }: TensorOptions,
): Tensor {
  if (requiresGrad && dtype !== "f32") {
    throw new DTypeError(`${who}: expected f32 for a tensor with requiresGrad, got ${dtype}`);
  }
  const bounds = dtype === "i32" ? boundsOf(who, values) : undefined;
  const storage = new Storage(currentBackend(), sizeOf(shape), dtype);
  // A copy: the caller may go on with his array.
  const own = [...shape];
  const made = new Tensor(storage, own, requiresGrad ? new Variable(own, null) : null);
  storage.write(values, bounds);
  return made;
}

function flatten(values: NestedNumbers | Numbers): { flat: Numbers; shape: Shape } {
  if (typeof values !== "number" && !isNested(values)) {
    if (!ArrayBuffer.isView(values)) refuse(values);
    // The elements of a BigInt64Array are no numbers.
    if (typeof (values[0] ?? 0) !== "number") refuse(values[0]);
    return { flat: values, shape: [values.length] };
  }
  const flat: number[] = [];
  return { shape: collect(values, flat), flat };
}

function refuse(values: unknown): never {
  throw new ValueError(`tensor: expected a number, nested arrays or a typed array, got ${typeof values}`);
}

/** Appends the numbers of nested arrays to `flat`, and returns the shape of the nesting. */
function collect(values: NestedNumbers, flat: number[]): Shape {
  if (typeof values === "number") {
    flat.push(values);
    return scalar;
  }
  if (!isNested(values)) refuse(values);
  const shapes = values.map((entry) => collect(entry, flat));
  const [inner = scalar] = shapes;
  const odd = shapes.find((shape) => !sameShape(shape, inner));
  if (odd) {
    throw new ShapeError(
      `tensor: expected nested arrays of equal lengths, got entries of shapes ${formatShape(inner)} and ${formatShape(odd)}`,
    );
  }
  return [values.length, ...inner];
}

const scalar: Shape = [];

const isNested = (values: object): values is readonly NestedNumbers[] => Array.isArray(values);

/** The range of integers, undefined of none. Throws DTypeError for what 32 bits do not hold. */
export function boundsOf(who: string, values: Numbers): Bounds | undefined {
  if (values.length === 0) return undefined;
  let [min, max] = [Infinity, -Infinity];
  for (let i = 0; i < values.length; i++) {
    const value = values[i] ?? NaN;
    // Conversion to 32 bits changes fractions, NaN and what lies out of range.
    if (value !== (value | 0)) {
      throw new DTypeError(`${who}: expected 32-bit integers in an i32 tensor, got ${value} at index ${i}`);
    }
    min = Math.min(min, value);
    max = Math.max(max, value);
  }
  return { min, max };
}
