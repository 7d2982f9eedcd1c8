import type { Row } from "./row.ts";

const topic = "matmul";

/** Products of square matrices, of a projection head's batch, and of many small pairs. */
export const matmul = (): Row[] => [
  ...[256, 512, 1024].map((n) => ({
    ...{ topic, name: `matmul ${n} x ${n} x ${n}`, quick: n === 512 },
    problem: { kind: "matmul", m: n, n, k: n } as const,
  })),
  { topic, name: "matmul 128 x 64 x 64", problem: { kind: "matmul", m: 128, n: 64, k: 64 } },
  {
    topic,
    name: "matmul 64 x 64 x 64, 256 pairs",
    problem: { kind: "matmul", batch: 256, m: 64, n: 64, k: 64 },
  },
];
