import { DTypeError, ShapeError } from "../../engine/errors.ts";
import { commonBackend, defineOp, runOne } from "../../engine/op.ts";
import { scope } from "../../engine/scope.ts";
import { formatShape, normalizeAxis, sameShape } from "../../engine/shape.ts";
import type { Bounds, Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { withBounds } from "../arguments.ts";
import { replaceAxis, viewFrom } from "../axis.ts";
import { concatKernels } from "./concat.kernels.ts";
import { sliceAxis } from "./slice.ts";

const concatTwo = defineOp({
  name: "concat",
  infer: ({ a, b }: { a: Tensor; b: Tensor }, axis: number) => {
    const [aLength, bLength] = [a.shape[axis] ?? 1, b.shape[axis] ?? 1];
    return { axis, aLength, bLength, length: aLength + bLength };
  },
  forward: ({ a, b }, { axis, aLength, bLength, length }) => {
    const { outer, inner } = viewFrom(a.shape, axis);
    const spec = { shape: replaceAxis(a.shape, axis, length), dtype: a.dtype };
    const joined = runOne(concatKernels[a.dtype], { outer, aLength, bLength, inner }, [a, b], spec);
    return { output: withBounds(joined, unite(a, b)), saved: {} };
  },
  // y holds a, then b  =>  dy holds da, then db
  backward: (_saved, dy, { axis, aLength, length }) => ({
    a: () => sliceAxis(dy, axis, 0, aLength),
    b: () => sliceAxis(dy, axis, aLength, length),
  }),
});

/** Bounds of the elements of both, where known. */
function unite(a: Tensor, b: Tensor): Bounds | undefined {
  if (a.size === 0 || b.size === 0) return (a.size === 0 ? b : a).bounds;
  const [one, other] = [a.bounds, b.bounds];
  return one && other && { min: Math.min(one.min, other.min), max: Math.max(one.max, other.max) };
}

// Two at a time, as a balanced tree: n tensors are copied log2(n) times, where a chain would copy them n times.
function concatAll(tensors: readonly Tensor[], axis: number): Tensor {
  const [a, b] = tensors;
  if (!a) throw new RangeError("concat: no tensors");
  if (!b) return a;
  const half = Math.ceil(tensors.length / 2);
  return concatTwo(
    { a: concatAll(tensors.slice(0, half), axis), b: concatAll(tensors.slice(half), axis) },
    axis,
  );
}

/**
 * The tensors one after the other along an existing axis. Throws ShapeError if there is none or their other axes
 * differ, DTypeError if their element types do.
 */
export function concat(tensors: readonly Tensor[], axis: number): Tensor {
  const [first, ...others] = tensors;
  if (!first) throw new ShapeError("concat: expected at least one tensor, got none");
  commonBackend("concat", tensors);
  const along = normalizeAxis("concat", axis, first.shape.length);
  for (const { shape, dtype } of others) {
    const fits = shape.length === first.shape.length;
    if (!fits || !sameShape(replaceAxis(shape, along), replaceAxis(first.shape, along))) {
      const shapes = tensors.map((tensor) => formatShape(tensor.shape)).join(", ");
      throw new ShapeError(`concat: expected shapes that agree but for axis ${along}, got ${shapes}`);
    }
    if (dtype !== first.dtype) {
      throw new DTypeError(`concat: expected one element type, got ${first.dtype} and ${dtype}`);
    }
  }
  return scope(() => (others.length > 0 ? concatAll(tensors, along) : reshape(first, first.shape)));
}
