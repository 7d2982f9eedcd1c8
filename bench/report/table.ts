/** Rows and their summary as text. */
import { formatColumns } from "../../engine/columns.ts";
import { peers } from "../peers/peers.ts";
import { isPeerName } from "../peers/peers.ts";
import { duration, percent, speed, times } from "./format.ts";
import { isNoisy } from "./report.ts";
import type { BenchReport, Measured, RowReport } from "./report.ts";

/** Of a single round there is none. */
const spreadOf = ({ rounds, spread }: Measured): string => (rounds.length > 1 ? `± ${percent(spread)}` : "");

/** A row with a line for each library: those with times, then the reasons of the others. */
export function formatRow(row: RowReport): string {
  const lines = row.measured.map((result) => [
    `  ${result.library}`,
    duration(result.milliseconds),
    spreadOf(result),
    speed(row.work, result.milliseconds),
    result.fraction === undefined ? "" : `${percent(result.fraction)} of ceiling`,
    result.ratio === undefined ? "" : `${times(result.ratio)} ours`,
    [...(isNoisy(result) ? ["noisy"] : []), ...(result.samples === 1 ? ["n = 1"] : [])].join(", "),
  ]);
  const reasons = row.notMeasured.map(({ library, reason }) => `  ${library}: ${reason}`);
  return [row.name, ...(lines.length > 0 ? [formatColumns(lines, 1)] : []), ...reasons].join("\n");
}

/** The fastest of the libraries that are not ours; of those that train, or of all others. */
export const bestPeer = ({ measured }: RowReport, trains: boolean): Measured | undefined =>
  measured
    .filter(({ peer }) => isPeerName(peer) && peer !== "spheregrad" && peers[peer].trains === trains)
    .sort((a, b) => a.milliseconds - b.milliseconds)[0];

/** A line for each row: ours, and how it stands beside the best of the others. */
export function formatSummary({ rows, ceilings, machine }: BenchReport): string {
  const versus = (best: Measured | undefined) => (best?.ratio === undefined ? "" : `${times(best.ratio)} ${best.library}`); // prettier-ignore
  const lines = rows.map((row) => {
    const [ours] = row.measured;
    if (ours?.library !== "spheregrad") {
      return [row.name, row.notMeasured[0]?.reason ?? "", "", "", "", "", "", ""];
    }
    const best = bestPeer(row, true);
    const forwardOnly = bestPeer(row, false);
    const noisy = [ours, best, forwardOnly].some((result) => result !== undefined && isNoisy(result));
    return [
      row.name,
      duration(ours.milliseconds),
      spreadOf(ours),
      speed(row.work, ours.milliseconds),
      ours.fraction === undefined ? "" : percent(ours.fraction),
      versus(best),
      versus(forwardOnly),
      noisy ? "noisy" : "",
    ];
  });
  const head = ["", "ours", "spread", "speed", "of ceiling", "best that trains", "best of forward-only", ""];
  const known = [
    ...(ceilings.registers === undefined ? [] : [`${(ceilings.registers / 1e9).toFixed(0)} GFLOP/s in registers`]),
    ...(ceilings.microKernel === undefined ? [] : [`${(ceilings.microKernel / 1e9).toFixed(0)} GFLOP/s in the micro-kernel`]),
    ...(ceilings.copy === undefined ? [] : [`${(ceilings.copy / 1e9).toFixed(1)} GB/s copying`]),
  ]; // prettier-ignore
  const [before, after] = machine.load;
  return [
    formatColumns([head, ...lines], 1),
    "",
    `ceilings  ${known.join(", ")}`,
    `load      ${before.toFixed(1)} before, ${after.toFixed(1)} after, on ${machine.cores} cores`,
  ].join("\n");
}
