import { mkdirSync } from "node:fs";
import { loadavg } from "node:os";
import { join } from "node:path";
import { BackendError } from "../../engine/errors.ts";
import { atomicWrite } from "../../supcon/run/atomic.ts";
import { contestant, peersBeside } from "../measure/contestant.ts";
import type { Contestant } from "../measure/contestant.ts";
import { measureColdStart } from "../measure/cold-start.ts";
import { efforts, measureRow } from "../measure/rounds.ts";
import { reasonIn } from "../measure/runner.ts";
import { benchPage } from "../report/page.ts";
import { commitOf, machineNow } from "../report/machine.ts";
import type { BenchReport, RowReport } from "../report/report.ts";
import { formatRow, formatSummary } from "../report/table.ts";
import { measureCeilings } from "../measure/ceilings.ts";
import type { Row } from "../suite/row.ts";
import type { BenchOptions } from "./options.ts";

/**
 * Measures all rows, prints them as they come and a summary at the end, and writes bench.json and bench.html. Throws
 * BackendError where our own backend does not start.
 */
export async function bench(options: BenchOptions): Promise<BenchReport> {
  const { backend, threads, quick, rows, out } = options;
  const [started, loadBefore] = [performance.now(), loadavg()[0] ?? NaN];
  const effort = quick ? efforts.quick : efforts.full;
  const ours = contestant("spheregrad", backend, threads, "spheregrad");
  const yardstick = contestant("spheregrad", backend, threads, "ceiling");
  const peers = peersBeside(backend, options.peers, threads);
  const all = [ours, yardstick, ...peers];
  try {
    const opened = await ours.process.open(60);
    if (opened.kind !== "opened") throw new BackendError(reasonIn(opened));
    console.log(`${opened.description}\n${rows.length} rows, results in ${out}\n`);
    mkdirSync(out, { recursive: true });
    const ceilings = await measureCeilings(yardstick, effort);
    const reports: RowReport[] = [];
    const versions: Record<string, string> = { spheregrad: opened.description };
    const missing = await absent(peers, versions);
    for (const { name, reason } of missing) console.log(`${name}: ${reason}`);
    const present = peers.filter((each) => !missing.some(({ name }) => name === each.name));
    for (const row of rows) {
      const report = await measure(row, ours, present, yardstick, options);
      reports.push(report);
      console.log(`${formatRow(report)}\n`);
      if (options.profile) await profileRow(row, ours, out);
    }
    const report: BenchReport = {
      format: 1,
      command: options.command,
      date: new Date().toISOString(),
      seconds: (performance.now() - started) / 1000,
      machine: machineNow([loadBefore, loadavg()[0] ?? NaN]),
      ...{ backend, threads, versions, ceilings },
      description: opened.description,
      commit: commitOf(),
      missing: missing.map(({ name, reason }) => ({ library: name, reason })),
      rows: reports,
    };
    atomicWrite(join(out, "bench.json"), `${JSON.stringify(report, null, 1)}\n`);
    atomicWrite(join(out, "bench.html"), benchPage(report));
    console.log(`${formatSummary(report)}\n\nchart     ${join(out, "bench.html")}`);
    return report;
  } finally {
    for (const { process } of all) process.end();
  }
}

async function measure(
  row: Row,
  ours: Contestant,
  present: readonly Contestant[],
  yardstick: Contestant,
  { backend, quick }: BenchOptions,
): Promise<RowReport> {
  const effort = quick ? efforts.quick : efforts.full;
  if (row.coldStart) return measureColdStart(row, [ours, ...present], effort);
  if (row.threads) {
    const counts = row.threads.map((threads) => {
      return contestant(
        "spheregrad",
        backend,
        threads,
        `spheregrad, ${threads === 1 ? "1 thread" : `${threads} threads`}`,
      );
    });
    try {
      return await measureRow(row, counts, yardstick, effort);
    } finally {
      for (const { process } of counts) process.end();
    }
  }
  if (row.tellsMemory) ours.process.end();
  if (row.alone === undefined) return measureRow(row, [ours, ...present], yardstick, effort);
  const report = await measureRow(row, [ours], yardstick, effort);
  const others = { library: "others", peer: "others", reason: row.alone };
  return { ...report, notMeasured: [...report.notMeasured, ...(present.length > 0 ? [others] : [])] };
}

/** Runs of a training step whose kernels are timed. */
const PROFILED = 5;

/** Prints where the time of a training step goes, and leaves a trace. Of other rows nothing: they are a kernel or two. */
async function profileRow({ name, problem }: Row, ours: Contestant, out: string): Promise<void> {
  if (problem.kind !== "training") return;
  const answer = await ours.process.ask({ kind: "profile", problem, runs: PROFILED }, 120);
  if (answer.kind !== "profiled") {
    console.log(`profile: ${reasonIn(answer)}\n`);
    return;
  }
  const path = join(out, `${name.toLowerCase().replaceAll(/[^a-z0-9]+/g, "-")}.trace.json`);
  atomicWrite(path, answer.trace);
  console.log(`${name}, ${PROFILED} steps by kernel; trace in ${path}\n${answer.table}\n`);
}

/** The libraries that do not start here, and why. Of those that do, the versions are noted. */
async function absent(peers: readonly Contestant[], versions: Record<string, string>) {
  const missing: { name: string; reason: string }[] = [];
  for (const { name, process } of peers) {
    const opened = await process.open(60);
    if (opened.kind === "opened") versions[name] = opened.description;
    else missing.push({ name, reason: reasonIn(opened) });
  }
  return missing;
}
