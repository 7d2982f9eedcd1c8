import fc from "fast-check";
import { tensor } from "../../../engine/create.ts";
import type { Tensor } from "../../../engine/tensor.ts";
import type { ops } from "../../../kernels/index.ts";
import * as k from "../../../kernels/index.ts";
import { length } from "../case.ts";
import type { Case } from "../case.ts";

const size = fc.integer({ min: 4, max: 9 });

/** Classes 0 and 1 in turn, from `shift` on: among four rows each has another of its class, and one of the other. */
const labelsOf = (rows: number, shift: number, name: (i: number) => number): Tensor =>
  tensor(
    Int32Array.from({ length: 2 * rows }, (_, i) => (i < rows ? (i + shift) % 2 : name(i - rows))),
    [2, rows],
  );

/** A batch that is compared with itself, by labels that are one tensor or two; or anchors with a contrast set that holds some of them. */
const compared = (
  call: (pairs: k.ContrastivePairs, thresholds: Tensor) => readonly Tensor[],
  withThresholds = false,
): Case => ({
  noSecondGradient: "the fused gradient has no derivative",
  examples: fc.tuple(size, size, length, fc.nat(1)).chain(([rows, columns, features, shift]) => {
    const vectors = withThresholds ? [[rows]] : [];
    const own = (): Tensor => labelsOf(rows, shift, (i) => i);
    const some = (): Tensor => labelsOf(rows, shift, (i) => (i % 2 === 0 ? i : -1));
    const others = (): Tensor => labelsOf(columns, 0, (i) => i + 1);
    return fc.constantFrom(
      {
        shapes: [[rows, features], ...vectors],
        call: (z: Tensor, t: Tensor) => {
          const labels = own();
          return call({ anchors: z, contrast: z, anchorLabels: labels, contrastLabels: labels }, t);
        },
      },
      {
        shapes: [[rows, features], ...vectors],
        call: (z: Tensor, t: Tensor) =>
          call({ anchors: z, contrast: z, anchorLabels: own(), contrastLabels: own() }, t),
      },
      {
        shapes: [[rows, features], [columns, features], ...vectors],
        call: (anchors: Tensor, contrast: Tensor, t: Tensor) =>
          call({ anchors, contrast, anchorLabels: some(), contrastLabels: others() }, t),
      },
    );
  }),
});

export const contrastive: Record<keyof (typeof ops)["contrastive"], Case> = {
  contrastiveSums: compared((pairs) => Object.values(k.contrastiveSums(pairs, 0.5))),
  contrastiveSplitSums: compared((pairs) => Object.values(k.contrastiveSplitSums(pairs, 0.5))),
  contrastiveSoftplus: compared((pairs, t) => [k.contrastiveSoftplus(pairs, t, 0.5)], true),
};
