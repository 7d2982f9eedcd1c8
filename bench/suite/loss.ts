import type { Row } from "./row.ts";

const topic = "loss";

/** Softmax and cross-entropy, of many classes and of few. */
export const loss = (): Row[] => [
  {
    ...{ topic, name: "softmax of 4096 x 1000" },
    problem: { kind: "memory", op: "softmax", rows: 4096, columns: 1000 },
  },
  ...([[4096, 1000], [4096, 10]] as const).map(([rows, classes]) => ({
    ...{ topic, name: `cross-entropy of ${rows} x ${classes}, forward + backward` },
    problem: { kind: "crossEntropy", rows, classes } as const,
  })), // prettier-ignore
];
