import type { Training } from "../problems/problem.ts";
import type { Row, SuiteOptions } from "./row.ts";

const topic = "scaling";

const step = (batch: number): Training => ({ kind: "training", network: "resnet20", batch, size: 32 });

/** How our own time changes with threads and with the size of the batch. */
export const scaling = ({ backend, threads }: SuiteOptions): Row[] => [
  ...(backend === "cpu" && threads > 1 ? byThreads(threads) : []),
  ...[8, 128, 512].map((batch) => ({
    ...{ topic, name: `training step, ResNet-20, batch ${batch}`, problem: step(batch) },
    alone: "ours alone: for the others see batch 32",
  })),
];

const byThreads = (most: number): Row[] => {
  const threads = Array.from({ length: Math.ceil(Math.log2(most)) }, (_, i) => 2 ** i).concat(most);
  return [
    { topic, name: "threads: matmul 1024", problem: { kind: "matmul", m: 1024, n: 1024, k: 1024 }, threads },
    { topic, name: "threads: batch-norm 32x16x16x64", problem: { kind: "batchNorm", x: [32, 16, 16, 64], pass: "both" }, threads },
    { topic, name: "threads: training step, ResNet-20, batch 32", problem: step(32), threads },
  ]; // prettier-ignore
};
