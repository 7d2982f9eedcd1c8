/** How alike the features of test images are, by class. */
import * as Plot from "@observablehq/plot";
import sharp from "sharp";
import { noGrad } from "../../../engine/autograd.ts";
import { tensor } from "../../../engine/create.ts";
import { scope } from "../../../engine/scope.ts";
import { matmul } from "../../../kernels/index.ts";
import { picture } from "../chart.ts";
import type { HoverData } from "../hover/data.ts";
import { Html, html } from "../html.ts";
import { figure } from "../page.ts";
import { ofEachClass, rowsOf } from "../points.ts";
import type { Points } from "../points.ts";
import { namedClasses, shortened } from "./confusion.ts";

/** About so many images are compared with each other. */
const compared = 200;

/** Cosines between some of the points, which stand by class. */
export interface Similarities {
  /** Positions of the points. */
  readonly points: readonly number[];
  readonly labels: readonly number[];
  /** [points, points], row-major. */
  readonly cosines: Float32Array;
  readonly least: number;
}

/** Compares on the current backend. */
export async function compareImages(points: Points): Promise<Similarities> {
  const chosen = ofEachClass(points, compared);
  const rows = rowsOf(points, chosen);
  using products = noGrad(() =>
    scope(() => {
      const unit = tensor(rows, [chosen.length, points.length]);
      return matmul(unit, unit, { transposeB: true });
    }),
  );
  const cosines = Float32Array.from(await products.data());
  const labels = chosen.map((position) => points.labels[position] ?? 0);
  return { points: chosen, labels, cosines, least: cosines.reduce((a, b) => Math.min(a, b), 1) };
}

/** Colours for shares from 0 to 1, which keep their order in grey (viridis). */
const ramp = Plot.scale({ color: { type: "linear", domain: [0, 1], scheme: "viridis" } });
const hex = (share: number): string => String(ramp.apply(share));

/** What the script needs to tell a cosine. */
export const hoverSimilarity = ({ points, cosines, least }: Similarities): HoverData["similarity"] => ({
  ...{ points, least },
  bytes: Buffer.from(Uint8Array.from(cosines, (cosine) => 255 * shareOf(cosine, least))).toString("base64"),
});

const shareOf = (cosine: number, least: number): number =>
  least < 1 ? Math.min(1, Math.max(0, (cosine - least) / (1 - least))) : 1;

async function drawMatrix({ points, cosines, least }: Similarities): Promise<string> {
  const pixels = Buffer.concat(
    Array.from(cosines, (cosine) => Buffer.from(hex(shareOf(cosine, least)).slice(1), "hex")),
  );
  const size = { width: points.length, height: points.length, channels: 3 } as const;
  const png = await sharp(pixels, { raw: size }).png().toBuffer();
  return `data:image/png;base64,${png.toString("base64")}`;
}

/** Mean cosine of different images of one class, and of different classes. */
function means({ labels, cosines }: Similarities): { within: number; between: number } {
  const sums = { within: 0, between: 0 };
  const counts = { within: 0, between: 0 };
  for (const [i, a] of labels.entries()) {
    for (const [j, b] of labels.entries()) {
      if (i === j) continue;
      const kind = a === b ? "within" : "between";
      sums[kind] += cosines[i * labels.length + j] ?? 0;
      counts[kind]++;
    }
  }
  return { within: sums.within / counts.within, between: sums.between / counts.between };
}

/** The matrix of cosines, classes one after the other. */
export async function similarityFigure(points: Points, similarities: Similarities): Promise<Html> {
  const { labels, least } = similarities;
  const count = labels.length;
  const blocks = points.classes.flatMap((name, label) => {
    const [start, end] = [labels.indexOf(label), labels.lastIndexOf(label) + 1];
    return start < 0 ? [] : [{ name: shortened(name), start, middle: (start + end) / 2 }];
  });
  const isNamed = blocks.length <= namedClasses;
  const longest = Math.max(...blocks.map(({ name }) => name.length));
  const margin = isNamed ? Math.min(130, 14 + 7.5 * longest) : 10;
  const [width, height] = [480, 480 - margin + 32];
  const ticks = blocks.map(({ middle }) => middle);
  const names = new Map(blocks.map(({ name, middle }) => [middle, name]));
  const axis = { domain: [0, count], label: null, ticks: isNamed ? ticks : [], tickSize: 0, tickFormat: (at: number) => names.get(at) ?? "" }; // prettier-ignore
  const drawn = picture("Cosines between the features of test images, by class", {
    ...{ width, height, marginLeft: margin, marginBottom: longest > 2 ? margin : 30, marginTop: 5, marginRight: 5 },
    x: { ...axis, tickRotate: longest > 2 ? -60 : 0 },
    y: { ...axis, reverse: true },
    marks: [
      Plot.image([await drawMatrix(similarities)], {
        ...{ src: (source: string) => source, x: count / 2, y: count / 2, preserveAspectRatio: "none", imageRendering: "pixelated" },
        ...{ width: width - margin - 5, height: height - 5 - (longest > 2 ? margin : 30) },
      }),
      Plot.ruleX(blocks.slice(1), { x: "start", stroke: "var(--card)", strokeWidth: isNamed ? 1.5 : 0.4 }),
      Plot.ruleY(blocks.slice(1), { y: "start", stroke: "var(--card)", strokeWidth: isNamed ? 1.5 : 0.4 }),
    ],
  }); // prettier-ignore
  const stops = [0, 0.25, 0.5, 0.75, 1].map(hex).join(",");
  const { within, between } = means(similarities);
  const told = [within, between].every(Number.isFinite)
    ? ` Here two images of one class have ${within.toFixed(2)} on average, of different classes ${between.toFixed(2)}.`
    : "";
  return figure(
    "Similarity of test images",
    html`${drawn}
      <div class="ramp">
        cosine ${least.toFixed(2)}<i style="background:linear-gradient(90deg,${stops})"></i>1.00
      </div>`,
    `Each row and each column is one of ${count} test images, sorted by class; the colour is the cosine of their features. Training pulls images of one class together and pushes others away: look for bright squares on the diagonal and dark ones elsewhere. A bright square off the diagonal is two classes that are hard to tell apart; a dark stripe in a bright square is an image unlike its class.${told}`,
    "similarity",
  );
}
