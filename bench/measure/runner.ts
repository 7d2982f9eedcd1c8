import type { Contestant } from "./contestant.ts";
import type { Answer, Prepared } from "./protocol.ts";
import { median } from "./statistics.ts";

/** How much is done for each row. */
export interface Effort {
  readonly rounds: number;
  /** Of a batch. */
  readonly milliseconds: number;
  /** For all batches of a library in a row. */
  readonly seconds: number;
  /** For one call: a library that is expected to need longer is left out, and stopped if it needs twice as long. */
  readonly patience: number;
  /** Whether rows may ask for more patience. */
  readonly mayWait: boolean;
}

/** Why there is no such answer. */
export const reasonIn = (answer: Answer): string =>
  answer.kind !== "refused"
    ? `expected another answer, got ${answer.kind}`
    : answer.isBug
      ? `error: ${answer.reason}`
      : answer.reason;

/** A library that has done a problem once, and is timed. */
export class Runner {
  readonly contestant: Contestant;
  readonly prepared: Prepared;
  /** Of its result from ours, as a share of the greatest value. */
  readonly difference: number;
  /** Seconds that it may take to answer. */
  readonly limit: number;
  /** Medians of its batches in milliseconds, by round. */
  readonly times: number[] = [];
  /** Calls in all batches. */
  samples = 0;
  extraBytes: number | undefined;
  /** Why it could not go on. */
  failure: string | undefined;
  #rounds = 0;

  constructor(contestant: Contestant, prepared: Prepared, limit: number, difference = 0) {
    this.contestant = contestant;
    this.prepared = prepared;
    this.limit = limit;
    this.difference = difference;
  }

  get milliseconds(): number {
    return median(this.times);
  }

  /** A batch that lets engines compile, and tells how many rounds there is time for; the only one, if there is for none. */
  async warmUp(effort: Effort): Promise<void> {
    await this.#batch(effort.milliseconds);
    const [time = 0] = this.times;
    if (this.failure !== undefined || time > 1000 * effort.seconds) return;
    const affordable = Math.floor((1000 * effort.seconds) / Math.max(time, effort.milliseconds));
    this.#rounds = Math.min(effort.rounds, Math.max(1, affordable));
    this.times.length = 0;
    this.samples = 0;
  }

  /** The batch of a round, if it takes part in it. */
  async round(round: number, { milliseconds }: Effort): Promise<void> {
    if (round < this.#rounds) await this.#batch(milliseconds);
  }

  async finish(): Promise<void> {
    await this.contestant.process.ask({ kind: "finish" }, 10);
  }

  async #batch(milliseconds: number): Promise<void> {
    if (this.failure !== undefined) return;
    const answer = await this.contestant.process.ask({ kind: "batch", milliseconds }, this.limit);
    if (answer.kind !== "timed") {
      this.failure = reasonIn(answer);
      return;
    }
    this.times.push(answer.milliseconds);
    this.samples += answer.samples;
    this.extraBytes = answer.extraBytes;
  }
}
