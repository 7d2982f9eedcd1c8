import { ShapeError, ValueError } from "../../../engine/errors.ts";
import type { Tensor } from "../../../engine/tensor.ts";
import type { ops } from "../../../kernels/index.ts";
import * as k from "../../../kernels/index.ts";
import { f2, f23, f3, x } from "./entry.ts";
import type { Entry, Refusal } from "./entry.ts";
import { zeros } from "../../../engine/create.ts";

const f43 = [4, 3];
const labels = (rows = 2): Tensor => zeros([2, rows], { dtype: "i32" });

/** Anchors [2, 3] and a contrast set [4, 3], but for what is given. */
const pairs = (wrong: Partial<k.ContrastivePairs> = {}): k.ContrastivePairs => ({
  ...{ anchors: x(), contrast: x(f43), anchorLabels: labels(), contrastLabels: labels(4) },
  ...wrong,
});

const compared = (op: (pairs: k.ContrastivePairs, temperature: number) => unknown): Entry => ({
  inputs: [f23, f43, { i32: [2, 2] }, { i32: [2, 4] }],
  call: (anchors, contrast, anchorLabels, contrastLabels) =>
    op({ anchors, contrast, anchorLabels, contrastLabels }, 1),
  refuses: [
    [
      ShapeError,
      "anchors [R, D] with R >= 1 and D >= 1, got shape [3]",
      () => op(pairs({ anchors: x(f3) }), 1),
    ],
    [ShapeError, "contrast of shape [4, 3]", () => op(pairs({ contrast: x([4, 2]) }), 1)],
    [ShapeError, "anchorLabels of shape [2, 2]", () => op(pairs({ anchorLabels: labels(3) }), 1)],
    [ShapeError, "contrastLabels of shape [2, 4]", () => op(pairs({ contrastLabels: labels(2) }), 1)],
    [ValueError, "a finite temperature > 0, got 0", () => op(pairs(), 0)],
  ] satisfies Refusal[],
});

const softplus = compared((given, temperature) => k.contrastiveSoftplus(given, x(f2), temperature));

export const contrastive: Record<keyof (typeof ops)["contrastive"], Entry> = {
  contrastiveSums: compared(k.contrastiveSums),
  contrastiveSplitSums: compared(k.contrastiveSplitSums),
  contrastiveSoftplus: {
    inputs: [...softplus.inputs, f2],
    call: (anchors, contrast, anchorLabels, contrastLabels, thresholds) =>
      k.contrastiveSoftplus({ anchors, contrast, anchorLabels, contrastLabels }, thresholds, 1),
    refuses: [
      ...softplus.refuses,
      [ShapeError, "thresholds of shape [2]", () => k.contrastiveSoftplus(pairs(), x(f3), 1)],
    ],
  },
};
