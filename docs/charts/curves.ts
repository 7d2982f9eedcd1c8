/** Figure 5: losses on their way to the floor. */
import * as Plot from "@observablehq/plot";
import { supConDiagnostics } from "../../supcon/losses/index.ts";
import { CLASSES, descend, labels, SAMPLES, TEMPERATURE, VIEWS } from "./descent.ts";
import { colours, svg } from "./svg.ts";

/** The same starts for both losses. */
export const seeds = [1, 2, 3, 4, 5, 6];

/** The least L_out there is: classes are points, as far apart as possible (a regular simplex; Graf et al., ICML 2021). */
export function simplexLoss(classes: number, perClass: number, temperature: number): number {
  const others = (classes - 1) * perClass * Math.exp(-classes / ((classes - 1) * temperature));
  return Math.log(perClass - 1 + others);
}

/** Steps that are drawn. */
const SHOWN = 150;

/** What the figure's horizontal lines are at. */
export const levels = {
  simplex: simplexLoss(CLASSES, (SAMPLES * VIEWS) / CLASSES, TEMPERATURE),
  ...supConDiagnostics([...labels], VIEWS, { temperature: TEMPERATURE }),
};

interface Value {
  readonly run: string;
  readonly step: number;
  readonly loss: number;
}
const values = (run: string, losses: readonly number[]): Value[] =>
  losses.slice(0, SHOWN + 1).map((loss, step) => ({ run, step, loss }));

export async function curvesChart(): Promise<string> {
  const curves = [];
  for (const loss of ["L_out", "L_in"] as const) {
    const stroke = loss === "L_out" ? colours.blue : colours.orange;
    for (const seed of seeds) {
      const { losses } = await descend(loss, seed);
      curves.push(Plot.line(values(loss, losses), { x: "step", y: "loss", stroke, clip: true }));
    }
  }
  const { losses } = await descend("L_out", 1, true);
  const dashed = { stroke: colours.blue, strokeDasharray: "5,3", clip: true };
  curves.push(Plot.line(values("together", losses), { x: "step", y: "loss", ...dashed }));
  const note = (text: string, x: number, y: number, fill: string) =>
    Plot.text([text], { x: [x], y: [y], fill, textAnchor: "start", lineAnchor: "bottom", dy: -3 });
  return svg(
    "Loss against steps of gradient descent for L_out and L_in, with the collapsed value and the floor",
    {
      width: 640,
      height: 400,
      marginLeft: 45,
      marginRight: 40,
      marginBottom: 45,
      marginTop: 35,
      x: { label: "step", labelAnchor: "center", labelArrow: "none", domain: [0, SHOWN] },
      y: { label: "loss", labelArrow: "none", domain: [1.7, 4.5], ticks: 6 },
      marks: [
        Plot.ruleY([levels.collapsed, levels.simplex], { stroke: colours.grey, strokeDasharray: "2,3" }),
        ...curves,
        note("all embeddings equal: log 23", 103, levels.collapsed, colours.grey),
        note("the least L_out: classes as points, far apart", 80, 1.72, colours.grey),
        note("L_out, from six starts", 14, 4.15, colours.blue),
        note("L_out, from nearly equal embeddings", 33, 2.62, colours.blue),
        note("L_in, from the same six starts: classes in pieces", 73, 2.33, colours.orange),
      ],
    },
  );
}
