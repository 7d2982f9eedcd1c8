/**
 * How a row of the table is measured: in each of several sweeps over all rows every library does the problem once, and
 * results are compared; then they are timed in turns, a batch of calls each, round after round. What disturbs the machine
 * for seconds then disturbs all alike, and what disturbs it for minutes not all sweeps.
 */
import { expectedSeconds } from "../peers/costs.ts";
import { workOf } from "../problems/problem.ts";
import type { Work } from "../problems/problem.ts";
import type { Measured, NotMeasured, RowReport } from "../report/report.ts";
import type { Row } from "../suite/row.ts";
import { StartRunner } from "./cold-start.ts";
import type { Contestant } from "./contestant.ts";
import type { Effort } from "./effort.ts";
import { Runner, takeTurns } from "./runner.ts";
import { difference, median, spread } from "./statistics.ts";

/** Seconds that our own calls may take: a debugging aid more than a limit. */
const OUR_PATIENCE = 120;

/** Results of float32 arithmetic in another order differ by less, as a share of the greatest value. */
const TOLERANCE = 2e-3;

/** Who takes part in a row, and how much is done. */
export interface Field {
  /** Ours first, with which the others are compared. */
  readonly contestants: readonly Contestant[];
  /** Measures the machine. */
  readonly yardstick: Contestant;
  readonly effort: Effort;
  /** Those who are not asked. */
  readonly notAsked: readonly NotMeasured[];
}

/** A row that is being measured. */
export class Contest {
  readonly row: Row;
  readonly #work: Work;
  readonly #field: Field;
  readonly #notAsked: NotMeasured[];
  readonly #runners: Runner[];
  #ceiling: Runner | undefined;
  /** Of all sweeps so far. */
  #rounds = 0;

  constructor(row: Row, field: Field) {
    const { contestants, effort, notAsked } = field;
    const patience = effort.mayWait ? Math.max(row.patience ?? 0, effort.patience) : effort.patience;
    this.row = row;
    this.#work = row.coldStart ? { unit: "starts", amount: 1 } : workOf(row.problem);
    this.#field = field;
    this.#notAsked = [...notAsked];
    this.#runners = [];
    for (const contestant of contestants) {
      const isOurs = contestant.peer === "spheregrad";
      const seconds = isOurs ? 0 : expectedSeconds(contestant, row.problem);
      if (seconds > patience) {
        const reason = `about ${Number(seconds.toPrecision(1))} s a call: not waited for`;
        this.#notAsked.push({ library: contestant.name, reason });
      } else {
        const limit = isOurs ? OUR_PATIENCE : 2 * patience; // what is expected is rough
        this.#runners.push(new (row.coldStart ? StartRunner : Runner)(contestant, row.problem, limit));
      }
    }
  }

  /** Measures a sweep's rounds, of those who are asked again; of nobody, if ours are not. */
  async sweep(): Promise<void> {
    const { row } = this;
    const { contestants, effort } = this.#field;
    const [ours] = this.#runners;
    const asked = this.#runners.filter((runner) => this.#rounds === 0 || runner.comesAgain(effort));
    if (!ours || !asked.includes(ours)) return; // with nobody to be compared with
    if (row.tellsMemory) ours.contestant.process.end();
    const ceiling = await this.#prepareCeiling();
    const ready = await prepare(asked);
    await takeTurns(ceiling ? [ceiling, ...ready] : ready, this.#rounds, effort);
    // Asked in this row alone, they would keep their memory to the end.
    if (row.threads) for (const { process } of contestants) process.end();
    this.#rounds += effort.rounds;
  }

  /** What is known so far. */
  get report(): RowReport {
    const { row } = this;
    const ceiling = this.#ceiling;
    return {
      ...{ topic: row.topic, name: row.name, problem: row.problem, work: this.#work },
      ...(ceiling && { ceiling: (1000 * (ceiling.amount ?? 0)) / ceiling.milliseconds }),
      measured: this.#runners.filter(({ times }) => times.size > 0).map((each) => this.#measured(each)),
      notMeasured: [
        ...this.#notAsked,
        ...this.#runners.flatMap(({ contestant, failure }) =>
          failure === undefined ? [] : [{ library: contestant.name, reason: failure }],
        ),
      ],
    };
  }

  #measured(runner: Runner): Measured {
    const { contestant, description, times, samples, milliseconds, firstMilliseconds = NaN } = runner;
    const [base] = this.#runners;
    const ceiling = this.#ceiling;
    const rounds = [...times.values()];
    const shares =
      ceiling &&
      runner.relativeTo(ceiling).map((ratio) => this.#work.amount / (ceiling.amount ?? NaN) / ratio);
    const ratios = base && base !== runner && base.times.size > 0 ? runner.relativeTo(base) : undefined;
    return {
      ...{ library: contestant.name, peer: contestant.peer, description, milliseconds, rounds, samples },
      ...{ firstMilliseconds, rate: (1000 * this.#work.amount) / milliseconds },
      ...(shares && { fraction: median(shares) }),
      ...(ratios && { ratio: median(ratios) }),
      spread: spread(ratios ?? shares ?? rounds),
      ...(runner.difference !== undefined && { difference: runner.difference }),
      ...(this.row.tellsMemory && runner.extraBytes !== undefined && { extraBytes: runner.extraBytes }),
    };
  }

  async #prepareCeiling(): Promise<Runner | undefined> {
    const { unit } = this.#work;
    if (unit !== "bytes" && unit !== "operations") return undefined;
    if (this.#ceiling) {
      await this.#ceiling.prepare();
      return this.#ceiling;
    }
    for (const of of unit === "bytes" ? (["copy"] as const) : (["microKernel", "registers"] as const)) {
      const runner = new Runner(this.#field.yardstick, { kind: "ceiling", of }, OUR_PATIENCE);
      if (await runner.prepare()) return (this.#ceiling = runner);
    }
    return undefined;
  }
}

/** The problem done once by all. Resolves with those who can, and whose results are as those of the first. */
async function prepare(runners: readonly Runner[]): Promise<Runner[]> {
  let expected: readonly Float32Array[] | undefined;
  for (const runner of runners) {
    const outputs = await runner.prepare();
    if (expected && outputs) {
      runner.difference = Math.max(runner.difference ?? 0, difference(expected, outputs));
      if (runner.difference > TOLERANCE) {
        runner.times.clear();
        runner.failure = `error: its result differs from ours by ${runner.difference.toPrecision(2)} of the greatest value`;
      }
    }
    expected ??= outputs;
  }
  return runners.filter(({ failure }) => failure === undefined);
}
