import { DTypeError, ShapeError, ValueError } from "../../../engine/errors.ts";
import { Random } from "../../../engine/random.ts";
import type { Tensor } from "../../../engine/tensor.ts";
import type { ops } from "../../../kernels/index.ts";
import * as k from "../../../kernels/index.ts";
import { f23, f2, f3, x, emptyAxis, alongAxis } from "./entry.ts";
import type { Entry, Refusal } from "./entry.ts";

const gammaAndBeta = (op: (x: Tensor, gamma: Tensor, beta: Tensor, options?: { epsilon: number }) => unknown) => ({
  inputs: [f23, f3, f3],
  call: (t: Tensor, gamma: Tensor, beta: Tensor) => op(t, gamma, beta),
  refuses: [
    [ShapeError, "gamma of ", () => op(x(), x(f2), x(f3))],
    [ShapeError, "beta of shape [3]", () => op(x(), x(f3), x(f2))],
    [ValueError, "epsilon to be a number from 0 on, got -1", () => op(x(), x(f3), x(f3), { epsilon: -1 })],
  ] satisfies Refusal[],
}); // prettier-ignore

export const normalize: Record<keyof (typeof ops)["normalize"], Entry> = {
  batchNorm: {
    ...gammaAndBeta(k.batchNorm),
    refuses: [
      ...gammaAndBeta(k.batchNorm).refuses,
      [
        ShapeError,
        "at least 2 values for each channel, got x of shape [1, 3]",
        () => k.batchNorm(x([1, 3]), x(f3), x(f3)),
      ],
    ],
  },
  batchNormInference: {
    inputs: [f23, f3, f3, f3, f3],
    call: (t, gamma, beta, mean, variance) => k.batchNormInference(t, gamma, beta, mean, variance),
    refuses: [
      [
        ShapeError,
        "mean of shape [3] for the channels of x, got [2]",
        () => k.batchNormInference(x(), x(f3), x(f3), x(f2), x(f3)),
      ],
      [ValueError, "epsilon", () => k.batchNormInference(x(), x(f3), x(f3), x(f3), x(f3), { epsilon: NaN })],
    ],
  },
  layerNorm: gammaAndBeta(k.layerNorm),
  groupNorm: {
    ...gammaAndBeta((t, gamma, beta, options) => k.groupNorm(t, 1, gamma, beta, options)),
    refuses: [
      [ShapeError, "x [N, ..., C], got shape [3]", () => k.groupNorm(x(f3), 1, x(f3), x(f3))],
      [ShapeError, "groups to divide the 3 channels, got 2", () => k.groupNorm(x(), 2, x(f3), x(f3))],
    ],
  },
  l2Normalize: alongAxis(k.l2Normalize, [
    ValueError,
    "an epsilon of at least",
    () => k.l2Normalize(x(), 1, 0),
  ]),
  softmax: alongAxis(k.softmax, emptyAxis(k.softmax), [
    ShapeError,
    "no axis of a scalar, got -1",
    () => k.softmax(x([])),
  ]),
  logSoftmax: alongAxis(k.logSoftmax, emptyAxis(k.logSoftmax)),
};

export const random: Record<keyof (typeof ops)["random"], Entry> = {
  dropout: {
    inputs: [f23],
    call: (t) => k.dropout(t, 0.5, new Random(1)),
    refuses: [[ValueError, "a probability from 0 to 1, got 1.5", () => k.dropout(x(), 1.5, new Random(1))]],
  },
};

export const loss: Record<keyof (typeof ops)["loss"], Entry> = {
  crossEntropy: {
    inputs: [f23, { i32: [2] }, f3],
    call: (t, labels, classWeights) => k.crossEntropy(t, labels, { classWeights }),
    refuses: [
      [ShapeError, "logits [N, C] with N > 0, got shape [3]", () => k.crossEntropy(x(f3), [0])],
      [ShapeError, "labels of shape [2]", () => k.crossEntropy(x(), [0])],
      [
        ShapeError,
        "classWeights of shape [3] for each class, got [2]",
        () => k.crossEntropy(x(), [0, 0], { classWeights: x(f2) }),
      ],
      [ValueError, "labels from 0 to 2, got 3 at position 1", () => k.crossEntropy(x(), [0, 3])],
      [
        ValueError,
        "labelSmoothing from 0 to 1, got 2",
        () => k.crossEntropy(x(), [0, 0], { labelSmoothing: 2 }),
      ],
      [DTypeError, "integers as labels, got 0.5", () => k.crossEntropy(x(), [0, 0.5])],
    ],
  },
  binaryCrossEntropyWithLogits: {
    inputs: [f23, f23, f3],
    call: (t, targets, positiveWeight) => k.binaryCrossEntropyWithLogits(t, targets, { positiveWeight }),
    refuses: [
      [
        ShapeError,
        "targets of shape [2, 3] as the logits, got [3]",
        () => k.binaryCrossEntropyWithLogits(x(), x(f3)),
      ],
      [ShapeError, "logits with at least one element", () => k.binaryCrossEntropyWithLogits(x([0]), x([0]))],
      [
        ShapeError,
        "shapes that broadcast",
        () => k.binaryCrossEntropyWithLogits(x(), x(), { positiveWeight: x(f2) }),
      ],
    ],
  },
  mse: {
    inputs: [f23, f23],
    call: (a, b) => k.mse(a, b),
    refuses: [
      [ShapeError, "target of shape [2, 3] as the prediction, got [3]", () => k.mse(x(), x(f3))],
      [ShapeError, "prediction with at least one element", () => k.mse(x([0]), x([0]))],
    ],
  },
};
