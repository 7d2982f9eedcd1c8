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
  examples: shape(1, 3).chain((own) => {
    const all = own.map((_, axis) => axis);
    return fc
      .record({ axes: fc.subarray(all, { minLength: 1 }), keepDims: fc.boolean(), correction: fc.nat(1) })
      .filter(({ axes }) => sizeOf(axes.map((axis) => own[axis]!)) > 1)
      .map(({ axes, ...options }) => ({ shapes: [own], call: (x) => [op(x, axes, options)] }));
  }),
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
  prod: reduction(k.prod),
  min: reduction(k.min),
  cumsum: withAxis(k.cumsum),
};
