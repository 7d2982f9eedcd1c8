import type { BackendStats } from "../backend.ts";

/** Counts what a backend holds and has done. */
export class Usage {
  #liveBytes = 0;
  #peakBytes = 0;
  #liveBuffers = 0;
  #kernelsRun = 0;

  /** A buffer of so many bytes was made. */
  onAlloc(bytes: number): void {
    this.#liveBuffers++;
    this.#liveBytes += bytes;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
  }

  /** A buffer of so many bytes was given back. */
  onFree(bytes: number): void {
    this.#liveBuffers--;
    this.#liveBytes -= bytes;
  }

  onRun(): void {
    this.#kernelsRun++;
  }

  stats(): BackendStats {
    const [liveBytes, peakBytes] = [this.#liveBytes, this.#peakBytes];
    return { liveBytes, peakBytes, liveBuffers: this.#liveBuffers, kernelsRun: this.#kernelsRun };
  }
}
