/** Test images where UMAP puts their features in the plane. */
import * as Plot from "@observablehq/plot";
import { UMAP } from "umap-js";
import type { Random } from "../../../engine/random.ts";
import { picture } from "../chart.ts";
import { colourOf } from "../colours.ts";
import { count } from "../format.ts";
import { html } from "../html.ts";
import type { Html } from "../html.ts";
import { figure } from "../page.ts";
import type { Points } from "../points.ts";
import { namedClasses } from "./confusion.ts";

/** Neighbours that UMAP keeps near: what its authors take. */
const neighbours = 15;

/** A place in the plane for each point; null for less than 4, or where all are alike. */
async function embed(
  { unit, count: size, length }: Points,
  random: Random,
): Promise<[number, number][] | null> {
  if (size < 4) return null;
  const rows = Array.from({ length: size }, (_, i) => [...unit.subarray(i * length, (i + 1) * length)]);
  // Of unit vectors, the distance says the same as the cosine.
  const umap = new UMAP({ nNeighbors: Math.min(neighbours, size - 1), random: () => random.uniform() });
  const places = (await umap.fitAsync(rows)).map(([x = NaN, y = NaN]): [number, number] => [x, y]);
  const isPlane = places.every(([x, y]) => Number.isFinite(x) && Number.isFinite(y));
  return isPlane ? places : null;
}

const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? 0;

/** The map, its circles in the order of the points. Nothing where there is no plane to show. */
export async function embeddingMapFigure(
  points: Points,
  hasImages: boolean,
  random: Random,
): Promise<Html | undefined> {
  const places = await embed(points, random);
  if (!places) return undefined;
  const { classes, labels } = points;
  const colour = (label: number) => colourOf(label, classes.length);
  const dots = places.map(([x, y], i) => ({ x, y, label: labels[i] ?? 0 }));
  const names = classes.flatMap((name, label) => {
    const own = dots.filter((dot) => dot.label === label);
    if (own.length === 0 || classes.length > namedClasses) return [];
    return [{ name, label, x: median(own.map(({ x }) => x)), y: median(own.map(({ y }) => y)) }];
  });
  const drawn = picture("Map of the features of test images, by class", {
    ...{ width: 480, height: 480, margin: 12, axis: null },
    marks: [
      Plot.dot(dots, { x: "x", y: "y", r: 3, fill: (dot: (typeof dots)[number]) => colour(dot.label), fillOpacity: 0.75 }),
      Plot.text(names, { x: "x", y: "y", text: "name", fontSize: 15 }),
    ],
  }); // prettier-ignore
  const buttons = classes.map((name, label) => html`<li><button aria-pressed="false"><i style="--colour:${colour(label)}"></i>${name}</button></li>`); // prettier-ignore
  return figure(
    "Map of the test images",
    html`${drawn}
      <ul class="legend">
        ${buttons}
      </ul>`,
    html`${hasImages ? "Point at a dot to see its image" : "Point at a dot to see its class"}; press a class
    to see it alone. Each dot is one of ${count(points.count)} test images, chosen at random; UMAP (McInnes et
    al., 2018) has put images near each other whose features are. What to look for: islands of one colour are
    classes that the features separate; bridges between islands are images that could be either; dots in a
    foreign island are likely mistakes. What not to read: directions mean nothing, and sizes of islands and
    distances between them next to nothing.`,
    "map",
  );
}
