import { ValueError } from "../../engine/errors.ts";
import { defineOp, i32, runOne } from "../../engine/op.ts";
import { scope } from "../../engine/scope.ts";
import { normalizeAxis } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { checkTensors, withBounds } from "../arguments.ts";
import { replaceAxis, viewFrom } from "../axis.ts";
import { takeAlongAxis } from "../layout/take-along-axis.ts";
import { orderKernel } from "./order.kernels.ts";

/** Entries in an order, and their positions in the tensor that they come from (i32). */
export interface Sorted {
  readonly values: Tensor;
  readonly indices: Tensor;
}

interface Order {
  readonly axis: number;
  readonly count: number;
  readonly descending: boolean;
}

/** The first `count` entries in an order. Their gradient goes to where they were taken from. */
function firstInOrder(name: string): (x: Tensor, order: Order) => Sorted {
  // A position is no smooth function of the elements: there is no derivative.
  const positions = defineOp({
    name,
    infer: (_inputs: { x: Tensor }, order: Order) => order,
    forward: ({ x }, { axis, count, descending }) => {
      const { outer, length, inner } = viewFrom(x.shape, axis);
      const params = { outer, length, count, inner, descending: Number(descending) };
      const output = runOne(orderKernel, params, [x], i32(replaceAxis(x.shape, axis, count)));
      return { output: withBounds(output, length > 0 ? { min: 0, max: length - 1 } : undefined), saved: {} };
    },
  });
  return (x, order) =>
    scope(() => {
      const indices = positions({ x }, order);
      return { values: takeAlongAxis(x, indices, order.axis), indices };
    });
}

const [allInOrder, mostExtreme] = [firstInOrder("sort"), firstInOrder("topK")];

/** Options of {@link sort}. */
export interface SortOptions {
  /** Default -1. */
  readonly axis?: number;
  /** The largest first. Default false. */
  readonly descending?: boolean;
}

/**
 * The entries along an axis in ascending or descending order, and where they were. Equal ones keep their order; NaN
 * counts as larger than every number. Values have a gradient, indices have none. Throws ShapeError for an axis out of
 * range, DTypeError unless x is f32.
 */
export function sort(x: Tensor, { axis = -1, descending = false }: SortOptions = {}): Sorted {
  const along = normalizeAxis("sort", axis, x.shape.length);
  checkTensors("sort", "f32", { x });
  return allInOrder(x, { axis: along, count: x.shape[along] ?? 0, descending });
}

/** Options of {@link topK}. */
export interface TopKOptions {
  /** Default -1. */
  readonly axis?: number;
  /** The largest entries, or else the smallest. Default true. */
  readonly largest?: boolean;
}

/**
 * The k largest (or smallest) entries along an axis, the most extreme first, and where they were. Ties, NaN, gradients
 * and errors as for {@link sort}; throws ValueError unless k is an integer from 0 to the axis' length.
 */
export function topK(x: Tensor, k: number, { axis = -1, largest = true }: TopKOptions = {}): Sorted {
  const along = normalizeAxis("topK", axis, x.shape.length);
  const length = x.shape[along] ?? 0;
  if (!Number.isInteger(k) || k < 0 || k > length) {
    throw new ValueError(`topK: expected k from 0 to ${length}, the length of axis ${along}, got ${k}`);
  }
  checkTensors("topK", "f32", { x });
  return mostExtreme(x, { axis: along, count: k, descending: largest });
}
