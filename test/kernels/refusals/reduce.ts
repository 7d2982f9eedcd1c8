import { ValueError } from "../../../engine/errors.ts";
import type { ops } from "../../../kernels/index.ts";
import * as k from "../../../kernels/index.ts";
import { f23, x, badAxes, emptyAxis, reduction, alongAxis, onlyFloats } from "./entry.ts";
import type { Entry } from "./entry.ts";

const spread = (op: typeof k.variance): Entry => ({
  inputs: [f23],
  call: (t) => op(t, 1),
  refuses: [...badAxes(op), emptyAxis(op), [ValueError, "a correction below the number of values, got 3 for 3", () => op(x(), 1, { correction: 3 })]],
}); // prettier-ignore

export const reduce: Record<keyof (typeof ops)["reduce"], Entry> = {
  sum: { ...reduction(k.sum), refuses: badAxes(k.sum) },
  ...{ mean: reduction(k.mean), max: reduction(k.max), min: reduction(k.min) },
  norm: { ...reduction(k.norm), refuses: badAxes(k.norm) },
  prod: onlyFloats({ ...reduction(k.prod), refuses: badAxes(k.prod) }),
  logSumExp: reduction(k.logSumExp),
  ...{ variance: spread(k.variance), std: spread(k.std) },
  argMax: onlyFloats(alongAxis(k.argMax, emptyAxis(k.argMax))),
  cumsum: onlyFloats(alongAxis(k.cumsum)),
};
