/** Two runs, row by row. */
import { formatColumns } from "../../engine/columns.ts";
import { ValueError } from "../../engine/errors.ts";
import { duration, percent, times } from "./format.ts";
import { DIFFERENT, isNoisy } from "./report.ts";
import type { BenchReport, Measured, RowReport } from "./report.ts";
import { baseOf } from "./table.ts";

/** A library's result in both runs. */
interface Pair {
  readonly row: RowReport;
  readonly before: Measured;
  readonly after: Measured;
  /** How much what {@link relative} tells, or else the speed, has changed: 1 is not at all. */
  readonly change: number;
  /** Whether either run said that it is noisy. */
  readonly isNoisy: boolean;
}

/** What a busier machine changes less than the time: of others the ratio to ours, of ours the share of the ceiling. */
const relative = ({ ratio, fraction }: Measured): number | undefined => ratio ?? fraction;

const relativeWords = (row: RowReport, { ratio, fraction }: Measured): string =>
  ratio !== undefined
    ? `${times(ratio)} ${baseOf(row)}`
    : fraction !== undefined
      ? `${percent(fraction)} of ceiling`
      : "";

/** Results that both runs have. */
function pairsOf(a: BenchReport, b: BenchReport): Pair[] {
  const later = new Map(b.rows.map((row) => [row.name, row]));
  return a.rows.flatMap((row) => {
    const other: RowReport | undefined = later.get(row.name);
    return row.measured.flatMap((before) => {
      const after = other?.measured.find(({ library }) => library === before.library);
      if (!after) return [];
      const [from, to] = [relative(before), relative(after)];
      const change =
        from !== undefined && to !== undefined ? to / from : before.milliseconds / after.milliseconds;
      return [{ row, before, after, change, isNoisy: isNoisy(before) || isNoisy(after) }];
    });
  });
}

/** What a run was. */
const about = ({ date, commit, description, machine, command }: BenchReport): string =>
  `${date}, ${commit}, ${machine.processor}, ${description}: ${command}`;

/**
 * A table of what both runs have, and whether it differs by more than noise explains. Throws ValueError for runs that have
 * nothing in common.
 */
export function formatComparison(a: BenchReport, b: BenchReport): string {
  const pairs = pairsOf(a, b);
  if (pairs.length === 0) {
    throw new ValueError("compare: expected runs with a row and a library in common, got two with none");
  }
  const lines = pairs.map(({ row, before, after, change, isNoisy }) => [
    row.name,
    before.library,
    duration(before.milliseconds),
    duration(after.milliseconds),
    ...[before, after].map((each) => relativeWords(row, each)),
    `${change >= 1 ? "+" : ""}${percent(change - 1)}`,
    isNoisy ? "noisy" : Math.abs(change - 1) > DIFFERENT ? "differs" : "",
  ]);
  const head = ["", "", "A", "B", "A", "B", "change", ""];
  return [
    `A  ${about(a)}`,
    `B  ${about(b)}`,
    "Change: of ours in the share of the ceiling, or else in speed; of the others in how many times as long as ours they take.",
    "",
    formatColumns([head, ...lines], 2),
  ].join("\n");
}
