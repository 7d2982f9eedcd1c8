import type { Row } from "./row.ts";

/** The loss and its gradient by the embeddings. The matrix of pairs has m^2 elements: ours is never stored. */
export const supCon = (): Row[] =>
  [512, 2048, 8192, 12288].map((m) => ({
    topic: "supcon",
    name: `supcon M = ${m}, D = 128, forward + backward`,
    problem: { kind: "supCon", m, d: 128 } as const,
    quick: m <= 2048,
    ...(m > 2048 && { patience: 20 }),
    tellsMemory: true,
  }));
