import type { Problem } from "../problems/problem.ts";
import type { Contestant } from "./contestant.ts";
import type { Effort } from "./effort.ts";
import type { Answer } from "./protocol.ts";
import { median } from "./statistics.ts";

/** Why there is no such answer. */
export const reasonIn = (answer: Answer): string =>
  answer.kind !== "refused"
    ? `expected another answer, got ${answer.kind}`
    : answer.isBug
      ? `error: ${answer.reason}`
      : answer.reason;

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
  /** Of its result from ours, as a share of the greatest value, if they were compared. */
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
   * Its times as multiples of another's in the same rounds, which what disturbs the machine lengthens alike; outside of
   * them of the other's median.
   */
  relativeTo(other: Runner): number[] {
    return [...this.times].map(([round, time]) => time / (other.times.get(round) ?? other.milliseconds));
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
   * A batch that lets engines compile, and tells how many rounds from `round` on there is time for; the only one, if there
   * is for none.
   */
  async warmUp(round: number, effort: Effort): Promise<void> {
    const { rounds, milliseconds, seconds } = effort;
    const [alone, samples] = [-1 - round, this.samples];
    await this.batch(alone, milliseconds);
    const time = this.times.get(alone) ?? Infinity;
    this.rounds = Math.min(rounds, Math.floor((1000 * seconds) / Math.max(time, milliseconds)));
    if (this.rounds === 0) return;
    this.times.delete(alone);
    this.samples = samples;
  }

  /** The batch of a round, the `turn`-th of its sweep, if it takes part in it. */
  async round(round: number, turn: number, { milliseconds }: Effort): Promise<void> {
    if (turn < this.rounds) await this.batch(round, milliseconds);
  }

  async finish(): Promise<void> {
    await this.contestant.process.ask({ kind: "finish" }, 10);
  }

  protected async batch(round: number, milliseconds: number): Promise<void> {
    if (this.failure !== undefined) return;
    const answer = await this.contestant.process.ask({ kind: "batch", milliseconds }, this.limit);
    if (answer.kind !== "timed") {
      this.failure = reasonIn(answer);
      return;
    }
    this.times.set(round, answer.milliseconds);
    this.samples += answer.samples;
    this.extraBytes = answer.extraBytes;
  }
}
