import { reasonIn, Runner } from "./runner.ts";
import type { Effort } from "./effort.ts";

/** Times a library from the start of its process to its first result. */
export class StartRunner extends Runner {
  /** Does nothing: each round is a first time. */
  override prepare(): Promise<undefined> {
    return Promise.resolve(undefined);
  }

  override warmUp(_round: number, { starts }: Effort): Promise<void> {
    this.rounds = starts;
    return Promise.resolve();
  }

  protected override async batch(round: number): Promise<void> {
    if (this.failure !== undefined) return;
    const { process } = this.contestant;
    process.end();
    const start = performance.now();
    const answer = await process.ask({ kind: "prepare", problem: this.problem }, this.limit);
    const milliseconds = performance.now() - start;
    if (answer.kind !== "prepared") {
      this.failure = reasonIn(answer);
      return;
    }
    this.firstMilliseconds ??= milliseconds;
    this.description = answer.description;
    this.times.set(round, milliseconds);
    this.samples++;
  }
}
