/** The training images that are nearest to some test images. */
import { nearestNeighbours } from "../../evaluate/knn.ts";
import type { Neighbour } from "../../evaluate/knn.ts";
import type { RunFeatures } from "../../run/features.ts";
import { html } from "../html.ts";
import type { Html } from "../html.ts";
import { figure } from "../page.ts";
import { ofEachClass, rowsOf } from "../points.ts";
import type { Points } from "../points.ts";
import { tile } from "../sheet.ts";
import type { Sheet } from "../sheet.ts";

/** Neighbours of an image, classes with an example, and mistakes that are shown at most. */
const [k, examples, mistakes] = [8, 10, 5];

/** A test image by its position among the points, and its neighbours in the training data, nearest first. */
export interface Neighbourhood {
  readonly position: number;
  readonly label: number;
  readonly nearest: readonly Neighbour[];
}

/** One test image of each class, and some that most neighbours of are of another class. On the current backend. */
export async function findNeighbours({ train }: RunFeatures, points: Points): Promise<Neighbourhood[]> {
  // Enough to find mistakes among.
  const positions = ofEachClass(points, Math.max(200, points.classes.length));
  const queries = { values: rowsOf(points, positions), count: positions.length, length: points.length };
  const all: Neighbourhood[] = [];
  for await (const nearest of nearestNeighbours(train, queries, { k })) {
    const position = positions[all.length] ?? 0;
    const sorted = nearest.sort((a, b) => b.similarity - a.similarity);
    all.push({ position, label: points.labels[position] ?? 0, nearest: sorted });
  }
  const firsts = all.filter(({ label }, i) => all.findIndex((each) => each.label === label) === i);
  const stride = Math.max(1, firsts.length / examples);
  const chosen = firsts.filter((_, i) => Math.floor(i / stride) !== Math.floor((i - 1) / stride));
  const odd = all.filter((each) => isMistaken(each) && !chosen.includes(each));
  return [...chosen, ...odd.slice(0, mistakes)];
}

const isMistaken = ({ label, nearest }: Neighbourhood): boolean =>
  nearest.filter((each) => each.label === label).length < nearest.length / 2;

/** A row for each; `tileOf` tells where the sheet has a training image. */
export function neighboursFigure(
  found: readonly Neighbourhood[],
  classes: readonly string[],
  sheet: Sheet,
  tileOf: (trainIndex: number) => number,
): Html {
  const name = (label: number) => classes[label] ?? "";
  const rows = found.map(({ position, label, nearest }) => {
    const tiles = nearest.map((each) => {
      const isSame = each.label === label;
      return html`<div class="${isSame ? "same" : "other"}">
        ${tile(sheet, tileOf(each.index), name(each.label))}${each.similarity.toFixed(2)}${isSame ? "" : html`<br />${name(each.label)}`}
      </div>`;
    });
    return html`<div class="neighbours">
      <div>${tile(sheet, position, name(label))}${name(label)}</div>
      <div></div>
      ${tiles}
    </div> `;
  });
  return figure(
    "Nearest neighbours",
    html`<div class="rows">${rows}</div>`,
    "Left a test image, then the training images whose features have the greatest cosine with its own, which stands below: what k-NN decides by. A dashed frame is an image of another class. Last come some images most of whose neighbours are of another class, if there are any; often one sees why.",
    "wide",
  );
}
