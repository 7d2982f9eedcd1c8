import type { Ceilings } from "../report/report.ts";
import type { Contestant } from "./contestant.ts";
import type { Effort } from "./effort.ts";
import { Runner, takeTurns } from "./runner.ts";

/** Seconds for one run of a yardstick. */
const PATIENCE = 60;

const kinds = ["registers", "microKernel", "copy"] as const;

/** What the machine does at most in a second, of each kind that the backend can measure. */
export async function measureCeilings(yardstick: Contestant, effort: Effort): Promise<Ceilings> {
  const rates: [string, number][] = [];
  for (const of of kinds) {
    const runner = new Runner(yardstick, { kind: "ceiling", of }, PATIENCE);
    if (!(await runner.prepare())) continue;
    await takeTurns([runner], 0, effort);
    rates.push([of, (1000 * (runner.amount ?? NaN)) / runner.milliseconds]);
  }
  return Object.fromEntries(rates);
}
