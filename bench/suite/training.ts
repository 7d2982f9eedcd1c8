import type { Training } from "../problems/problem.ts";
import type { Row } from "./row.ts";

const step = (network: Training["network"], batch: number, size: number, more: Partial<Row> = {}): Row => ({
  topic: "training",
  name: `training step, ${network.replace("resnet", "ResNet-")}, batch ${batch}, ${size}x${size}`,
  problem: { kind: "training", network, batch, size },
  ...more,
});

/** Whole steps: forward, cross-entropy, backward, SGD with momentum. */
export const training = (): Row[] => [
  step("resnet8", 32, 32, { quick: true, patience: 40 }),
  step("resnet20", 32, 32, { quick: true, patience: 120 }),
  step("resnet18", 32, 64),
];
