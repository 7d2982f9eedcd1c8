/** Figure 1: who pulls whom in a small batch. */
import * as Plot from "@observablehq/plot";
import { Random } from "../../engine/random.ts";
import { pullMatrix } from "./pulls.ts";
import { colours, svg } from "./svg.ts";

const classes = ["cat", "dog", "cat", "owl"];
const views = ["a", "b"];
const names = classes.flatMap((name, sample) => views.map((view) => `${name} ${sample + 1}${view}`));

/** One pair: an anchor, another view and its weight G_ia; null for the anchor itself. */
interface Pair {
  readonly anchor: string;
  readonly other: string;
  readonly pull: number | null;
}

/** G of four samples with two views each, one of them alone in its class. */
export async function pairs(): Promise<Pair[]> {
  const random = new Random(5);
  const rows = names.map(() => {
    const w = Array.from({ length: 8 }, () => random.normal());
    const length = Math.hypot(...w);
    return w.map((x) => x / length);
  });
  const labels = classes.flatMap((name) => views.map(() => classes.indexOf(name)));
  const matrix = await pullMatrix(rows, labels, { temperature: 0.5 });
  return names.flatMap((anchor, i) =>
    names.map((other, a) => ({ anchor, other, pull: a === i ? null : (matrix[i]?.[a] ?? null) })),
  );
}

const digits = (pull: number): string => pull.toFixed(2).replace("-", "\u2212");

export async function pairsChart(): Promise<string> {
  const all = await pairs();
  return svg("Weights of all pairs of a batch of eight views in the gradient", {
    width: 640,
    height: 500,
    marginLeft: 80,
    marginTop: 70,
    marginBottom: 45,
    padding: 0.06,
    x: { axis: "top", domain: names, label: null, tickSize: 0 },
    y: { domain: names, label: null, tickSize: 0 },
    color: { type: "diverging", range: [colours.blue, "#f4f4f4", colours.orange], domain: [-0.9, 0.9] },
    marks: [
      Plot.cell(all, { x: "other", y: "anchor", fill: ({ pull }: Pair) => pull ?? 0 }),
      Plot.text(all, {
        x: "other",
        y: "anchor",
        text: ({ pull }: Pair) => (pull === null ? "itself" : digits(pull)),
        fill: ({ pull }: Pair) => (pull === null ? "grey" : Math.abs(pull) > 0.45 ? "white" : "black"),
      }),
      Plot.text(["row: the anchor i; column: the view a that it is compared with"], {
        frameAnchor: "top",
        dy: -52,
        fontWeight: "bold",
      }),
      Plot.text(["positives pull: G < 0"], { frameAnchor: "bottom-left", dy: 28, fill: colours.blue }),
      Plot.text(["negatives push: G > 0"], { frameAnchor: "bottom", dy: 28, fill: colours.orange }),
      Plot.text(["each row adds up to 0"], { frameAnchor: "bottom-right", dy: 28 }),
    ],
  });
}
