/** How much is done for each row. */
export interface Effort {
  /** Times that all rows are gone through, so that a row's rounds lie minutes apart. */
  readonly sweeps: number;
  /** Of a row in a sweep. */
  readonly rounds: number;
  /** Of a batch. */
  readonly milliseconds: number;
  /** For all batches of a library in a row in a sweep. */
  readonly seconds: number;
  /** Starts of a library's process in a sweep, where they are timed: no more than `rounds`. */
  readonly starts: number;
  /** For one call: a library that is expected to need longer is left out, and stopped if it needs twice as long. */
  readonly patience: number;
  /** Whether rows may ask for more patience. */
  readonly mayWait: boolean;
}

export const efforts = {
  full: { sweeps: 3, rounds: 6, milliseconds: 40, seconds: 1.5, starts: 2, patience: 12, mayWait: true },
  quick: { sweeps: 1, rounds: 3, milliseconds: 30, seconds: 1, starts: 3, patience: 2, mayWait: false },
} as const satisfies Record<string, Effort>;
