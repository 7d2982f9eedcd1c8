import type { Row } from "./row.ts";

/** From nothing to a first result: a process of Node, the import, threads or a device, kernels compiled. */
export const coldStart = (): Row[] => [
  {
    ...{ topic: "cold start", name: "cold start: process, import, first product of 64 x 64" },
    problem: { kind: "matmul", m: 64, n: 64, k: 64 },
    coldStart: true,
  },
];
