import { ShapeError, ValueError } from "../../../engine/errors.ts";
import type { Tensor } from "../../../engine/tensor.ts";
import type { ops } from "../../../kernels/index.ts";
import * as k from "../../../kernels/index.ts";
import { f23, x } from "./entry.ts";
import type { Entry, Refusal } from "./entry.ts";

const images = (op: (x: Tensor) => unknown, ...refuses: Refusal[]): Entry => ({
  inputs: [[1, 4, 4, 2]],
  call: op,
  refuses: [[ShapeError, "x of rank 4", () => op(x())], ...refuses],
});

export const conv2d: Record<keyof (typeof ops)["conv2d"], Entry> = {
  conv2d: {
    inputs: [
      [1, 4, 4, 2],
      [3, 3, 2, 5],
    ],
    call: (a, b) => k.conv2d(a, b),
    refuses: [
      [ShapeError, "x of rank 4", () => k.conv2d(x(), x([3, 3, 2, 5]))],
      [ShapeError, "w of rank 4", () => k.conv2d(x([1, 4, 4, 2]), x())],
      [
        ShapeError,
        "the channels of x (last axis) / groups as input channels of w (third axis), 2, got 3",
        () => k.conv2d(x([1, 4, 4, 2]), x([3, 3, 3, 5])),
      ],
      [
        ShapeError,
        "a kernel no larger than the padded input",
        () => k.conv2d(x([1, 2, 2, 1]), x([3, 3, 1, 1])),
      ],
      [
        ShapeError,
        "stride to be a positive integer",
        () => k.conv2d(x([1, 2, 2, 1]), x([1, 1, 1, 1]), { stride: 0 }),
      ],
      [
        ShapeError,
        "padding to be a non-negative integer or a pair of them, got SAME",
        // @ts-expect-error TensorFlow's spelling
        () => k.conv2d(x([1, 2, 2, 1]), x([1, 1, 1, 1]), { padding: "SAME" }),
      ],
    ],
  },
  convTranspose2d: {
    inputs: [
      [1, 2, 2, 5],
      [3, 3, 2, 5],
    ],
    call: (a, b) => k.convTranspose2d(a, b),
    refuses: [
      [ShapeError, "x of rank 4", () => k.convTranspose2d(x(), x([3, 3, 2, 5]))],
      [
        ShapeError,
        "as many channels in x (last axis) as in w (last axis)",
        () => k.convTranspose2d(x([1, 2, 2, 4]), x([3, 3, 2, 5])),
      ],
    ],
  },
  conv2dGradInput: {
    inputs: [
      [1, 2, 2, 5],
      [3, 3, 2, 5],
    ],
    call: (a, b) => k.conv2dGradInput(a, b, { inputShape: [1, 4, 4, 2] }),
    refuses: [
      [
        ShapeError,
        "dy of shape [1, 2, 2, 5]",
        () => k.conv2dGradInput(x(), x([3, 3, 2, 5]), { inputShape: [1, 4, 4, 2] }),
      ],
    ],
  },
  conv2dGradWeight: {
    inputs: [
      [1, 4, 4, 2],
      [1, 2, 2, 5],
    ],
    call: (a, b) => k.conv2dGradWeight(a, b, { weightShape: [3, 3, 2, 5] }),
    refuses: [
      [
        ShapeError,
        "dy of shape [1, 2, 2, 5]",
        () => k.conv2dGradWeight(x([1, 4, 4, 2]), x(), { weightShape: [3, 3, 2, 5] }),
      ],
    ],
  },
};

export const pool: Record<keyof (typeof ops)["pool"], Entry> = {
  avgPool2d: images(
    (t) => k.avgPool2d(t, { kernel: 2 }),
    [
      ShapeError,
      "a kernel no larger than the padded input",
      () => k.avgPool2d(x([1, 2, 2, 1]), { kernel: 3 }),
    ],
  ),
  maxPool2d: images(
    (t) => k.maxPool2d(t, { kernel: 2 }),
    [
      ShapeError,
      "windows that all reach into the image",
      () => k.maxPool2d(x([1, 2, 2, 1]), { kernel: 1, padding: 1 }),
    ],
  ),
  adaptiveAvgPool2d: images(
    (t) => k.adaptiveAvgPool2d(t, 2),
    [ShapeError, "outputSize to be a positive integer", () => k.adaptiveAvgPool2d(x([1, 2, 2, 1]), 0)],
  ),
  globalAvgPool: images(k.globalAvgPool),
};

export const patches: Record<keyof (typeof ops)["patches"], Entry> = {
  unfold: images(
    (t) => k.unfold(t, { kernel: 2 }),
    [ShapeError, "kernel to be a positive integer", () => k.unfold(x([1, 2, 2, 1]), { kernel: 0 })],
    [ShapeError, "a kernel no larger than the padded input", () => k.unfold(x([1, 2, 2, 1]), { kernel: 3 })],
  ),
  fold: {
    inputs: [[1, 3, 3, 8]],
    call: (t) => k.fold(t, { kernel: 2, inputShape: [1, 4, 4, 2] }),
    refuses: [
      [ShapeError, "x of rank 4", () => k.fold(x(), { kernel: 2, inputShape: f23 })],
      [ShapeError, "y of shape [1, 3, 3, 8]", () => k.fold(x(), { kernel: 2, inputShape: [1, 4, 4, 2] })],
    ],
  },
};

export const resample: Record<keyof (typeof ops)["resample"], Entry> = {
  resize: images(
    (t) => k.resize(t, 2),
    [ShapeError, "size to be a positive integer", () => k.resize(x([1, 2, 2, 1]), 0)],
    // @ts-expect-error no such mode
    [ValueError, "mode", () => k.resize(x([1, 2, 2, 1]), 2, { mode: "cubic" })],
  ),
};
