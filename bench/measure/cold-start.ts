import type { Effort } from "./effort.ts";
import type { Timed } from "./protocol.ts";
import { reasonIn, Runner } from "./runner.ts";

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

  override finish(): Promise<void> {
    return Promise.resolve();
  }

  protected override async batch(): Promise<Timed | undefined> {
    const { process } = this.contestant;
    process.end();
    const start = performance.now();
    const answer = await process.ask({ kind: "prepare", problem: this.problem }, this.limit);
    const milliseconds = performance.now() - start;
    process.end(); // its threads would look for work in the next one's turn
    if (answer.kind !== "prepared") {
      this.failure = reasonIn(answer);
      return undefined;
    }
    this.firstMilliseconds ??= milliseconds;
    this.description = answer.description;
    return { kind: "timed", milliseconds, samples: 1, extraBytes: undefined };
  }
}
