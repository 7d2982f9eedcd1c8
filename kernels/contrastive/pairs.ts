/** What the kernels of this family have in common: they go through the pairs of an anchor and a row of a contrast set. */
import type { Params } from "../../engine/kernel.ts";

/** Parameters of every contrastive kernel: anchors, rows of the contrast set, length of both, tau. */
export type ContrastiveParam = "rows" | "columns" | "features" | "temperature";

/** Their values. */
export type ContrastiveParams = Params<ContrastiveParam>;

/** Inputs of every contrastive kernel; labels are the classes, then the names of the rows. */
export const contrastiveInputs = {
  anchors: "f32",
  contrast: "f32",
  anchorLabels: "i32",
  contrastLabels: "i32",
} as const;

/**
 * How pulls come from vectors over the anchors: see `contrastiveGradientKernel`. `all` is `exponential` with pi = nu and
 * b = a, which a backend may make use of.
 */
export const pullForm = { all: 0, exponential: 1, softplus: 2 } as const;

/** `form` as in {@link pullForm}; `own` and `theirs` are 1 where that half is wanted, else 0. */
export type GradientParam = ContrastiveParam | "form" | "own" | "theirs";
