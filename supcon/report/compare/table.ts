/** Groups as lines of a table. */
import { formatColumns } from "../../../engine/columns.ts";
import type { Group } from "./groups.ts";
import { formatSpread, measure, measures } from "./measures.ts";
import type { MeasureName } from "./measures.ts";

/** A head, and a line for each group. */
export const groupRows = (groups: readonly Group[], names: readonly MeasureName[]): string[][] => [
  ["variant", "seeds", ...names.map((name) => measures[name].head)],
  ...groups.map((group) => [
    ...[group.name, String(group.runs.length)],
    ...names.map((name) => {
      const spread = measure(name, group);
      return spread ? formatSpread(name, spread) : "";
    }),
  ]),
];

/** The same as text. */
export const formatGroups = (groups: readonly Group[], names: readonly MeasureName[]): string =>
  formatColumns(groupRows(groups, names), 1);

/** What must be known to read the table; nothing where there is nothing. */
export function notesOn(groups: readonly Group[]): string[] {
  const runs = groups.flatMap((group) => group.runs);
  const damaged = new Set(runs.flatMap(({ evaluation }) => evaluation?.corruptions?.digest ?? []));
  return [
    ...(groups.some((group) => group.runs.length > 1) ? ["± is the standard deviation over seeds."] : []),
    ...(damaged.size > 1 ? ["Not all runs were damaged on the same test images."] : []),
  ];
}
