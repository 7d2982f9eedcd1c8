import { DTypeError, ShapeError, ValueError } from "../../../engine/errors.ts";
import type { ops } from "../../../kernels/index.ts";
import * as k from "../../../kernels/index.ts";
import { f23, f2, f3, x, integers, unary, badAxes, badAxis, alongAxis, onlyFloats } from "./entry.ts";
import type { Entry } from "./entry.ts";

export const layout: Record<keyof (typeof ops)["layout"], Entry> = {
  reshape: {
    ...unary((t) => k.reshape(t, [6])),
    refuses: [
      [
        ShapeError,
        "a shape of 6 elements (at most one axis -1) for [2, 3], got [4]",
        () => k.reshape(x(), [4]),
      ],
      [ShapeError, "a shape of 6 elements", () => k.reshape(x(), [-1, -1])],
    ],
  },
  squeeze: {
    ...unary(k.squeeze),
    refuses: [...badAxes(k.squeeze), [ShapeError, "axes of length 1, got [0]", () => k.squeeze(x(), 0)]],
  },
  unsqueeze: {
    ...unary((t) => k.unsqueeze(t, 0)),
    refuses: [[ShapeError, "an axis from -3 to 2, got 3", () => k.unsqueeze(x(), 3)]],
  },
  transpose: {
    ...unary(k.transpose),
    refuses: [
      [ShapeError, "a permutation of the axes [0, 1]", () => k.transpose(x(), [0])],
      [ShapeError, "a permutation of the axes [0, 1]", () => k.transpose(x(), [1, 2])],
    ],
  },
  flip: { ...unary(k.flip), refuses: badAxes(k.flip) },
  broadcastTo: {
    ...onlyFloats(unary((t) => k.broadcastTo(t, [4, 2, 3]))),
    refuses: [
      [ShapeError, "shapes that broadcast", () => k.broadcastTo(x(), [2, 4])],
      [ShapeError, "x to broadcast to [1, 3], got shape [2, 3]", () => k.broadcastTo(x(), [1, 3])],
      [ShapeError, "non-negative integers as axis lengths", () => k.broadcastTo(x([1]), [-1])],
    ],
  },
  slice: {
    ...unary((t) => k.slice(t, [1], [2])),
    refuses: [
      [ShapeError, "integers from -length to length of each axis", () => k.slice(x(), [0], [3])],
      [ShapeError, "as many starts as ends", () => k.slice(x(), [0], [])],
      [ShapeError, "no end before its start", () => k.slice(x(), [2], [1])],
    ],
  },
  split: alongAxis(
    (t, axis) => k.split(t, 2, axis),
    [ShapeError, "a positive integer as the length of parts, got 0", () => k.split(x(), 0)],
    [ShapeError, "integers from 0 on that sum to 2, the length of axis 0, got [1, 2]", () => k.split(x(), [1, 2])],
  ), // prettier-ignore
  pad: {
    ...onlyFloats(unary((t) => k.pad(t, [[1, 1], [0, 2]]))),
    refuses: [
      [ShapeError, "widths [before, after] from 0 on for each axis of [2, 3], got [[1, 1]]", () => k.pad(x(), [[1, 1]])],
      [ShapeError, "widths", () => k.pad(x(), [[0, 0], [-1, 0]])],
      [ShapeError, "widths [before, after] from 0 on for each axis of [2, 3], less than its length", () => k.pad(x(), [[2, 0], [0, 0]], { mode: "reflect" })],
      // @ts-expect-error no such mode
      [ValueError, "mode to be constant or reflect, got wrap", () => k.pad(x(), [[0, 0], [0, 0]], { mode: "wrap" })],
    ],
  }, // prettier-ignore
  concat: {
    inputs: [f23, f23],
    call: (...ts) => k.concat(ts, 0),
    anyType: true,
    refuses: [
      [ShapeError, "at least one tensor, got none", () => k.concat([], 0)],
      [ShapeError, "shapes that agree but for axis 0", () => k.concat([x(), x(f3)], 0)],
      [ShapeError, "an axis from -2 to 1", () => k.concat([x()], 2)],
      [DTypeError, "one element type, got f32 and i32", () => k.concat([x(f2), integers(1)], 0)],
    ],
  },
  stack: {
    inputs: [f23, f23],
    call: (...ts) => k.stack(ts),
    anyType: true,
    refuses: [
      [ShapeError, "at least one tensor, got none", () => k.stack([])],
      [ShapeError, "tensors of one shape, got [2, 3], [3]", () => k.stack([x(), x(f3)])],
      [ShapeError, "an axis from -3 to 2", () => k.stack([x()], 3)],
      [DTypeError, "one element type, got f32 and i32", () => k.stack([x([1]), integers(1)])],
    ],
  },
  gather: {
    inputs: [f23, { i32: [4] }],
    call: (t, indices) => k.gather(t, indices, 1),
    anyType: true,
    refuses: [
      ...badAxis((t, axis) => k.gather(t, [0], axis)),
      [ValueError, "indices from 0 to 2, got 3 at position 0", () => k.gather(x(), [3], 1)],
      [
        ValueError,
        "indices from 0 to 2, got a tensor with elements from -1 to 0",
        () => k.gather(x(), integers(-1, 0), 1),
      ],
      [ValueError, "no indices where there is nothing, got 0", () => k.gather(x([2, 0]), [0], 1)],
      [DTypeError, "integers as indices, got 0.5", () => k.gather(x(), [0.5], 1)],
      [DTypeError, "i32 for indices, got f32", () => k.gather(x(), x(f2), 1)],
    ],
  },
  scatterAdd: {
    inputs: [f23, { i32: [3] }],
    call: (t, indices) => k.scatterAdd(t, indices, 2, 1),
    refuses: [
      ...badAxis((t, axis) => k.scatterAdd(t, [0], 1, axis)),
      [ShapeError, "indices of shape [3] for axis 1 of x, got [1]", () => k.scatterAdd(x(), [0], 1, 1)],
      [ValueError, "indices from 0 to 1, got 2", () => k.scatterAdd(x(), [0, 1, 2], 2, 1)],
      [
        ShapeError,
        "non-negative integers as axis lengths, got [1.5]",
        () => k.scatterAdd(x(), [0, 0, 0], 1.5, 1),
      ],
      [
        ShapeError,
        "non-negative integers as axis lengths, got [NaN]",
        () => k.scatterAdd(x(), [0, 0, 0], NaN, 1),
      ],
      [
        ShapeError,
        "non-negative integers as axis lengths, got [-1]",
        () => k.scatterAdd(x([2, 0]), [], -1, 1),
      ],
    ],
  },
  takeAlongAxis: {
    inputs: [f23, { i32: [2, 1] }],
    call: (t, indices) => k.takeAlongAxis(t, indices, 1),
    refuses: [
      ...badAxis((t, axis) => k.takeAlongAxis(t, integers(0), axis)),
      [ShapeError, "indices of shape [2, 0]", () => k.takeAlongAxis(x(), integers(0), 1)],
      [
        ValueError,
        "indices from 0 to 2, got a tensor with elements from 3 to 3",
        () => k.takeAlongAxis(x([3]), integers(3), 0),
      ],
    ],
  },
  oneHot: {
    inputs: [{ i32: [2] }],
    call: (labels) => k.oneHot(labels, 3),
    refuses: [
      [ValueError, "classes to be a positive integer, got 0", () => k.oneHot([0], 0)],
      [ValueError, "labels from 0 to 1, got 2", () => k.oneHot([2], 2)],
    ],
  },
};

export const sort: Record<keyof (typeof ops)["sort"], Entry> = {
  sort: onlyFloats(alongAxis((t, axis) => k.sort(t, { axis }))),
  topK: onlyFloats(
    alongAxis(
      (t, axis) => k.topK(t, 1, { axis }),
      [ValueError, "k from 0 to 3, the length of axis 1, got 4", () => k.topK(x(), 4)],
      [ValueError, "k from 0 to 3", () => k.topK(x(), 0.5)],
    ),
  ),
};
