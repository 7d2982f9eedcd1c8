/** What damage to the images costs each group. */
import * as Plot from "@observablehq/plot";
import { picture } from "../chart.ts";
import type { Html } from "../html.ts";
import { figure } from "../page.ts";
import { small } from "../pictures/curves.ts";
import type { Group } from "./groups.ts";
import { spreadOf } from "./measures.ts";

/** Errors by severity and by kind, of groups whose runs all have been measured; nothing without any. */
export function corruptionFigures(groups: readonly Group[], colourOf: (group: Group) => string): Html[] {
  const measured = groups.flatMap((group) => {
    const reports = group.runs.flatMap(({ evaluation }) => evaluation?.corruptions ?? []);
    return reports.length === group.runs.length ? [{ group, reports, colour: colourOf(group) }] : [];
  });
  if (measured.length === 0) return [];
  const bySeverity = measured.flatMap(({ reports, colour, group: { name } }) =>
    [0, 1, 2, 3, 4, 5].map((severity) => {
      const errors = reports.map(({ clean, bySeverity: { top1 } }) => (severity === 0 ? clean.error : 1 - (top1[severity - 1] ?? 0))); // prettier-ignore
      return { name, colour, severity, error: spreadOf(errors).mean };
    }),
  );
  const byKind = measured.flatMap(({ reports, colour, group }) =>
    Object.keys(reports[0]?.byName ?? {}).map((kind) => {
      const errors = reports.flatMap(({ byName }) => byName[kind]?.errors ?? []);
      return { group: group.name, colour, kind, error: spreadOf(errors).mean };
    }),
  );
  const kinds = [...new Set(byKind.map(({ kind }) => kind))];
  const percent = { percent: true, labelArrow: "none", grid: true, zero: true, nice: true } as const;
  const left = 14 + 7.2 * Math.max(...kinds.map((kind) => kind.length));
  return [
    figure(
      "Error against severity",
      picture("Error on damaged images against severity", {
        ...{ ...small, width: 480, height: 300 },
        x: { label: "severity; 0 is no damage", labelAnchor: "center", labelArrow: "none", ticks: 5 },
        y: { ...percent, label: "% wrong" },
        marks: [
          Plot.line(bySeverity, { x: "severity", y: "error", z: "name", stroke: "colour", strokeWidth: 2 }),
          Plot.dot(bySeverity, { x: "severity", y: "error", fill: "colour", r: 3 }),
        ],
      }),
      "Mean over all kinds of damage but extra ones, and over seeds. What a curve rises above its own beginning is the price of the damage.",
    ),
    figure(
      "Error by kind of damage",
      picture("Error on damaged images by kind", {
        ...{ width: 480, height: 60 + (10 + 9 * measured.length) * kinds.length, marginLeft: left, marginRight: 10, marginTop: 5, marginBottom: 42 },
        x: { ...percent, label: "% wrong, mean over severities", labelAnchor: "center" },
        y: { axis: null, domain: measured.map(({ group }) => group.name) },
        fy: { label: null, axis: "left", domain: kinds, padding: 0.15 },
        marks: [Plot.barX(byKind, { x: "error", y: "group", fy: "kind", fill: "colour" })],
      }),
      "A bar for each variant, in the order of the table.",
    ),
  ]; // prettier-ignore
}
