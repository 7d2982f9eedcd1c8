/** Whether the linear classifier is right as often as it says. */
import * as Plot from "@observablehq/plot";
import type { Evaluation } from "../../run/evaluation.ts";
import { picture } from "../chart.ts";
import { colours } from "../colours.ts";
import type { Html } from "../html.ts";
import { figure } from "../page.ts";

/** The reliability diagram. */
export function calibrationFigure({ calibration: { value, bins } }: Pick<Evaluation, "calibration">): Html {
  const total = bins.reduce((sum, { count }) => sum + count, 0);
  const filled = bins.flatMap(({ accuracy, confidence, from, to, count }) =>
    accuracy === null || confidence === null
      ? []
      : [{ ...{ accuracy, confidence, from, to }, share: count / total }],
  );
  const drawn = picture("Accuracy against confidence of the linear classifier", {
    ...{ width: 480, height: 480, marginLeft: 55, marginBottom: 45, marginTop: 30, marginRight: 15 },
    x: { label: "confidence: the greatest probability", labelAnchor: "center", labelArrow: "none", domain: [0, 1] },
    y: { label: "share of predictions that are right", labelArrow: "none", domain: [0, 1], grid: true },
    marks: [
      Plot.rectY(filled, { x1: "from", x2: "to", y: "share", fill: colours.grey, fillOpacity: 0.3, inset: 0.5 }),
      Plot.line([0, 1], { x: [0, 1], y: [0, 1], stroke: colours.grey, strokeDasharray: "5,4" }),
      Plot.link(filled, { x1: "confidence", x2: "confidence", y1: "confidence", y2: "accuracy", stroke: colours.orange, strokeWidth: 2 }),
      Plot.line(filled, { x: "confidence", y: "accuracy", stroke: colours.blue, strokeWidth: 2 }),
      Plot.dot(filled, { x: "confidence", y: "accuracy", fill: colours.blue, r: 4 }),
    ],
  }); // prettier-ignore
  return figure(
    "Calibration",
    drawn,
    `Predictions in bins of equal confidence: below the dashed line the classifier is surer than it is right, above it less sure. Grey is the share of predictions in each bin; the orange gaps, weighted by it, add up to the expected calibration error: ${value.toFixed(4)}.`,
  );
}
