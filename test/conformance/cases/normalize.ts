import fc from "fast-check";
import { Random } from "../../../engine/random.ts";
import { sizeOf } from "../../../engine/shape.ts";
import type { Tensor } from "../../../engine/tensor.ts";
import type { ops } from "../../../kernels/index.ts";
import * as k from "../../../kernels/index.ts";
import { length, shape, withAxis } from "../case.ts";
import type { Case } from "../case.ts";

const allOf = ({ output, mean, variance }: k.BatchNormOutputs): Tensor[] => [output, mean, variance];

// With two close values in a group, the rounding of the inputs alone would show in single precision.
const tame = { epsilon: 0.1 };

export const normalize: Record<keyof (typeof ops)["normalize"], Case> = {
  batchNorm: {
    // The gradient of gamma is small beside its terms, whose rounding grows with their number and range.
    examples: fc
      .tuple(shape(1, 3), fc.boolean(), fc.boolean())
      .filter(([own]) => sizeOf(own) <= 12)
      .map(([own, relu, shortcut]) => ({
        shapes: [[2, ...own], own.slice(-1), own.slice(-1), ...(shortcut ? [[2, ...own]] : [])],
        call: (x, gamma, beta, residual) => allOf(k.batchNorm(x, gamma, beta, { ...tame, relu, residual })),
        ...(relu && {
          kinks: (x, gamma, beta, residual) => k.batchNorm(x, gamma, beta, { ...tame, residual }).output,
        }),
      })),
  },
  batchNormInference: {
    examples: fc.tuple(shape(1, 3), fc.boolean(), fc.boolean()).map(([own, relu, shortcut]) => ({
      shapes: [own, ...Array.from({ length: 4 }, () => own.slice(-1)), ...(shortcut ? [own] : [])],
      domain: "positive",
      call: (x, gamma, beta, mean, variance, residual) => [
        k.batchNormInference(x, gamma, beta, mean, variance, { relu, residual }),
      ],
      ...(relu && {
        kinks: (x, gamma, beta, mean, variance, residual) =>
          k.batchNormInference(x, gamma, beta, mean, variance, { residual }),
      }),
    })),
  },
  l2Normalize: withAxis(k.l2Normalize, "positive"),
  softmax: withAxis(k.softmax),
  logSoftmax: withAxis(k.logSoftmax),
  layerNorm: {
    examples: fc
      .tuple(shape(0, 2), fc.integer({ min: 2, max: 9 }), fc.boolean())
      .map(([outer, size, twoAxes]) => {
        const last = twoAxes ? outer.slice(-1) : [];
        return {
          shapes: [
            [...outer, size],
            [...last, size],
            [...last, size],
          ],
          call: (x, gamma, beta) => [k.layerNorm(x, gamma, beta, tame)],
        };
      }),
  },
  groupNorm: {
    examples: fc.tuple(shape(1, 3), length, fc.integer({ min: 2, max: 4 })).map(([outer, groups, size]) => ({
      shapes: [[...outer, groups * size], [groups * size], [groups * size]],
      call: (x, gamma, beta) => [k.groupNorm(x, groups, gamma, beta, tame)],
    })),
  },
};

export const random: Record<keyof (typeof ops)["random"], Case> = {
  dropout: {
    examples: fc.tuple(shape(0, 3), fc.nat(99)).map(([own, seed]) => ({
      shapes: [own],
      call: (x) => [k.dropout(x, 0.4, new Random(seed))],
    })),
  },
};

export const loss: Record<keyof (typeof ops)["loss"], Case> = {
  crossEntropy: {
    examples: fc
      .tuple(length, length, fc.constantFrom(0, 0.1, 1), fc.boolean())
      .chain(([n, classes, labelSmoothing, weighted]) =>
        fc.array(fc.nat(classes - 1), { minLength: n, maxLength: n }).map((labels) => ({
          shapes: [[n, classes], ...(weighted ? [[classes]] : [])],
          domain: "positive",
          call: (logits, ...[classWeights]) => [
            k.crossEntropy(logits, labels, { labelSmoothing, ...(classWeights && { classWeights }) }),
          ],
        })),
      ),
  },
  binaryCrossEntropyWithLogits: {
    examples: shape(1, 3).map((own) => ({
      shapes: [own, own, own.slice(-1)],
      call: (x, targets, positiveWeight) => [k.binaryCrossEntropyWithLogits(x, targets, { positiveWeight })],
    })),
  },
  mse: { examples: shape(0, 3).map((own) => ({ shapes: [own, own], call: (a, b) => [k.mse(a, b)] })) },
};
