import type { Ceilings } from "../report/report.ts";
import type { Contestant } from "./contestant.ts";
import type { Effort } from "./effort.ts";
import { Runner } from "./runner.ts";

/** Seconds for one run of a yardstick. */
const PATIENCE = 60;

const kinds = ["registers", "microKernel", "copy"] as const;

/** What the machine does at most in a second, of each kind that the backend can measure. */
export async function measureCeilings(yardstick: Contestant, effort: Effort): Promise<Ceilings> {
  const rates: [string, number][] = [];
  for (const of of kinds) {
    const runner = new Runner(yardstick, { kind: "ceiling", of }, PATIENCE);
    if (!(await runner.prepare())) continue;
    await runner.warmUp(0, effort);
    for (let round = 0; round < effort.rounds; round++) await runner.round(round, round, effort);
    await runner.finish();
    rates.push([of, (1000 * (runner.amount ?? NaN)) / runner.milliseconds]);
  }
  return Object.fromEntries(rates);
}
