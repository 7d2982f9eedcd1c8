import type { Backend } from "../../engine/backend.ts";
import { ValueError } from "../../engine/errors.ts";
import { formatProfile } from "../../engine/profile-table.ts";
import { chromeTrace, timesByKernel } from "../../engine/profile.ts";

/** Steps that compile kernels, and are not timed. */
const WARM_UP = 2;

/** Times the kernels of some steps of a training. */
export class StepProfile {
  readonly #backend: Backend;
  readonly #steps: number;
  #seen = 0;
  #start = 0;
  /** What there is to say: once the steps are done. */
  report: { readonly table: string; readonly trace: string } | undefined;

  /** Throws ValueError for a backend that cannot time kernels. */
  constructor(backend: Backend, steps: number) {
    if (!backend.startProfile) {
      throw new ValueError(`--profile: expected a backend that times kernels, got ${backend.name}`);
    }
    this.#backend = backend;
    this.#steps = steps;
  }

  /** To be called after each step. */
  async onStep(): Promise<void> {
    this.#seen++;
    if (this.#seen === WARM_UP) {
      this.#backend.startProfile?.();
      this.#start = performance.now();
    }
    if (this.#seen !== WARM_UP + this.#steps) return;
    const calls = (await this.#backend.endProfile?.()) ?? [];
    const milliseconds = performance.now() - this.#start;
    const ceilings = this.#backend.measureCeilings?.();
    const known = ceilings
      ? `; ceilings: ${(ceilings.operations / 1e9).toFixed(0)} GFLOP/s in the micro-kernel, ${(ceilings.bytes / 1e9).toFixed(0)} GB/s copying`
      : "";
    this.report = {
      table: `${this.#steps} steps${known}\n${formatProfile(timesByKernel(calls), milliseconds, ceilings)}`,
      trace: chromeTrace(calls),
    };
  }
}
