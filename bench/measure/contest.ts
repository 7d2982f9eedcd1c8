/**
 * How a row of the table is measured: every library does the problem once, and results are compared; then they are timed
 * in turns, a batch of calls each, round after round, so that what disturbs the machine disturbs all alike.
 */
import { expectedSeconds } from "../peers/costs.ts";
import { workOf } from "../problems/problem.ts";
import type { Work } from "../problems/problem.ts";
import type { Measured, NotMeasured, RowReport } from "../report/report.ts";
import type { Row } from "../suite/row.ts";
import type { Contestant } from "./contestant.ts";
import { reasonIn, Runner } from "./runner.ts";
import type { Effort } from "./runner.ts";
import { difference, median, spread } from "./statistics.ts";

export const efforts = {
  full: { rounds: 7, milliseconds: 80, seconds: 5, patience: 12, mayWait: true },
  quick: { rounds: 3, milliseconds: 30, seconds: 1, patience: 2, mayWait: false },
} as const satisfies Record<string, Effort>;

/** Seconds that our own calls may take: a debugging aid more than a limit. */
const OUR_PATIENCE = 120;

/** Results of float32 arithmetic in another order differ by less, as a share of the greatest value. */
const TOLERANCE = 2e-3;

/** Measures a row. `contestants`: ours first, with which the others are compared; `yardstick` measures the machine. */
export async function measureRow(
  row: Row,
  contestants: readonly Contestant[],
  yardstick: Contestant,
  effort: Effort,
): Promise<RowReport> {
  const patience = effort.mayWait ? Math.max(row.patience ?? 0, effort.patience) : effort.patience;
  const work = workOf(row.problem);
  const [runners, notMeasured] = await prepare(row, contestants, patience);
  const ceiling = await prepareCeiling(yardstick, work);
  const all = ceiling ? [ceiling, ...runners] : runners;
  for (const runner of all) await runner.warmUp(effort);
  for (let round = 0; round < effort.rounds; round++) {
    for (const runner of all) await runner.round(round, effort);
  }
  for (const runner of all) await runner.finish();
  const [ours] = contestants;
  const base = runners.find(({ contestant }) => contestant === ours);
  for (const { contestant, failure } of runners) {
    if (failure !== undefined) notMeasured.push(left(contestant, failure));
  }
  return {
    ...{ topic: row.topic, name: row.name, problem: row.problem, work },
    ...(ceiling && { ceiling: (1000 * (ceiling.prepared.amount ?? 0)) / ceiling.milliseconds }),
    measured: runners
      .filter(({ failure }) => failure === undefined)
      .map((runner) => measured(runner, row, base, ceiling)),
    notMeasured,
  };
}

const left = ({ name }: Contestant, reason: string): NotMeasured => ({ library: name, reason });

/** The problem done once by all who can, and the reasons of the others. */
async function prepare(
  row: Row,
  contestants: readonly Contestant[],
  patience: number,
): Promise<[Runner[], NotMeasured[]]> {
  const [runners, notMeasured]: [Runner[], NotMeasured[]] = [[], []];
  let expected: readonly Float32Array[] | undefined;
  for (const contestant of contestants) {
    const isOurs = contestant.peer === "spheregrad";
    const seconds = isOurs ? 0 : expectedSeconds(contestant, row.problem);
    if (seconds > patience) {
      notMeasured.push(left(contestant, `about ${Number(seconds.toPrecision(1))} s a call: not waited for`));
    } else {
      const limit = isOurs ? OUR_PATIENCE : 2 * patience; // what is expected is rough
      const answer = await contestant.process.ask({ kind: "prepare", problem: row.problem }, limit);
      const off = answer.kind === "prepared" && expected ? difference(expected, answer.outputs) : 0;
      if (answer.kind !== "prepared") {
        notMeasured.push(left(contestant, reasonIn(answer)));
      } else if (off > TOLERANCE) {
        const told = `error: its result differs from ours by ${off.toPrecision(2)} of the greatest value`;
        notMeasured.push(left(contestant, told));
      } else {
        expected ??= answer.outputs;
        runners.push(new Runner(contestant, answer, limit, off));
      }
    }
  }
  return [runners, notMeasured];
}

async function prepareCeiling({ process, ...rest }: Contestant, { unit }: Work): Promise<Runner | undefined> {
  if (unit !== "bytes" && unit !== "operations") return undefined;
  for (const of of unit === "bytes" ? (["copy"] as const) : (["microKernel", "registers"] as const)) {
    const answer = await process.ask({ kind: "prepare", problem: { kind: "ceiling", of } }, OUR_PATIENCE);
    if (answer.kind === "prepared") return new Runner({ process, ...rest }, answer, OUR_PATIENCE);
  }
  return undefined;
}

function measured(
  runner: Runner,
  { problem, tellsMemory = false }: Row,
  base: Runner | undefined,
  ceiling: Runner | undefined,
): Measured {
  const { contestant, prepared, times, samples, milliseconds, extraBytes } = runner;
  // Of the same rounds, which what disturbs the machine lengthens alike.
  const relativeTo = (other: Runner): number => median(times.map((time, i) => time / (other.times[i] ?? other.milliseconds))); // prettier-ignore
  const work = workOf(problem);
  const rate = (1000 * work.amount) / milliseconds;
  return {
    ...{ library: contestant.name, peer: contestant.peer, description: prepared.description },
    ...{ milliseconds, spread: spread(times), rounds: times, samples },
    ...{ firstMilliseconds: prepared.firstMilliseconds, rate },
    ...(ceiling && { fraction: work.amount / (ceiling.prepared.amount ?? NaN) / relativeTo(ceiling) }),
    ...(base && base !== runner && { ratio: relativeTo(base), difference: runner.difference }),
    ...(tellsMemory && extraBytes !== undefined && { extraBytes }),
  };
}
