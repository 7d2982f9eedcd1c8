import type { Problem } from "../problems/problem.ts";
import type { Contestant } from "./contestant.ts";
import type { Effort } from "./effort.ts";
import type { Answer, Timed } from "./protocol.ts";
import { median } from "./statistics.ts";

/** Why there is no such answer. */
export const reasonIn = (answer: Answer): string =>
  answer.kind !== "refused"
    ? `expected another answer, got ${answer.kind}`
    : answer.isBug
      ? `error: ${answer.reason}`
      : answer.reason;

/**
 * A sweep's rounds, numbered from `first` on, of runners that are prepared: they take turns, a batch each. Ends their
 * problems.
 */
export async function takeTurns(runners: readonly Runner[], first: number, effort: Effort): Promise<void> {
  for (const runner of runners) await runner.warmUp(first, effort);
  for (let turn = 0; turn < effort.rounds; turn++) {
    for (const runner of runners) await runner.round(first + turn, turn, effort);
  }
  for (const runner of runners) await runner.finish();
}

/** A library that does a row's problem, and is timed sweep by sweep. */
export class Runner {
  readonly contestant: Contestant;
  readonly problem: Problem;
  /** Seconds that it may take to answer. */
  readonly limit: number;
  /**
   * Medians of its batches in milliseconds, by round. Rounds are numbered through all sweeps; it may miss some. A batch
   * outside of all rounds has a negative number.
   */
  readonly times = new Map<number, number>();
  /** Calls in all batches. */
  samples = 0;
  /** Of the first call of all, which compiles. */
  firstMilliseconds: number | undefined;
  /** Greatest difference of its results from ours, as a share of the greatest value, if they were compared. */
  difference: number | undefined;
  /** A yardstick's operations or bytes. */
  amount: number | undefined;
  description = "";
  extraBytes: number | undefined;
  /** Why it has no times, or could not go on. */
  failure: string | undefined;
  /** Rounds of a sweep that there is time for. */
  protected rounds = 0;

  constructor(contestant: Contestant, problem: Problem, limit: number) {
    this.contestant = contestant;
    this.problem = problem;
    this.limit = limit;
  }

  get milliseconds(): number {
    return median([...this.times.values()]);
  }

  /**
   * Its times as multiples of another's in the same rounds, which what disturbs the machine lengthens alike; if they share
   * none, of the other's median.
   */
  relativeTo(other: Runner): number[] {
    const shared = [...this.times].flatMap(([round, time]) => {
      const theirs = other.times.get(round);
      return theirs === undefined ? [] : [time / theirs];
    });
    return shared.length > 0 ? shared : [...this.times.values()].map((time) => time / other.milliseconds);
  }

  /** Whether it is worth the time to ask it again in another sweep: not after a single call, nor to wait long for the first. */
  comesAgain({ patience }: Effort): boolean {
    return this.failure === undefined && this.rounds > 0 && (this.firstMilliseconds ?? 0) <= 1000 * patience;
  }

  /** Does the problem once. Resolves with the results, if they are to be compared. */
  async prepare(): Promise<readonly Float32Array[] | undefined> {
    const answer = await this.contestant.process.ask({ kind: "prepare", problem: this.problem }, this.limit);
    if (answer.kind !== "prepared") {
      this.failure = reasonIn(answer);
      return undefined;
    }
    this.firstMilliseconds ??= answer.firstMilliseconds;
    this.amount = answer.amount;
    this.description = answer.description;
    return answer.outputs;
  }

  /**
   * A batch that lets engines compile, and tells how many rounds from `round` on there is time for. It is kept only if
   * there is for none.
   */
  async warmUp(round: number, { rounds, milliseconds, seconds }: Effort): Promise<void> {
    const timed = await this.batch(milliseconds);
    if (!timed) return;
    this.rounds = Math.min(rounds, Math.floor((1000 * seconds) / Math.max(timed.milliseconds, milliseconds)));
    if (this.rounds === 0) this.#keep(-1 - round, timed);
  }

  /** The batch of a round, the `turn`-th of its sweep, if it takes part in it. */
  async round(round: number, turn: number, { milliseconds }: Effort): Promise<void> {
    if (turn >= this.rounds || this.failure !== undefined) return;
    const timed = await this.batch(milliseconds);
    if (timed) this.#keep(round, timed);
  }

  async finish(): Promise<void> {
    await this.contestant.process.ask({ kind: "finish" }, 10);
  }

  protected async batch(milliseconds: number): Promise<Timed | undefined> {
    const answer = await this.contestant.process.ask({ kind: "batch", milliseconds }, this.limit);
    if (answer.kind === "timed") return answer;
    this.failure = reasonIn(answer);
    return undefined;
  }

  #keep(round: number, { milliseconds, samples, extraBytes }: Timed): void {
    this.times.set(round, milliseconds);
    this.samples += samples;
    this.extraBytes = extraBytes;
  }
}
