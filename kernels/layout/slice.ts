import { ShapeError } from "../../engine/errors.ts";
import { commonBackend, defineOp, f32, runOne } from "../../engine/op.ts";
import { scope } from "../../engine/scope.ts";
import { formatShape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { withBounds } from "../arguments.ts";
import { replaceAxis, viewFrom } from "../axis.ts";
import { padKernel, sliceKernels } from "./slice.kernels.ts";

/** `count` of the `length` entries along `axis`, from `start` on. */
interface Range {
  readonly axis: number;
  readonly length: number;
  readonly start: number;
  readonly count: number;
}

/** The same from the other side, and what stands around. */
interface Padding extends Range {
  readonly value: number;
}

const sliceOp = defineOp({
  name: "slice",
  infer: (_inputs: { x: Tensor }, range: Range) => range,
  forward: ({ x }, { axis, start, count }) => {
    const { outer, length, inner } = viewFrom(x.shape, axis);
    const spec = { shape: replaceAxis(x.shape, axis, count), dtype: x.dtype };
    const part = runOne(sliceKernels[x.dtype], { outer, length, start, count, inner }, [x], spec);
    return { output: withBounds(part, x.bounds), saved: {} };
  },
  // Each element of y is one of x; the others have no influence  =>  dx is dy with zeros around
  backward: (_saved, dy, range) => ({ x: (): Tensor => padOp({ y: dy }, { ...range, value: 0 }) }),
});

const padOp = defineOp({
  name: "pad",
  infer: (_inputs: { y: Tensor }, padding: Padding) => padding,
  forward: ({ y }, { axis, length, start, count, value }) => {
    const { outer, inner } = viewFrom(y.shape, axis);
    const spec = f32(replaceAxis(y.shape, axis, length));
    return { output: runOne(padKernel, { outer, length, start, count, inner, value }, [y], spec), saved: {} };
  },
  // What stands around is constant  =>  dy is the part of dx that is not around
  backward: (_saved, dx, range) => ({ y: (): Tensor => sliceOp({ x: dx }, range) }),
});

/** The entries `start` ... `end`-1 along one axis (all arguments in range): {@link slice} without its conventions. */
export const sliceAxis = (x: Tensor, axis: number, start: number, end: number): Tensor =>
  sliceOp({ x }, { axis, length: x.shape[axis] ?? 1, start, count: end - start });

/** x as the entries from `start` on of an axis of `length` entries, all others `value`. f32 only. */
export const padAxis = (x: Tensor, axis: number, length: number, start: number, value: number): Tensor =>
  padOp({ y: x }, { axis, length, start, count: x.shape[axis] ?? 1, value });

/**
 * The block from `starts` to `ends` (exclusive), one entry for each leading axis; later axes stay whole. As in NumPy,
 * negative entries count from the end of their axis: `slice(x, [0, -2], [3, 4])` is `x[0:3, -2:4]`.
 * Throws ShapeError for entries outside of their axis, or an end before its start.
 */
export function slice(x: Tensor, starts: readonly number[], ends: readonly number[]): Tensor {
  commonBackend("slice", [x]);
  const refuse = (expected: string): never => {
    throw new ShapeError(
      `slice: expected ${expected}, got starts ${formatShape(starts)} and ends ${formatShape(ends)} ` +
        `for ${formatShape(x.shape)}`,
    );
  };
  if (starts.length !== ends.length || starts.length > x.shape.length) {
    refuse(`as many starts as ends, at most one for each axis`);
  }
  const position = (index: number | undefined, length: number): number =>
    index !== undefined && Number.isInteger(index) && index >= -length && index <= length
      ? index + (index < 0 ? length : 0)
      : refuse(`integers from -length to length of each axis`);
  const ranges = starts.map((from, axis) => {
    const length = x.shape[axis] ?? 0;
    const [start, end] = [position(from, length), position(ends[axis], length)];
    return start <= end ? { axis, start, end, length } : refuse(`no end before its start`);
  });
  return scope(() =>
    ranges
      .filter(({ start, end, length }) => end - start < length)
      .reduce((part, { axis, start, end }) => sliceAxis(part, axis, start, end), reshape(x, x.shape)),
  );
}
