/** What metrics.csv tells of the training, epoch by epoch. */
import * as Plot from "@observablehq/plot";
import type { Metrics } from "../../run/metrics.ts";
import { domainOf, picture } from "../chart.ts";
import { colours } from "../colours.ts";
import { html } from "../html.ts";
import type { Html } from "../html.ts";
import { figure, legend, section } from "../page.ts";

/** A column of metrics.csv as a line. */
interface Line {
  readonly column: string;
  readonly name: string;
  readonly colour: string;
  readonly isDashed?: boolean;
}

/** A chart of some columns; the first one is what it is about. */
export interface Curve {
  readonly title: string;
  /** What stands at the vertical axis. */
  readonly unit: string;
  readonly lines: readonly [Line, ...Line[]];
  readonly caption: string;
}

/** All charts, in order. What they say of the embeddings is of the last batch of each epoch. */
export const curves: readonly Curve[] = [
  {
    title: "Loss",
    unit: "loss, mean over the epoch",
    lines: [
      { column: "loss", name: "loss", colour: colours.blue },
      { column: "lossFloor", name: "least possible", colour: colours.grey, isDashed: true }, // prettier-ignore
    ],
    caption:
      "Each example is compared with a whole batch, so the loss does not go to 0: several positives share one softmax. The dashed line is what the labels of the epoch's last batch allow, with all positives at similarity 1 and all negatives at -1.",
  },
  {
    title: "Accuracy in the batch",
    unit: "share of views",
    lines: [{ column: "neighbourAccuracy", name: "nearest neighbour", colour: colours.blue }],
    caption:
      "Share of views whose nearest view of another image of the batch is of their class: it sees training images, and few of them at a time, so it only shows where the training goes. The test accuracies above are what counts.",
  },
  {
    title: "Learning rate",
    unit: "at the epoch's last step",
    lines: [{ column: "learningRate", name: "learning rate", colour: colours.blue }],
    caption:
      "Where the rate falls, the loss usually falls with it: steps get small enough to settle. A warm-up that ends within the first epoch is not seen here.",
  },
  {
    title: "Hardness",
    unit: "part in the gradient",
    lines: [
      { column: "positiveHardness", name: "positives", colour: colours.blue },
      { column: "negativeHardness", name: "negatives", colour: colours.orange },
    ],
    caption:
      "How strongly an anchor's positives pull and its negatives push, at right angles to it, averaged over anchors (equation 18 of the paper). Both near 0: nothing is left to learn, or all embeddings are alike.",
  },
  {
    title: "Alignment",
    unit: "mean squared distance",
    lines: [{ column: "alignment", name: "alignment", colour: colours.blue }],
    caption:
      "How far apart two projections of one class are on the unit sphere: 0 where classes are points, 2 where they are at right angles. It may rise at first, where training begins with all images alike; later, falling is good as long as uniformity stays low.",
  },
  {
    title: "Uniformity",
    unit: "log of a mean",
    lines: [{ column: "uniformity", name: "uniformity", colour: colours.blue }],
    caption:
      "log of the mean of exp(-2 d²) over all pairs at distance d: 0 where all projections are one point, lower the more of the sphere they use. Back at 0 together with alignment, the embeddings have collapsed.",
  },
  {
    title: "Gradient",
    unit: "length",
    lines: [{ column: "gradientNorm", name: "gradient", colour: colours.blue }],
    caption:
      "Length of all gradients as one vector, at the epoch's last step. Sudden peaks come before a loss that diverges; a lower learning rate or a longer warm-up helps.",
  },
  {
    title: "Update",
    unit: "length",
    lines: [{ column: "updateNorm", name: "update", colour: colours.blue }],
    caption: "Length of what the optimiser changed in that step: it follows the learning rate.",
  },
  {
    title: "Speed",
    unit: "views per second",
    lines: [{ column: "imagesPerSecond", name: "speed", colour: colours.blue }],
    caption:
      "Augmented images that a second of training sees. Dips are the machine's: other work, or memory.",
  },
];

/** Distances between ticks. */
const strides = [1, 2, 5, 10, 20, 50, 100, 200, 500];

/** What stands on all horizontal axes of curves: whole epochs, at most nine of them. */
export function epochAxis(epochs: number) {
  const stride = strides.find((each) => epochs <= 8 * each) ?? 1000;
  const all = Array.from({ length: epochs }, (_, i) => i + 1);
  return {
    ...({ label: "epoch", labelAnchor: "center", labelArrow: "none" } as const),
    ...{ domain: [Math.min(1, epochs - 1), epochs], tickFormat: String },
    ticks: all.filter((epoch) => epoch === 1 || epoch % stride === 0),
  };
}

/** Size of charts: readable where they fill a phone's width. */
export const small = { width: 360, height: 220, marginLeft: 50, marginRight: 14, marginTop: 28, marginBottom: 40 }; // prettier-ignore

/** Charts of the columns that there are; nothing without any epoch. */
export function curvesSection(metrics: readonly Metrics[]): Html | undefined {
  return section(
    "Training",
    "One point for each epoch of stage 1. Alignment, uniformity and hardness look at the projections of the epoch's last batch, which the loss compares.",
    curves.map((curve) => curveFigure(curve, metrics)),
    "small",
  );
}

function curveFigure({ title, unit, lines, caption }: Curve, metrics: readonly Metrics[]): Html | undefined {
  const points = lines.flatMap((line) =>
    metrics.flatMap(({ epoch, [line.column]: value }) =>
      epoch === undefined || value === undefined ? [] : [{ ...line, epoch, value }],
    ),
  );
  const present = lines.filter(({ column }) => points.some((point) => point.column === column));
  if (!present.some(({ column }) => column === lines[0].column)) return undefined;
  const [solid, dashed] = [false, true].map((isDashed) => points.filter((p) => (p.isDashed ?? false) === isDashed)); // prettier-ignore
  const drawn = picture(`${title} against epochs`, {
    ...small,
    x: epochAxis(Math.max(...points.map(({ epoch }) => epoch))),
    y: {
      label: unit,
      labelArrow: "none",
      grid: true,
      ticks: 5,
      domain: domainOf(points.map(({ value }) => value)),
    },
    marks: [
      Plot.line(dashed ?? [], { x: "epoch", y: "value", z: "column", stroke: "colour", strokeDasharray: "5,4" }), // prettier-ignore
      Plot.line(solid ?? [], { x: "epoch", y: "value", z: "column", stroke: "colour", strokeWidth: 2 }),
      Plot.dot(metrics.length <= 40 ? (solid ?? []) : [], { x: "epoch", y: "value", fill: "colour", r: 3 }),
    ],
  });
  const key = present.length > 1 ? legend(present) : "";
  return figure(title, html`${key}${drawn}`, caption);
}
