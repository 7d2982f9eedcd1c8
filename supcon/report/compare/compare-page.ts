/** Runs side by side, in one file. */
import { colourOf } from "../colours.ts";
import { percent } from "../format.ts";
import { html } from "../html.ts";
import type { Html } from "../html.ts";
import { legend, page, section, table } from "../page.ts";
import { corruptionFigures } from "./corruption-figures.ts";
import { curveFigures } from "./curve-figures.ts";
import type { Group } from "./groups.ts";
import { letters, measureFigure } from "./measure-figure.ts";
import { presentMeasures } from "./measures.ts";
import { groupRows, notesOn } from "./table.ts";

/** The page's text. */
export function comparePage(title: string, named: readonly Group[]): string {
  // Charts cut long names short: a number tells them apart.
  const isLong = named.some(({ name }) => name.length > letters);
  const groups = isLong ? named.map((group, i) => ({ ...group, name: `${i + 1}: ${group.name}` })) : named;
  const names = presentMeasures(groups);
  const colour = (group: Group) => colourOf(groups.indexOf(group), groups.length);
  const key = legend(groups.map((group) => ({ name: group.name, colour: colour(group) })));
  return page({
    ...{ title, facts: [factOf(groups)] },
    body: [
      html`<section>
        <h2>Side by side</h2>
        <figure>
          ${table(groupRows(groups, names).map(([name = "", ...cells]) => [unbroken(name), ...cells]))}
          <figcaption>On the test images, after the last epoch. ${notesOn(groups).join(" ")}</figcaption>
        </figure>
      </section>`,
      section(
        "Figures",
        html`Dots are the means, rings single seeds, and lines reach one standard deviation to both sides;
        axes do not begin at 0. With few seeds, differences within these lines may be chance.${key}`,
        names.map((name) => measureFigure(name, groups, colour)),
        "small",
      ),
      section(
        "Training",
        html`Thick lines are means over seeds, thin ones single seeds. Losses of another kind, temperature or
        batch size are not on one scale: compare how such curves run, not how high.${key}`,
        curveFigures(groups, colour),
        "small",
      ),
      section(
        "Damaged images",
        html`Errors of the linear classifier, of those that npx tsx supcon/evaluate.ts RUN --with corruptions
        has judged.${key}`,
        corruptionFigures(groups, colour),
      ),
      html`<section>
        <h2>Runs</h2>
        <details>
          <summary>all of them</summary>
          ${table(runRows(groups))}
        </details>
      </section>`,
    ],
  });
}

/** Options as words that a line does not break within. */
const unbroken = (name: string): Html[] =>
  name.split(/ (?=--)/).map((option) => html`<span class="word">${option}</span> `);

/** How many runs, and on what. */
function factOf(groups: readonly Group[]): string {
  const runs = groups.flatMap((group) => group.runs);
  const data = [...new Set(runs.map(({ config }) => String(config.data)))].join(", ");
  return `${data}: ${runs.length} ${runs.length === 1 ? "run" : "runs"}`;
}

const runRows = (groups: readonly Group[]): string[][] => [
  ["folder", "variant", "seed", "linear", "k-NN"],
  ...groups.flatMap(({ name, runs }) =>
    runs.map(({ folder, result: { seed, linearTop1, knnTop1 } }) => [
      folder,
      name,
      String(seed),
      percent(linearTop1),
      percent(knnTop1),
    ]),
  ),
];
