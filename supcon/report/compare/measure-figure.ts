/** A measure of all groups. */
import * as Plot from "@observablehq/plot";
import { domainOf, picture } from "../chart.ts";
import { colours } from "../colours.ts";
import type { Html } from "../html.ts";
import { figure } from "../page.ts";
import { small } from "../pictures/curves.ts";
import { varied } from "./groups.ts";
import type { Group } from "./groups.ts";
import { measure, measures } from "./measures.ts";
import type { MeasureName } from "./measures.ts";

/** A group's spread as it is drawn. */
interface Drawn {
  readonly name: string;
  readonly colour: string;
  readonly mean: number;
  readonly low: number;
  readonly high: number;
  readonly values: readonly number[];
  /** The group's number where groups differ by one. */
  readonly at: number;
}

/** Letters of a name that fit above a line of a chart. */
export const letters = 46;

/** Against the number in which groups differ, or else a line for each group. */
export function measureFigure(
  name: MeasureName,
  groups: readonly Group[],
  colourOf: (group: Group) => string,
): Html {
  const { title, unit, isShare } = measures[name];
  const axis = varied(groups);
  const factor = isShare ? 100 : 1;
  const drawn = groups.flatMap((group, i): Drawn[] => {
    const spread = measure(name, group);
    if (!spread) return [];
    const { mean, deviation = 0, values } = spread;
    const range = {
      mean: factor * mean,
      low: factor * (mean - deviation),
      high: factor * (mean + deviation),
    };
    const told = { name: group.name, colour: colourOf(group), at: axis?.values[i] ?? 0 };
    return [{ ...range, ...told, values: values.map((value) => factor * value) }];
  });
  const scale = {
    label: unit,
    labelArrow: "none",
    grid: true,
    ticks: 5,
    domain: domainOf(drawn.flatMap(({ low, high, values }) => [low, high, ...values])),
  } as const;
  return figure(title, axis ? against(axis.option, drawn, title, scale) : inLines(drawn, title, scale));
}

type Scale = Plot.ScaleOptions;

const seedsOf = (drawn: readonly Drawn[]) => drawn.flatMap(({ values, ...rest }) => values.map((value) => ({ ...rest, value }))); // prettier-ignore

function against(option: string, drawn: readonly Drawn[], title: string, y: Scale): Html {
  const xs = drawn.map(({ at }) => at);
  const isLog = Math.min(...xs) > 0 && Math.max(...xs) >= 10 * Math.min(...xs);
  return picture(`${title} against ${option}`, {
    ...small,
    x: { type: isLog ? "log" : "linear" },
    y,
    marks: [
      // Not by the scale's ticks: on a logarithmic one, those between powers of ten have no text.
      Plot.axisX(xs, { text: xs.map(String), label: option, labelAnchor: "center", labelArrow: "none" }),
      Plot.line(drawn, { x: "at", y: "mean", sort: "at", stroke: colours.grey }),
      Plot.ruleX(drawn, { x: "at", y1: "low", y2: "high", stroke: "colour", strokeWidth: 2 }),
      Plot.dot(seedsOf(drawn), { x: "at", y: "value", stroke: "colour", r: 2.5 }),
      Plot.dot(drawn, { x: "at", y: "mean", fill: "colour", r: 4.5 }),
    ],
  }); // prettier-ignore
}

function inLines(drawn: readonly Drawn[], title: string, x: Scale): Html {
  const shown = drawn.map((each) => ({ ...each, told: each.name.length > letters ? `${each.name.slice(0, letters - 1)}…` : each.name })); // prettier-ignore
  return picture(`${title} of each variant`, {
    ...{ width: small.width, height: 55 + 40 * shown.length, marginLeft: 12, marginRight: 14, marginTop: 8, marginBottom: 40 },
    x: { ...x, labelAnchor: "center" },
    y: { axis: null, domain: shown.map(({ name }) => name) },
    marks: [
      Plot.ruleY(shown, { y: "name", x1: "low", x2: "high", stroke: "colour", strokeWidth: 2, dy: 6 }),
      Plot.dot(seedsOf(shown), { x: "value", y: "name", stroke: "colour", r: 2.5, dy: 6 }),
      Plot.dot(shown, { x: "mean", y: "name", fill: "colour", r: 4.5, dy: 6 }),
      Plot.text(shown, { y: "name", text: "told", frameAnchor: "left", textAnchor: "start", dy: -10, fontSize: 12 }),
    ],
  }); // prettier-ignore
}
