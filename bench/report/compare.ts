/** Two runs, row by row. */
import { formatColumns } from "../../engine/columns.ts";
import { duration, percent, times } from "./format.ts";
import { DIFFERENT, isNoisy } from "./report.ts";
import type { BenchReport, Measured, RowReport } from "./report.ts";

/** A library's result in both runs. */
interface Pair {
  readonly row: string;
  readonly before: Measured;
  readonly after: Measured;
  /** How much what {@link relative} tells, or else the speed, has changed: 1 is not at all. */
  readonly change: number;
  /** Whether either run said that it is noisy. */
  readonly isNoisy: boolean;
}

/** What a busier machine changes less than the time: of others the ratio to ours, of ours the share of the ceiling. */
const relative = ({ ratio, fraction }: Measured): number | undefined => ratio ?? fraction;

const relativeWords = ({ ratio, fraction }: Measured): string =>
  ratio !== undefined
    ? `${times(ratio)} ours`
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
      return [{ row: row.name, before, after, change, isNoisy: isNoisy(before) || isNoisy(after) }];
    });
  });
}

/** A table of what both runs have, and whether it differs by more than noise explains. */
export function formatComparison(a: BenchReport, b: BenchReport): string {
  const lines = pairsOf(a, b).map(({ row, before, after, change, isNoisy }) => [
    row,
    before.library,
    duration(before.milliseconds),
    duration(after.milliseconds),
    ...[before, after].map(relativeWords),
    `${change >= 1 ? "+" : ""}${percent(change - 1)}`,
    isNoisy ? "noisy" : Math.abs(change - 1) > DIFFERENT ? "differs" : "",
  ]);
  const head = ["", "", "A", "B", "A", "B", "change", ""];
  return [
    `A  ${a.date}, ${a.commit}: ${a.command}`,
    `B  ${b.date}, ${b.commit}: ${b.command}`,
    "Change: of ours in the share of the ceiling, or else in speed; of the others in how many times as long as ours they take.",
    "",
    formatColumns([head, ...lines], 2),
  ].join("\n");
}
