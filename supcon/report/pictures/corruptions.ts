/** What damage to the images costs. */
import * as Plot from "@observablehq/plot";
import type { CorruptionReport } from "../../run/evaluation.ts";
import { picture } from "../chart.ts";
import { colourOf, colours } from "../colours.ts";
import { count, percent } from "../format.ts";
import { html } from "../html.ts";
import type { Html } from "../html.ts";
import { figure, legend, section } from "../page.ts";
import { small } from "./curves.ts";

const mean = (values: readonly number[]): number => values.reduce((sum, x) => sum + x, 0) / values.length;

/** Errors by kind of damage and by severity. */
export function corruptionsSection(report: CorruptionReport | undefined): Html | undefined {
  if (!report) return undefined;
  const { images, clean, meanError, comparison } = report;
  const against = comparison
    ? ` Against ${comparison.baseline} the mean corruption error is ${percent(comparison.mce)}: below 100 % is better than it.`
    : "";
  return section(
    "Damaged images",
    `The linear classifier on ${count(images)} test images, damaged in the ways of CIFAR-10-C, in five severities each. Without damage ${percent(clean.error)} are wrong, with it ${percent(meanError)} on average.${against}`,
    [kindsFigure(report), severitiesFigure(report)],
  );
}

/** How kinds are named that the mean leaves out. */
const extraGroup = "extra, not in the mean";

function kindsFigure({ byName, clean }: CorruptionReport): Html {
  const kinds = Object.entries(byName).map(([name, { group, errors, extra, nonStandard }]) => ({
    ...{ name: nonStandard === undefined ? name : `${name} *`, error: mean(errors) },
    ...{ group: extra ? extraGroup : group, nonStandard },
  }));
  const groups = [...new Set(kinds.map(({ group }) => group))];
  const colour = (group: string) =>
    group === extraGroup ? colours.grey : colourOf(groups.indexOf(group), groups.length);
  const sorted = groups.flatMap((group) => kinds.filter((kind) => kind.group === group).sort((a, b) => b.error - a.error)); // prettier-ignore
  const left = 14 + 7.2 * Math.max(...kinds.map(({ name }) => name.length));
  const drawn = picture("Mean error for each kind of damage", {
    ...{ width: 480, height: 60 + 21 * kinds.length, marginLeft: left, marginRight: 45, marginTop: 5, marginBottom: 42 },
    x: { label: "% wrong, mean over severities", percent: true, labelAnchor: "center", labelArrow: "none", grid: true, nice: true },
    y: { label: null, domain: sorted.map(({ name }) => name) },
    marks: [
      Plot.barX(sorted, { x: "error", y: "name", fill: ({ group }: (typeof kinds)[number]) => colour(group), inset: 1 }),
      Plot.text(sorted, { x: "error", y: "name", text: ({ error }: (typeof kinds)[number]) => (100 * error).toFixed(1), textAnchor: "start", dx: 5, fontSize: 11 }),
      Plot.ruleX([clean.error], { stroke: "currentColor", strokeDasharray: "4,3" }),
    ],
  }); // prettier-ignore
  const notes = kinds.flatMap(({ name, nonStandard }) => (nonStandard === undefined ? [] : [`${name.replace(" *", "")}: ${nonStandard}.`])); // prettier-ignore
  return figure(
    "Errors by kind of damage",
    html`${legend(groups.map((group) => ({ name: group, colour: colour(group) })))}${drawn}`,
    `The dashed line is the error without damage: what lies beyond it is the price of the damage. ${notes.length > 0 ? `Kinds with * are not as published: ${notes.join(" ")}` : ""}`,
  );
}

function severitiesFigure({ byName, clean, bySeverity }: CorruptionReport): Html {
  const kinds = Object.entries(byName).filter(([, { extra }]) => !extra);
  const each = kinds.flatMap(([name, { errors }]) => [clean.error, ...errors].map((error, severity) => ({ name, severity, error }))); // prettier-ignore
  const errors = [clean.error, ...bySeverity.top1.map((top1) => 1 - top1)].map((error, severity) => ({ severity, error })); // prettier-ignore
  const ece = [clean.ece, ...bySeverity.ece].map((value, severity) => ({ severity, value }));
  const x = { label: "severity; 0 is no damage", labelAnchor: "center", labelArrow: "none", ticks: 5 } as const; // prettier-ignore
  const drawnErrors = picture("Error against severity", {
    ...{ ...small, width: 480, height: 250, x },
    y: { label: "% wrong", percent: true, labelArrow: "none", grid: true, zero: true, nice: true },
    marks: [
      Plot.line(each, { x: "severity", y: "error", z: "name", stroke: colours.grey, strokeOpacity: 0.5, strokeWidth: 1 }),
      Plot.line(errors, { x: "severity", y: "error", stroke: colours.blue, strokeWidth: 2.5 }),
      Plot.dot(errors, { x: "severity", y: "error", fill: colours.blue, r: 3.5 }),
    ],
  }); // prettier-ignore
  const drawnEce = picture("Calibration error against severity", {
    ...{ ...small, width: 480, height: 250, x },
    y: { label: "ECE", labelArrow: "none", grid: true, zero: true, nice: true },
    marks: [
      Plot.line(ece, { x: "severity", y: "value", stroke: colours.orange, strokeWidth: 2.5 }),
      Plot.dot(ece, { x: "severity", y: "value", fill: colours.orange, r: 3.5 }),
    ],
  }); // prettier-ignore
  return figure(
    "Errors and calibration by severity",
    html`${drawnErrors}${drawnEce}`,
    "Blue is the mean over all kinds of damage but extra ones, grey is each of them. Below, the expected calibration error on the same images: a classifier that loses accuracy and stays as sure has a growing one.",
  );
}
