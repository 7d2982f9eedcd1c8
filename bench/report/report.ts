/** What a run leaves in its JSON file. */
import type { PeerName } from "../peers/peers.ts";
import type { Problem, Work } from "../problems/problem.ts";

/** A library's times in a row. */
export interface Measured {
  /** In one of its modes: "tfjs wasm". */
  readonly library: string;
  readonly peer: PeerName;
  /** Version, and what really ran. */
  readonly description: string;
  /** Median of the rounds. */
  readonly milliseconds: number;
  /** Medians of the batches. */
  readonly rounds: readonly number[];
  /** Calls in all batches. */
  readonly samples: number;
  /** Of the first call, with what it compiles and the results read back. */
  readonly firstMilliseconds: number;
  /** Operations, bytes or images in a second. */
  readonly rate: number;
  /** Share of the ceiling in the same row. */
  readonly fraction?: number;
  /** Its time as a multiple of ours, median of the rounds: above 1 we are faster. */
  readonly ratio?: number;
  /**
   * How far the median of other rounds may lie, as a share: of the ratio, or else of the share of the ceiling, or else of
   * the time.
   */
  readonly spread: number;
  /** Greatest difference of its result from ours, as a share of the greatest value. */
  readonly difference?: number;
  readonly extraBytes?: number;
}

/** A library that has no times, and why. */
export interface NotMeasured {
  readonly library: string;
  readonly reason: string;
}

export interface RowReport {
  readonly topic: string;
  readonly name: string;
  readonly problem: Problem;
  readonly work: Work;
  /** What the machine did at most in the same rounds, in a second: in the micro-kernel, or copying. */
  readonly ceiling?: number;
  /** Ours first. */
  readonly measured: readonly Measured[];
  readonly notMeasured: readonly NotMeasured[];
}

/** What the machine did at most, of all rows: medians, in a second. */
export interface Ceilings {
  readonly registers?: number;
  readonly microKernel?: number;
  readonly copy?: number;
}

export interface BenchReport {
  readonly format: 1;
  readonly command: string;
  readonly date: string;
  readonly seconds: number;
  readonly machine: {
    readonly processor: string;
    readonly cores: number;
    readonly memoryBytes: number;
    readonly system: string;
    readonly node: string;
    /** Average load of the last minute at start and end: what other processes took is in it. */
    readonly load: readonly [number, number];
  };
  readonly backend: string;
  /** Threads, instruction set, adapter. */
  readonly description: string;
  readonly threads: number;
  readonly commit: string;
  /** Of the libraries that ran. */
  readonly versions: Readonly<Record<string, string>>;
  readonly ceilings: Ceilings;
  /** Libraries that did not start, and why. */
  readonly missing: readonly NotMeasured[];
  readonly rows: readonly RowReport[];
}

/** Two runs that differ by more than this differ. */
export const DIFFERENT = 0.1;

/** Of fewer rounds there is no 95 % interval. */
const FEW = 6;

/** Whether two runs may well differ so: each may be off by the spread. */
export const isNoisy = ({ spread, rounds }: Measured): boolean =>
  spread > DIFFERENT / 2 || rounds.length < FEW;
