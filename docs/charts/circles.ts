/** Figure 4: the same points before and after gradient descent on three losses. */
import * as Plot from "@observablehq/plot";
import { CLASSES, descend, labels, VIEWS } from "./descent.ts";
import { colours, svg } from "./svg.ts";

const SEED = 1;
const ofClass = [colours.blue, colours.orange, colours.green];
const symbols = ["circle", "triangle", "square"];
/** Points whose angles differ by less would cover each other. */
const NEAR = 0.12;

interface Point {
  readonly panel: string;
  readonly x: number;
  readonly y: number;
  readonly label: number;
}

/** Points on the circle, and those that would cover others further in, one behind the other. */
function stacked(panel: string, angles: readonly number[]): Point[] {
  const placed: { angle: number; label: number; height: number }[] = [];
  const apart = (a: number, b: number): number => Math.abs(Math.atan2(Math.sin(a - b), Math.cos(a - b)));
  angles.forEach((angle, row) => {
    const heights = placed.filter((other) => apart(other.angle, angle) < NEAR).map(({ height }) => height);
    placed.push({ angle, label: labels[Math.floor(row / VIEWS)] ?? 0, height: Math.max(-1, ...heights) + 1 });
  });
  return placed.map(({ angle, label, height }) => {
    const radius = 1 - 0.09 * height;
    return { panel, x: radius * Math.cos(angle), y: radius * Math.sin(angle), label };
  });
}

export async function circlesChart(): Promise<string> {
  const [out, within, self] = [
    await descend("L_out", SEED),
    await descend("L_in", SEED),
    await descend("SimCLR", SEED),
  ];
  const panels = ["before", "after: L_out", "after: L_in", "after: SimCLR"];
  const points = [out.start, out.end, within.end, self.end].flatMap((angles, k) =>
    stacked(panels[k] ?? "", angles),
  );
  const circle = Array.from({ length: 121 }, (_, k) => (k * Math.PI) / 60);
  return svg(
    "Points of three classes on a circle before and after gradient descent on L_out, L_in and SimCLR",
    {
      width: 880,
      height: 250,
      margin: 8,
      marginTop: 36,
      x: { axis: null, domain: [-1.1, 1.1] },
      y: { axis: null, domain: [-1.1, 1.1] },
      fx: { axis: "top", domain: panels, label: null, padding: 0.05 },
      color: { domain: Array.from({ length: CLASSES }, (_, c) => c), range: ofClass },
      symbol: { domain: Array.from({ length: CLASSES }, (_, c) => c), range: symbols },
      marks: [
        Plot.line(circle, { x: (t: number) => Math.cos(t), y: (t: number) => Math.sin(t), stroke: "#bbb" }),
        Plot.dot(points, {
          fx: "panel",
          x: "x",
          y: "y",
          symbol: "label",
          fill: "label",
          stroke: "white",
          strokeWidth: 0.6,
          r: 5,
        }),
      ],
    },
  );
}
