import type { KernelTime } from "../../backend.ts";
import { bufferUsage, mapModeRead } from "./constants.ts";

/**
 * Times dispatches by the GPU's own clock (`timestamp-query`). Each profiled dispatch is a compute pass of its own,
 * with a time at either end; so it runs after the one before, not beside it, and the sum is more than an unprofiled
 * program takes.
 */
export class Profiler {
  readonly #device: GPUDevice;
  readonly #queries: GPUQuerySet;
  readonly #names: string[] = [];
  readonly #times = new Map<string, { calls: number; nanoseconds: number }>();
  #collecting = Promise.resolve();

  /** For batches of at most so many dispatches. */
  constructor(device: GPUDevice, dispatches: number) {
    this.#device = device;
    this.#queries = device.createQuerySet({ type: "timestamp", count: 2 * dispatches });
  }

  /** Describes the compute pass of one dispatch. */
  pass(name: string): GPUComputePassDescriptor {
    const first = 2 * this.#names.length;
    this.#names.push(name);
    const [beginningOfPassWriteIndex, endOfPassWriteIndex] = [first, first + 1];
    return { timestampWrites: { querySet: this.#queries, beginningOfPassWriteIndex, endOfPassWriteIndex } };
  }

  /** Ends a batch: fetches its times with `encoder`; what it returns is to be called after the batch is submitted. */
  endBatch(encoder: GPUCommandEncoder): () => void {
    const names = this.#names.splice(0);
    const size = 16 * names.length;
    if (size === 0) return () => undefined;
    const resolved = this.#device.createBuffer({
      size,
      usage: bufferUsage.queryResolve | bufferUsage.copySource,
    });
    const staging = this.#device.createBuffer({ size, usage: bufferUsage.mapRead | bufferUsage.copyTarget });
    encoder.resolveQuerySet(this.#queries, 0, 2 * names.length, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
    return () => {
      const read = async () => {
        await staging.mapAsync(mapModeRead);
        const stamps = new BigUint64Array(staging.getMappedRange());
        names.forEach((name, i) => { this.#add(name, Number((stamps[2 * i + 1] ?? 0n) - (stamps[2 * i] ?? 0n))); }); // prettier-ignore
        staging.destroy();
        resolved.destroy();
      };
      // A lost device has no times; whoever waits for it is told elsewhere.
      this.#collecting = Promise.all([this.#collecting, read().catch(() => undefined)]).then(() => undefined);
    };
  }

  /** The times of all submitted batches, the longest first. */
  async times(): Promise<readonly KernelTime[]> {
    await this.#collecting;
    return [...this.#times]
      .map(([name, { calls, nanoseconds }]) => ({ name, calls, milliseconds: nanoseconds / 1e6 }))
      .sort((a, b) => b.milliseconds - a.milliseconds);
  }

  destroy(): void {
    this.#queries.destroy();
  }

  #add(name: string, nanoseconds: number): void {
    const entry = this.#times.get(name) ?? { calls: 0, nanoseconds: 0 };
    entry.calls++;
    // Some drivers' clocks step back now and then.
    entry.nanoseconds += Math.max(0, nanoseconds);
    this.#times.set(name, entry);
  }
}
