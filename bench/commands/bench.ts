import { mkdirSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { interruption } from "../../supcon/commands/interruption.ts";
import { atomicWrite } from "../../supcon/run/atomic.ts";
import { contestant, peersBeside } from "../measure/contestant.ts";
import type { Contestant } from "../measure/contestant.ts";
import { measureColdStart } from "../measure/cold-start.ts";
import { efforts, measureRow } from "../measure/rounds.ts";
import { reasonIn } from "../measure/runner.ts";
import type { Effort } from "../measure/runner.ts";
import { wait } from "../report/format.ts";
import { benchPage } from "../report/page.ts";
import { commitOf, machineNow } from "../report/machine.ts";
import type { BenchReport, Ceilings, NotMeasured, RowReport } from "../report/report.ts";
import { formatRow, formatSummary } from "../report/table.ts";
import { measureCeilings } from "../measure/ceilings.ts";
import type { Row } from "../suite/row.ts";
import type { BenchOptions } from "./options.ts";

/**
 * Measures all rows, prints them as they come and a summary at the end, and writes bench.json and bench.html. Ctrl-C ends
 * the process, and leaves what was measured until then. A library that does not start, ours too, is a line with the reason.
 */
export async function bench(options: BenchOptions): Promise<BenchReport> {
  const { backend, threads, quick, rows, out } = options;
  const [started, loadBefore] = [performance.now(), loadavg()[0] ?? NaN];
  const effort = quick ? efforts.quick : efforts.full;
  const ours = contestant("spheregrad", backend, threads, "spheregrad");
  const yardstick = contestant("spheregrad", backend, threads, "ceiling");
  const peers = peersBeside(backend, options.peers, threads);
  const reports: RowReport[] = [];
  let leave: (() => BenchReport) | undefined;
  using stop = interruption();
  stop.signal.addEventListener("abort", () => {
    if (reports.length > 0) leave?.();
    console.error(`interrupted after ${reports.length} of ${rows.length} rows`);
    process.exit(130); // with all libraries, some of which may be busy for minutes
  });
  try {
    const { versions, missing } = await openAll([ours, ...peers]);
    const description = versions[ours.name] ?? `spheregrad has no backend ${backend} here`;
    console.log(`${description}\n${rows.length} rows, results in ${out}\n`);
    for (const { library, reason } of missing) console.log(`${library}: ${reason}`);
    mkdirSync(out, { recursive: true });
    const ceilings = await measureCeilings(yardstick, effort);
    const present = peers.filter((each) => !missing.some(({ library }) => library === each.name));
    const finish = (): BenchReport => {
      const report: BenchReport = {
        format: 1,
        command: options.command,
        date: new Date().toISOString(),
        seconds: (performance.now() - started) / 1000,
        machine: machineNow([loadBefore, loadavg()[0] ?? NaN]),
        ...{ backend, threads, description, versions, ceilings, missing },
        commit: commitOf(),
        rows: reports,
      };
      atomicWrite(join(out, "bench.json"), `${JSON.stringify(report, null, 1)}\n`);
      atomicWrite(join(out, "bench.html"), benchPage(report));
      console.log(`${formatSummary(report)}\n\nchart     ${join(out, "bench.html")}`);
      return report;
    };
    leave = finish;
    const start = performance.now();
    for (const row of rows) {
      const report = await measure(row, { ours, present, yardstick, effort }, options);
      reports.push(report);
      const seconds = (performance.now() - start) / 1000;
      console.log(`${formatRow(report)}\n${countdown(reports.length, rows.length, seconds)}`);
      if (options.profile) await profileRow(row, ours, ceilings, out);
    }
    return finish();
  } finally {
    for (const each of [ours, yardstick, ...peers]) each.process.end();
  }
}

/** How far a run has come, if the other rows take as long as those so far. */
function countdown(done: number, all: number, seconds: number): string {
  const left = (seconds * (all - done)) / done;
  return done === all ? "" : `\n${done} of ${all} rows, about ${wait(left)} left\n`;
}

/** Who takes part, and how long. */
interface Field {
  readonly ours: Contestant;
  readonly present: readonly Contestant[];
  readonly yardstick: Contestant;
  readonly effort: Effort;
}

/** Measures a row by those whom it is about. */
async function measure(
  row: Row,
  { ours, present, yardstick, effort }: Field,
  { backend }: BenchOptions,
): Promise<RowReport> {
  if (row.coldStart) return measureColdStart(row, [ours, ...present], effort);
  if (row.threads) {
    const counts = row.threads.map((threads) =>
      contestant("spheregrad", backend, threads, threads === 1 ? "1 thread" : `${threads} threads`),
    );
    try {
      return await measureRow(row, counts, yardstick, effort);
    } finally {
      for (const { process } of counts) process.end();
    }
  }
  if (row.tellsMemory) ours.process.end();
  if (row.alone === undefined) return measureRow(row, [ours, ...present], yardstick, effort);
  const report = await measureRow(row, [ours], yardstick, effort);
  const others = { library: "others", reason: row.alone };
  return { ...report, notMeasured: [...report.notMeasured, ...(present.length > 0 ? [others] : [])] };
}

/** Runs of a problem whose kernels are timed. */
const PROFILED = 5;

/** Prints where the time of a problem goes, kernel by kernel, and leaves a trace. */
async function profileRow(row: Row, ours: Contestant, ceilings: Ceilings, out: string): Promise<void> {
  const { name, problem } = row;
  if (row.coldStart || row.threads || problem.kind === "augmentation" || problem.kind === "data") return;
  const answer = await ours.process.ask({ kind: "profile", problem, runs: PROFILED, ceilings }, 120);
  if (answer.kind !== "profiled") {
    console.log(`profile: ${reasonIn(answer)}\n`);
    return;
  }
  const path = join(out, `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}.trace.json`);
  atomicWrite(path, answer.trace);
  console.log(`${name}, ${PROFILED} runs by kernel; trace in ${path}\n${answer.table}\n`);
}

/** What the libraries that start here are, and why the others do not. */
async function openAll(all: readonly Contestant[]) {
  const [versions, missing]: [Record<string, string>, NotMeasured[]] = [{}, []];
  const answers = await Promise.all(
    all.map(async ({ name, process }) => [name, await process.open()] as const),
  );
  for (const [library, opened] of answers) {
    if (opened.kind === "opened") versions[library] = opened.description;
    else missing.push({ library, reason: reasonIn(opened) });
  }
  return { versions, missing };
}
