import fc from "fast-check";
import type { Axes } from "../../../engine/reduction.ts";
import { sizeOf } from "../../../engine/shape.ts";
import type { Tensor } from "../../../engine/tensor.ts";
import type { ops } from "../../../kernels/index.ts";
import * as k from "../../../kernels/index.ts";
import { reduction, shape, withAxis } from "../case.ts";
import type { Case } from "../case.ts";

/** Over axes of at least two elements, with both corrections. */
const spread = (op: (x: Tensor, axes: Axes, options: k.VarianceOptions) => Tensor): Case => ({
  examples: fc
    .tuple(shape(1, 3), fc.array(fc.boolean(), { minLength: 3, maxLength: 3 }), fc.boolean(), fc.nat(1))
    .map(([own, chosen, keepDims, correction]) => ({
      own,
      axes: own.flatMap((_, axis) => (chosen[axis] ? [axis] : [])),
      options: { keepDims, correction },
    }))
    .filter(({ own, axes }) => sizeOf(axes.map((axis) => own[axis]!)) > 1)
    .map(({ own, axes, options }) => ({ shapes: [own], call: (x) => [op(x, axes, options)] })),
});

export const reduce: Record<keyof (typeof ops)["reduce"], Case> = {
  sum: reduction(k.sum),
  mean: reduction(k.mean),
  max: reduction(k.max),
  logSumExp: reduction(k.logSumExp),
  argMax: { ...withAxis(k.argMax), noGradient: "positions have no derivative" },
  variance: spread(k.variance),
  std: spread(k.std),
  norm: reduction(k.norm),
  // Products of more elements may leave the range of f32.
  prod: { examples: reduction(k.prod).examples.filter(({ shapes }) => shapes.every((own) => sizeOf(own) <= 100)) }, // prettier-ignore
  min: reduction(k.min),
  cumsum: withAxis(k.cumsum),
};
