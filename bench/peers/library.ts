/** What the benchmark needs of a library, ours or another. */
import type { Problem } from "../problems/problem.ts";
import type { Ceilings } from "../report/report.ts";

/** A problem, ready to be timed. */
export interface Job {
  /** Does it once, and resolves when it is done. */
  readonly run: () => void | Promise<void>;
  /**
   * Does it once, and returns the results in our layout (channels last): what {@link run} computes, to be compared:
   * gradients alone where there are any, the losses of the first two steps of a training.
   */
  readonly outputs: () => Promise<readonly Float32Array[]>;
  /** How much work a run is, where the problem does not tell: a yardstick's operations or bytes. */
  readonly amount?: number;
  /** Bytes beyond the inputs that the library held at most, where it tells. */
  readonly extraBytes?: () => number;
  readonly dispose: () => void;
  /** What really runs, where only the job knows. */
  readonly describe?: () => string;
}

/** A library in a process of its own, started. */
export interface Library {
  /** Version and what computes. */
  describe(): string;
  /** Prepares a problem. Throws {@link Unable} where the library cannot do it, or not so that a comparison would be fair. */
  job(problem: Problem): Promise<Job> | Job;
  /** Times the kernels of so many runs of a problem, where the library can, beside what the machine does at most. */
  readonly profile?: (problem: Problem, runs: number, ceilings: Ceilings) => Promise<Profile>;
}

/** Where the time of a problem goes. */
export interface Profile {
  /** Times by kernel, as text. */
  readonly table: string;
  /** All calls, for the tracing view of a browser (Trace Event Format). */
  readonly trace: string;
}

/** How a library is started. */
export interface Start {
  readonly mode: string;
  readonly threads: number;
}

/** A module of `peers/`. */
export interface Adapter {
  open(start: Start): Promise<Library> | Library;
}

/** A library cannot do a problem; the message is the reason, as it is told in its cell. */
export class Unable extends Error {}
