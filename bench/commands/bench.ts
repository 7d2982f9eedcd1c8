import { mkdirSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { interruption } from "../../supcon/commands/interruption.ts";
import { atomicWrite } from "../../supcon/run/atomic.ts";
import { contestant, peersBeside } from "../measure/contestant.ts";
import type { Contestant } from "../measure/contestant.ts";
import { Contest } from "../measure/contest.ts";
import { efforts } from "../measure/effort.ts";
import type { Effort } from "../measure/effort.ts";
import { reasonIn } from "../measure/runner.ts";
import { wait } from "../report/format.ts";
import { benchPage } from "../report/page.ts";
import { commitOf, machineNow } from "../report/machine.ts";
import type { BenchReport, Ceilings, NotMeasured } from "../report/report.ts";
import { formatFirst, formatRow, formatSummary } from "../report/table.ts";
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
  let done = 0; // measurements: rows, each as often as there are sweeps
  let leave: (() => BenchReport) | undefined;
  using stop = interruption();
  stop.signal.addEventListener("abort", () => {
    if (done > 0) leave?.();
    console.error(
      `interrupted ${done > 0 ? `after ${placeOf(done, rows.length, effort)}` : "before the first row"}`,
    );
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
    const contests = rows.map((row) => contestOf(row, { ours, present, yardstick, effort }, options));
    const finish = (): BenchReport => {
      const report: BenchReport = {
        format: 1,
        command: options.command,
        date: new Date().toISOString(),
        seconds: (performance.now() - started) / 1000,
        machine: machineNow([loadBefore, loadavg()[0] ?? NaN]),
        ...{ backend, threads, description, versions, ceilings, missing },
        commit: commitOf(),
        rows: contests.slice(0, done).map(({ report }) => report),
      };
      atomicWrite(join(out, "bench.json"), `${JSON.stringify(report, null, 1)}\n`);
      atomicWrite(join(out, "bench.html"), benchPage(report));
      console.log(`${formatSummary(report)}\n\nchart     ${join(out, "bench.html")}`);
      return report;
    };
    leave = finish;
    const start = performance.now();
    for (let sweep = 1; sweep <= effort.sweeps; sweep++) {
      for (const contest of contests) {
        await contest.sweep();
        done++;
        const seconds = (performance.now() - start) / 1000;
        const left = timeLeft(seconds, done, rows.length * effort.sweeps);
        const progress = `${placeOf(done, rows.length, effort)}${left}`;
        const isLast = sweep === effort.sweeps;
        console.log(
          isLast
            ? `${formatRow(contest.report)}\n\n${progress}\n`
            : `${progress}: ${formatFirst(contest.report)}`,
        );
        if (isLast && options.profile) await profileRow(contest.row, ours, ceilings, out);
      }
    }
    return finish();
  } finally {
    for (const each of [ours, yardstick, ...peers]) each.process.end();
  }
}

/** How far a run has come. */
const placeOf = (done: number, rows: number, { sweeps }: Effort): string =>
  `row ${((done - 1) % rows) + 1} of ${rows}${sweeps > 1 ? `, sweep ${Math.ceil(done / rows)} of ${sweeps}` : ""}`;

/** How long a run still takes, if the rest goes on as what is done. */
const timeLeft = (seconds: number, done: number, all: number): string =>
  done === all ? "" : `, about ${wait((seconds * (all - done)) / done)} left`;

/** Who may take part, and how long. */
interface Everyone {
  readonly ours: Contestant;
  readonly present: readonly Contestant[];
  readonly yardstick: Contestant;
  readonly effort: Effort;
}

/** A row with those whom it is about. */
function contestOf(row: Row, { ours, present, ...rest }: Everyone, { backend }: BenchOptions): Contest {
  const others = row.alone === undefined ? present : [];
  const contestants = row.threads?.map((threads) =>
    contestant("spheregrad", backend, threads, threads === 1 ? "1 thread" : `${threads} threads`),
  ) ?? [ours, ...others];
  const notAsked =
    row.alone !== undefined && present.length > 0 ? [{ library: "others", reason: row.alone }] : [];
  return new Contest(row, { contestants, notAsked, ...rest });
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
