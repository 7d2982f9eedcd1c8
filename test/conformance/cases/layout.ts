import fc from "fast-check";
import { tensor } from "../../../engine/create.ts";
import { sizeOf } from "../../../engine/shape.ts";
import type { ops } from "../../../kernels/index.ts";
import * as k from "../../../kernels/index.ts";
import { broadcasting, length, permutation, shape, unary, withAxis } from "../case.ts";
import type { Case } from "../case.ts";

const axesOf = (own: readonly number[]): fc.Arbitrary<number[]> => fc.subarray(own.map((_, axis) => axis));

export const layout: Record<keyof (typeof ops)["layout"], Case> = {
  reshape: unary((x) => k.reshape(x, [-1])),
  transpose: {
    examples: shape(0, 4).chain((own) =>
      permutation(own.length).map((order) => ({ shapes: [own], call: (x) => [k.transpose(x, order)] })),
    ),
  },
  slice: {
    examples: shape(1, 4).chain((own) =>
      fc
        .tuple(
          ...own.map((size) =>
            fc
              .nat(size - 1)
              .chain((start) => fc.tuple(fc.constant(start), fc.integer({ min: start + 1, max: size }))),
          ),
        )
        .map((ranges) => ({
          shapes: [own],
          call: (x) => [k.slice(x, ranges.map(([start]) => start), ranges.map(([, end]) => end))], // prettier-ignore
        })),
    ),
  },
  concat: {
    examples: shape(1, 3).chain((own) =>
      fc
        .tuple(fc.nat(own.length - 1), fc.array(length, { minLength: 1, maxLength: 4 }))
        .map(([axis, sizes]) => ({
          shapes: sizes.map((size) => own.map((each, i) => (i === axis ? size : each))),
          call: (...parts) => [k.concat(parts, axis)],
        })),
    ),
  },
  gather: {
    examples: shape(1, 3).chain((own) =>
      fc.nat(own.length - 1).chain((axis) =>
        fc.array(fc.nat(own[axis]! - 1), { minLength: 1, maxLength: 6 }).map((indices) => ({
          shapes: [own],
          call: (x) => [k.gather(x, indices, axis)],
        })),
      ),
    ),
  },
  scatterAdd: {
    examples: shape(1, 3).chain((own) =>
      fc.nat(own.length - 1).chain((axis) =>
        fc.array(fc.nat(3), { minLength: own[axis]!, maxLength: own[axis]! }).map((indices) => ({
          shapes: [own],
          call: (x) => [k.scatterAdd(x, indices, 4, axis)],
        })),
      ),
    ),
  },
  squeeze: unary((x) => k.squeeze(x)),
  unsqueeze: withAxis((x, axis) => k.unsqueeze(x, axis - x.shape.length)),
  flip: {
    examples: shape(0, 4).chain((own) => axesOf(own).map((axes) => ({ shapes: [own], call: (x) => [k.flip(x, axes)] }))), // prettier-ignore
  },
  broadcastTo: {
    examples: broadcasting(1).chain(([own]) =>
      fc.tuple(fc.array(length, { maxLength: 2 }), length).map(([more, stretched]) => ({
        shapes: [own!],
        call: (x) => [k.broadcastTo(x, [...more, ...own!.map((axis) => (axis === 1 ? stretched : axis))])],
      })),
    ),
  },
  split: {
    examples: shape(1, 3).chain((own) =>
      fc.nat(own.length - 1).chain((axis) =>
        fc.nat(own[axis]!).map((first) => ({
          shapes: [own],
          call: (x) => [...k.split(x, [first, own[axis]! - first], axis), ...k.split(x, 2, axis)],
        })),
      ),
    ),
  },
  pad: {
    examples: shape(0, 3).chain((own) =>
      fc.tuple(...own.map(() => fc.tuple(fc.nat(2), fc.nat(2)))).map((widths: [number, number][]) => ({
        shapes: [own],
        call: (x) => [
          k.pad(x, widths, { value: 0.5 }),
          k.pad(
            x,
            widths.map(([before, after], axis) => [before % own[axis]!, after % own[axis]!]),
            { mode: "reflect" },
          ),
        ],
      })),
    ),
  },
  stack: {
    examples: fc.tuple(shape(0, 3), fc.integer({ min: 1, max: 4 }), fc.nat(3)).map(([own, count, at]) => ({
      shapes: Array.from({ length: count }, () => own),
      call: (...parts) => [k.stack(parts, at % (own.length + 1))],
    })),
  },
  takeAlongAxis: {
    examples: shape(1, 3).chain((own) =>
      fc.tuple(fc.nat(own.length - 1), fc.integer({ min: 1, max: 6 })).chain(([axis, count]) => {
        const target = own.with(axis, count);
        const entries = { minLength: sizeOf(target), maxLength: sizeOf(target) };
        return fc.array(fc.nat(own[axis]! - 1), entries).map((indices) => ({
          shapes: [own],
          call: (x) => [k.takeAlongAxis(x, tensor(Int32Array.from(indices), target), axis)],
        }));
      }),
    ),
  },
  oneHot: {
    examples: fc.array(fc.nat(4), { maxLength: 6 }).map((labels) => ({ shapes: [], call: () => [k.oneHot(labels, 5)] })), // prettier-ignore
    noGradient: "labels have no derivative",
  },
};

export const sorts: Record<keyof (typeof ops)["sort"], Case> = {
  sort: {
    ...withAxis((x, axis) => k.sort(x, { axis, descending: axis % 2 === 1 }).values),
  },
  topK: withAxis(
    (x, axis) => k.topK(x, Math.ceil(x.shape[axis]! / 2), { axis, largest: axis % 2 === 0 }).values,
  ),
};
