/** Rows and their summary as text. */
import { formatColumns } from "../../engine/columns.ts";
import { peers } from "../peers/peers.ts";
import { duration, percent, speed, times, wait } from "./format.ts";
import { isNoisy } from "./report.ts";
import type { BenchReport, Ceilings, Measured, RowReport } from "./report.ts";

/** Of a single round there is none. */
const spreadOf = ({ rounds, spread }: Measured): string => (rounds.length > 1 ? `± ${percent(spread)}` : "");

/** With whom a row's others are compared. */
export const baseOf = ({ measured: [base] }: RowReport): string =>
  base === undefined || base.library === "spheregrad" ? "ours" : base.library;

/** How little some of the results can be relied on. */
const doubts = (results: readonly Measured[]): string[] => [
  ...(results.some(isNoisy) ? ["noisy"] : []),
  ...(results.some(({ samples }) => samples === 1) ? ["n = 1"] : []),
];

const mebibytes = (bytes: number): string => `${(bytes / 2 ** 20).toFixed(1)} MiB more`;

/** A row with a line for each library: those with times, then the reasons of the others. */
export function formatRow(row: RowReport): string {
  const lines = row.measured.map((result) => [
    `  ${result.library}`,
    duration(result.milliseconds),
    speed(row.work, result.milliseconds),
    result.fraction === undefined ? "" : `${percent(result.fraction)} of ceiling`,
    result.ratio === undefined ? "" : `${times(result.ratio)} ${baseOf(row)}`,
    spreadOf(result),
    result.extraBytes === undefined ? "" : mebibytes(result.extraBytes),
    doubts([result]).join(", "),
  ]);
  const reasons = row.notMeasured.map(({ library, reason }) => `  ${library}: ${reason}`);
  return [row.name, ...(lines.length > 0 ? [formatColumns(lines, 1)] : []), ...reasons].join("\n");
}

/** A row's first library, ours if it can, in a line. */
export const formatFirst = ({ name, work, measured: [first] }: RowReport): string =>
  first === undefined
    ? name
    : [`${name}: ${first.library} ${duration(first.milliseconds)}`, speed(work, first.milliseconds)]
        .filter(Boolean)
        .join(", ");

/** The fastest of the libraries that are not ours; of those that train, or of all others. */
const bestPeer = ({ measured }: RowReport, trains: boolean): Measured | undefined =>
  measured
    .filter(({ peer }) => peer !== "spheregrad" && peers[peer].trains === trains)
    .sort((a, b) => a.milliseconds - b.milliseconds)[0];

/** What the columns of {@link summaryLines} are. */
export const summaryHead = [
  "",
  "ours",
  "speed",
  "of ceiling",
  "spread",
  "best that trains",
  "best of forward-only",
  "",
];

/** A line for each row: ours, and how it stands beside the best of the others. */
export const summaryLines = ({ rows }: BenchReport): string[][] =>
  rows.map((row) => {
    // Of several numbers of threads the most.
    const ours = row.measured.filter(({ peer }) => peer === "spheregrad").at(-1);
    if (!ours) return [row.name, "none", "", "", "", "", "", ""];
    const others = [bestPeer(row, true), bestPeer(row, false)] as const;
    const versus = (best: Measured | undefined) => (best?.ratio === undefined ? "" : `${times(best.ratio)} ${best.library}`); // prettier-ignore
    return [
      row.name,
      duration(ours.milliseconds),
      speed(row.work, ours.milliseconds),
      ours.fraction === undefined ? "" : percent(ours.fraction),
      spreadOf(ours),
      ...others.map(versus),
      [
        ...(ours.ratio === undefined ? [] : [`${times(1 / ours.ratio)} as fast as ${baseOf(row)}`]),
        ...(ours.extraBytes === undefined ? [] : [mebibytes(ours.extraBytes)]),
        ...doubts([ours, ...others].filter((result) => result !== undefined)),
      ].join(", "),
    ];
  });

/** The ceilings that are known, in words. */
export const ceilingWords = ({ registers, microKernel, copy }: Ceilings): string =>
  [
    ...(registers === undefined ? [] : [`${(registers / 1e9).toFixed(0)} GFLOP/s in registers`]),
    ...(microKernel === undefined ? [] : [`${(microKernel / 1e9).toFixed(0)} GFLOP/s in the micro-kernel`]),
    ...(copy === undefined ? [] : [`${(copy / 1e9).toFixed(1)} GB/s copying`]),
  ].join(", ");

/** The summary of a run, and what to know of the machine. */
export function formatSummary(report: BenchReport): string {
  const { ceilings, machine, missing, seconds } = report;
  const [before, after] = machine.load;
  return [
    formatColumns([summaryHead, ...summaryLines(report)], 1),
    "",
    ...missing.map(({ library, reason }) => `missing   ${library}: ${reason}`),
    `ceilings  ${ceilingWords(ceilings)}`,
    `load      ${before.toFixed(1)} before, ${after.toFixed(1)} after, on ${machine.cores} cores`,
    `time      ${wait(seconds)}`,
  ].join("\n");
}
