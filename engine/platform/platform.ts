/** A thread that runs a program given as text. */
export interface WorkerHandle {
  /** Ends the thread, whatever it is doing. */
  terminate(): void;
}

/** What differs between Node and browsers. `node.ts` and `browser.ts` export exactly these names, as "#platform". */
export interface Platform {
  /** Number of threads that can run at the same time, at least 1. */
  readonly coreCount: () => number;
  /** Whether this thread may sleep in `Atomics.wait`. The main thread of a browser may not. */
  readonly canWait: boolean;
  /**
   * Starts a thread that calls `source`, the text of a JavaScript function of one argument, with `data`.
   * The thread does not keep the process alive. If it ends by itself or fails to start, `onDeath` is told why.
   */
  readonly spawnWorker: (source: string, data: unknown, onDeath: (reason: string) => void) => WorkerHandle;
  /** Asks the engine for its relaxed SIMD instructions, where they stand behind a flag. */
  readonly enableRelaxedSimd: () => void;
  /** Whether the machine may have a GPU: a look that costs nothing, before the entrance to WebGPU is loaded. */
  readonly mayHaveGpu: () => boolean;
  /** The entrance to WebGPU, or undefined where there is none. Whoever has it must hold it while a device lives. */
  readonly openGpu: () => Promise<GPU | undefined>;
}
