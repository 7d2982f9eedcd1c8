/** Figure 3: which positives L_out and L_in pull. */
import * as Plot from "@observablehq/plot";
import { pullsAt } from "./pulls.ts";
import { colours, svg } from "./svg.ts";

/** A positive, and how hard it is pulled: X_ip - P_ip. */
interface Pull {
  readonly loss: string;
  readonly similarity: number;
  readonly pull: number;
}

const ofLoss = { L_out: colours.blue, L_in: colours.orange };

/** 19 positives, and nine times as many negatives, spread alike over similarities from -0.9 to 0.9. */
export async function positivePulls(): Promise<Pull[]> {
  const positives = Array.from({ length: 19 }, (_, k) => (k - 9) / 10);
  const negatives = Array.from({ length: 9 }, () => positives).flat();
  const pulls: Pull[] = [];
  for (const summation of ["out", "in"] as const) {
    const found = await pullsAt({ positives, negatives }, { temperature: 0.1, summation });
    found.positives.forEach((g, k) => {
      pulls.push({ loss: `L_${summation}`, similarity: positives[k] ?? 0, pull: -g });
    });
  }
  return pulls;
}

export async function positivesChart(): Promise<string> {
  const pulls = await positivePulls();
  const stroke = ({ loss }: Pull): string => (loss === "L_in" ? ofLoss.L_in : ofLoss.L_out);
  const label = (text: string, x: number, y: number, fill: string) =>
    Plot.text([text], { x: [x], y: [y], fill, textAnchor: "start", lineAnchor: "bottom" });
  return svg("Pull on each positive against its similarity to the anchor, for L_out and L_in", {
    width: 640,
    height: 360,
    marginLeft: 50,
    marginBottom: 45,
    marginTop: 35,
    x: { label: "similarity of the positive to the anchor", labelAnchor: "center", labelArrow: "none" },
    y: { label: "pull on the positive, X \u2212 P", labelArrow: "none", grid: true },
    marks: [
      Plot.ruleY([0]),
      Plot.line(pulls, { x: "similarity", y: "pull", z: "loss", stroke, strokeWidth: 2 }),
      Plot.dot(pulls, { x: "similarity", y: "pull", fill: stroke, r: 3 }),
      label("L_out: all alike, the far ones too", -0.9, 0.075, ofLoss.L_out),
      label("L_in: the nearest, which need it least", 0.02, 0.42, ofLoss.L_in),
    ],
  });
}
