/** Curves of all groups over each other. */
import * as Plot from "@observablehq/plot";
import { domainOf, picture } from "../chart.ts";
import type { Html } from "../html.ts";
import { figure } from "../page.ts";
import { curves, epochAxis, small } from "../pictures/curves.ts";
import type { Curve } from "../pictures/curves.ts";
import type { Group } from "./groups.ts";
import { spreadOf } from "./measures.ts";

/** A chart for each column of metrics.csv that is not a bound. */
export const curveFigures = (
  groups: readonly Group[],
  colourOf: (group: Group) => string,
): (Html | undefined)[] =>
  curves.flatMap((curve) => {
    const solid = curve.lines.filter(({ isDashed }) => !isDashed);
    return solid.map(({ column, name }) => {
      const title = solid.length > 1 ? `${curve.title} of ${name}` : curve.title;
      return curveFigure({ ...curve, title }, column, groups, colourOf);
    });
  });

function curveFigure(
  { title, unit, caption }: Curve,
  column: string,
  groups: readonly Group[],
  colourOf: (group: Group) => string,
): Html | undefined {
  const seeds = groups.flatMap((group) =>
    group.runs.flatMap(({ folder, metrics }) =>
      metrics.flatMap(({ epoch, [column]: value }) =>
        epoch === undefined || value === undefined ? [] : [{ folder, group, epoch, value }],
      ),
    ),
  );
  if (seeds.length === 0) return undefined;
  const means = groups.flatMap((group) => {
    const own = seeds.filter((point) => point.group === group);
    const epochs = [...new Set(own.map(({ epoch }) => epoch))].sort((a, b) => a - b);
    return epochs.map((epoch) => {
      const values = own.filter((point) => point.epoch === epoch).map(({ value }) => value);
      return { group, epoch, value: spreadOf(values).mean };
    });
  });
  const stroke = ({ group }: { readonly group: Group }) => colourOf(group);
  const drawn = picture(`${title} against epochs`, {
    ...small,
    x: epochAxis(Math.max(...seeds.map(({ epoch }) => epoch))),
    y: { label: unit, labelArrow: "none", grid: true, ticks: 5, domain: domainOf(seeds.map(({ value }) => value)) },
    marks: [
      Plot.line(seeds, { x: "epoch", y: "value", z: "folder", stroke, strokeWidth: 1, strokeOpacity: 0.35 }),
      Plot.line(means, { x: "epoch", y: "value", z: ({ group }: (typeof means)[number]) => group.name, stroke, strokeWidth: 2 }),
    ],
  }); // prettier-ignore
  return figure(title, drawn, caption);
}
