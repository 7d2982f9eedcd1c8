/** Which classes are taken for which. */
import * as Plot from "@observablehq/plot";
import type { Evaluation } from "../../run/evaluation.ts";
import { picture } from "../chart.ts";
import { colours } from "../colours.ts";
import { count } from "../format.ts";
import { html } from "../html.ts";
import type { Html } from "../html.ts";
import { figure } from "../page.ts";

/** More classes than these are not named at the axes, nor counted in the cells. */
export const namedClasses = 20;

/** At most so many mistakes are listed. */
const listed = 5;

/** The confusion matrix of the linear classifier, and its most frequent mistakes. */
export function confusionFigure({ classes, confusion }: Pick<Evaluation, "classes" | "confusion">): Html {
  const cells = confusion.flatMap((row, of) => {
    const total = row.reduce((sum, times) => sum + times, 0);
    return row.flatMap((times, as) =>
      times === 0 ? [] : [{ of, as, times, total, share: times / total, isRight: of === as }],
    );
  });
  const isNamed = classes.length <= namedClasses;
  const longest = Math.max(...classes.map((name) => name.length));
  const margin = isNamed ? Math.min(130, 14 + 7.5 * longest) : 20;
  const axis = {
    domain: classes.map((_, label) => label),
    ...(isNamed ? { tickFormat: (label: number) => shortened(classes[label] ?? "") } : { ticks: [] }),
  };
  const drawn = picture("Confusion matrix of the linear classifier", {
    ...{ width: 480, height: 480, marginLeft: margin + 20, marginBottom: margin + 22, marginTop: 10, marginRight: 10 },
    x: { ...axis, label: "predicted", labelAnchor: "center", labelArrow: "none", tickRotate: longest > 2 ? -60 : 0 },
    y: { ...axis, label: "true", labelAnchor: "center", labelArrow: "none" },
    marks: [
      Plot.frame({ stroke: "var(--line)" }),
      Plot.cell(cells, {
        ...{ x: "as", y: "of", inset: isNamed ? 0.5 : 0 },
        fill: ({ isRight }: (typeof cells)[number]) => (isRight ? colours.blue : colours.orange),
        // The root, so that single mistakes are seen.
        fillOpacity: ({ share }: (typeof cells)[number]) => 0.85 * Math.sqrt(share),
      }),
      Plot.text(isNamed ? cells : [], { x: "as", y: "of", text: "times", fontSize: classes.length > 10 ? 9 : 12 }),
    ],
  }); // prettier-ignore
  const mistakes = cells.filter(({ isRight }) => !isRight).sort((a, b) => b.times - a.times).slice(0, listed); // prettier-ignore
  const list = mistakes.map(({ of, as, times, total }) => html`<li>${classes[of] ?? ""} taken for ${classes[as] ?? ""}: ${count(times)} of ${count(total)}</li>`); // prettier-ignore
  return figure(
    "Confusion matrix",
    drawn,
    html`A row is a true class, a column what the linear classifier said; blue is right, orange is wrong,
    stronger colour a greater share of the row. Mistakes on both sides of the diagonal say that two classes
    look alike, on one side only that one swallows the
    other.${
      mistakes.length > 0
        ? html` Most frequent:
            <ul>
              ${list}
            </ul>`
        : ""
    }`,
  );
}

/** So that long names leave room for the picture. */
export const shortened = (name: string): string => (name.length > 16 ? `${name.slice(0, 15)}…` : name);
