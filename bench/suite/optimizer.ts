import type { Row } from "./row.ts";

/** Updates of all parameters of a network: many small tensors in ResNet-20, 45 MB in ResNet-18. */
export const optimizer = (): Row[] =>
  (
    [
      ["sgd", "resnet20"],
      ["sgd", "resnet18"],
      ["adam", "resnet18"],
      ["lars", "resnet18"],
    ] as const
  ).map(([name, network]) => ({
    topic: "optimizer",
    name: `${name === "adam" ? "Adam" : name.toUpperCase()} step, ${network.replace("resnet", "ResNet-")}`,
    problem: { kind: "optimizer", name, network },
    alone: "no step of an optimiser by itself",
  }));
