import type { Row } from "./row.ts";

/** Batch normalisation of a ResNet's third stage, in training. */
export const batchNorm = (): Row[] =>
  (["forward", "both"] as const).map((pass) => ({
    topic: "batch-norm",
    name: `batch-norm 32x16x16x64, ${pass === "both" ? "forward + backward" : pass}`,
    problem: { kind: "batchNorm", x: [32, 16, 16, 64], pass } as const,
    quick: pass === "both",
  }));
