import type { Problem } from "../problems/problem.ts";

/** A row of the table. */
export interface Row {
  readonly topic: string;
  readonly name: string;
  readonly problem: Problem;
  /** Part of a quick run. */
  readonly quick?: boolean;
  /** Why no other library is asked: told once for all. */
  readonly alone?: string;
  /** Seconds to wait for a call in a full run, if more than for other rows. */
  readonly patience?: number;
  /** Timed from the start of a new process to the first result. */
  readonly coldStart?: boolean;
  /** In a new process of ours, so that its most memory is that of this row. */
  readonly tellsMemory?: boolean;
  /** Ours with these numbers of threads, and nobody else. */
  readonly threads?: readonly number[];
}

/** What a suite is told of the run. */
export interface SuiteOptions {
  readonly backend: "cpu" | "webgpu";
  readonly threads: number;
}
