import type { Conv2d } from "../problems/problem.ts";
import type { Row } from "./row.ts";

const topic = "conv2d";

const allPasses = ["forward", "gradInput", "gradWeight"] as const;

interface Geometry extends Pick<Conv2d, "x" | "w">, Partial<Pick<Conv2d, "stride" | "groups" | "dilation">> {
  readonly name: string;
  /** With the row of the forward pass and both gradients together. */
  readonly both?: boolean;
  /** Whose forward pass is in a quick run. */
  readonly quick?: boolean;
}

const geometries: readonly Geometry[] = [
  // Of a ResNet for small images: second and first stage, an expansion of a bottleneck, a stage's first block, the stem.
  { name: "3x3, 64 -> 64", x: [32, 16, 16, 64], w: [3, 3, 64, 64], both: true, quick: true },
  { name: "3x3, 16 -> 16", x: [32, 32, 32, 16], w: [3, 3, 16, 16], both: true, quick: true },
  { name: "1x1, 64 -> 256", x: [32, 16, 16, 64], w: [1, 1, 64, 256], both: true },
  { name: "3x3 stride 2, 64 -> 128", x: [32, 16, 16, 64], w: [3, 3, 64, 128], stride: 2 },
  { name: "3x3, 1 -> 16", x: [256, 28, 28, 1], w: [3, 3, 1, 16] },
  { name: "3x3 dilation 2, 64 -> 64", x: [32, 16, 16, 64], w: [3, 3, 64, 64], dilation: 2 },
  // Of a ResNeXt, and of a mobile network.
  { name: "3x3 in 32 groups, 256", x: [8, 28, 28, 256], w: [3, 3, 8, 256], groups: 32 },
  { name: "3x3 depthwise, 256", x: [8, 28, 28, 256], w: [3, 3, 1, 256], groups: 256 },
];

/** Convolutions, pass by pass; "forward + backward" is all three, as training takes them. */
export const conv2d = (): Row[] =>
  geometries.flatMap(({ name, x, w, stride = 1, groups = 1, dilation = 1, both = false, quick = false }) =>
    [...allPasses, ...(both ? (["both"] as const) : [])].map((pass) => ({
      topic,
      name: `conv ${name}, ${x.slice(0, 3).join("x")}, ${pass === "both" ? "forward + backward" : pass}`,
      problem: { kind: "conv2d", ...{ x, w, stride, groups, dilation, pass } } as const,
      quick: quick && pass !== "gradInput" && pass !== "gradWeight",
      patience: 26,
    })),
  );
