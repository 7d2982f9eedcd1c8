import { workOf } from "../problems/problem.ts";
import type { Measured, NotMeasured, RowReport } from "../report/report.ts";
import type { Row } from "../suite/row.ts";
import type { Contestant } from "./contestant.ts";
import { reasonIn } from "./runner.ts";
import type { Effort } from "./runner.ts";
import { median, spread } from "./statistics.ts";

/** Seconds to wait for a first result. */
const PATIENCE = 60;

/** Times each library from the start of its process to its first result, in turns. Ours come first. */
export async function measureColdStart(
  row: Row,
  contestants: readonly Contestant[],
  effort: Effort,
): Promise<RowReport> {
  const times = new Map<Contestant, { rounds: number[]; description: string }>();
  const failed = new Map<Contestant, NotMeasured>();
  for (let round = 0; round < effort.rounds; round++) {
    for (const contestant of contestants) {
      if (failed.has(contestant)) continue;
      const { name: library, process } = contestant;
      process.end();
      const start = performance.now();
      const answer = await process.ask({ kind: "prepare", problem: row.problem }, PATIENCE);
      const milliseconds = performance.now() - start;
      if (answer.kind !== "prepared") {
        failed.set(contestant, { library, reason: reasonIn(answer) });
        continue;
      }
      const known = times.get(contestant)?.rounds ?? [];
      times.set(contestant, { rounds: [...known, milliseconds], description: answer.description });
    }
  }
  const [ours] = contestants;
  const base = ours && times.get(ours)?.rounds;
  const measured = [...times].flatMap(([contestant, { rounds, description }]): Measured[] => {
    if (failed.has(contestant)) return [];
    const milliseconds = median(rounds);
    return [
      {
        ...{ library: contestant.name, peer: contestant.peer, description, milliseconds, rounds },
        ...{ spread: spread(rounds), samples: rounds.length, firstMilliseconds: milliseconds },
        rate: 1000 / milliseconds,
        ...(base &&
          contestant !== ours && { ratio: median(rounds.map((time, i) => time / (base[i] ?? NaN))) }),
      },
    ];
  });
  return {
    ...{ topic: row.topic, name: row.name, problem: row.problem, measured },
    work: { ...workOf(row.problem), unit: "starts", amount: 1 },
    notMeasured: [...failed.values()],
  };
}
