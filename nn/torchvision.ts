/**
 * The layouts and names in which PyTorch keeps the weights of torchvision's models, to and from those of our modules,
 * whose names are torchvision's already:
 *
 *     convolution  [kh, kw, in / groups, out]  <->  [out, in / groups, kh, kw]
 *     linear layer [in, out]                   <->  [out, in]
 *
 * Of our modules' state, convolution weights alone have four axes and weights of linear layers alone have two.
 * `num_batches_tracked`, which PyTorch counts in each batch normalisation, has no use with a fixed momentum.
 */
import { ValueError } from "../engine/errors.ts";
import { formatShape, sizeOf, stridesOf } from "../engine/shape.ts";
import type { Numbers } from "../engine/kernel.ts";
import type { StateDict, StateTensor } from "./state.ts";

/** Axes of ours in PyTorch's order, by their number. */
const toTorch: Readonly<Record<number, readonly number[]>> = { 4: [3, 2, 0, 1], 2: [1, 0] };
const fromTorch: Readonly<Record<number, readonly number[]>> = { 4: [2, 3, 1, 0], 2: [1, 0] };

/** The last part of the name of PyTorch's counter of batches, a single 64-bit integer. */
export const batchCounter = "num_batches_tracked";

/** A module's state in PyTorch's layouts. */
export const toTorchvision = (state: StateDict): StateDict<Float32Array> => mapState(state, toTorch);

/** A state in PyTorch's layouts as our modules have it. Throws ValueError for tensors with fewer or more elements than their shape. */
export const fromTorchvision = (state: StateDict): StateDict<Float32Array> => mapState(state, fromTorch);

function mapState(
  state: StateDict,
  orders: Readonly<Record<number, readonly number[]>>,
): StateDict<Float32Array> {
  return new Map(
    [...state].map(([name, tensor]) => {
      const { shape, data } = tensor;
      if (data.length !== sizeOf(shape)) {
        throw new ValueError(
          `${name}: expected ${sizeOf(shape)} elements in shape ${formatShape(shape)}, got ${data.length}`,
        );
      }
      return [name, permute(tensor, orders[shape.length] ?? shape.map((_, axis) => axis))];
    }),
  );
}

/** The tensor with axis `order[k]` at place k. */
function permute({ shape, data }: StateTensor, order: readonly number[]): StateTensor<Float32Array> {
  const strides = stridesOf(shape);
  const axes = order.map((axis) => ({ size: shape[axis] ?? 1, stride: strides[axis] ?? 0 }));
  return { shape: axes.map(({ size }) => size), data: copy(data, axes) };
}

/** The elements along the axes, the last one fastest. */
function copy(data: Numbers, axes: readonly { size: number; stride: number }[]): Float32Array {
  const elements = new Float32Array(data.length);
  let end = 0;
  const visit = (depth: number, at: number): void => {
    const axis = axes[depth];
    if (!axis) {
      elements[end++] = data[at] ?? NaN;
      return;
    }
    for (let i = 0; i < axis.size; i++) visit(depth + 1, at + i * axis.stride);
  };
  visit(0, 0);
  return elements;
}
