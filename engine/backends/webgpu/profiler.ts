import type { KernelCall } from "../../profile.ts";
import { bufferUsage, mapModeRead } from "./constants.ts";

/** A dispatch to be timed: its shader's name, and the bytes of its buffers. */
export interface Timed {
  readonly name: string;
  readonly bytes: number;
}

/**
 * Times dispatches by the GPU's own clock (`timestamp-query`). Each profiled dispatch is a compute pass of its own,
 * with a time at either end; so it runs after the one before, not beside it, and the sum is more than an unprofiled
 * program takes.
 */
export class Profiler {
  readonly #device: GPUDevice;
  readonly #queries: GPUQuerySet;
  readonly #pending: Timed[] = [];
  readonly #calls: KernelCall[] = [];
  /** The GPU's clock at the first dispatch. */
  #start: bigint | undefined;
  #collecting = Promise.resolve();

  /** For batches of at most so many dispatches. */
  constructor(device: GPUDevice, dispatches: number) {
    this.#device = device;
    this.#queries = device.createQuerySet({ type: "timestamp", count: 2 * dispatches });
  }

  /** Describes the compute pass of one dispatch. */
  pass(dispatch: Timed): GPUComputePassDescriptor {
    const first = 2 * this.#pending.length;
    this.#pending.push(dispatch);
    const [beginningOfPassWriteIndex, endOfPassWriteIndex] = [first, first + 1];
    return { timestampWrites: { querySet: this.#queries, beginningOfPassWriteIndex, endOfPassWriteIndex } };
  }

  /** Ends a batch: fetches its times with `encoder`; what it returns is to be called after the batch is submitted. */
  endBatch(encoder: GPUCommandEncoder): () => void {
    const dispatches = this.#pending.splice(0);
    const size = 16 * dispatches.length;
    if (size === 0) return () => undefined;
    const resolved = this.#device.createBuffer({
      size,
      usage: bufferUsage.queryResolve | bufferUsage.copySource,
    });
    const staging = this.#device.createBuffer({ size, usage: bufferUsage.mapRead | bufferUsage.copyTarget });
    encoder.resolveQuerySet(this.#queries, 0, 2 * dispatches.length, resolved, 0);
    encoder.copyBufferToBuffer(resolved, 0, staging, 0, size);
    return () => {
      const read = async () => {
        await staging.mapAsync(mapModeRead);
        const stamps = new BigUint64Array(staging.getMappedRange());
        dispatches.forEach((dispatch, i) => { this.#add(dispatch, stamps[2 * i] ?? 0n, stamps[2 * i + 1] ?? 0n); }); // prettier-ignore
        staging.destroy();
        resolved.destroy();
      };
      // A lost device has no times; whoever waits for it is told elsewhere.
      this.#collecting = Promise.all([this.#collecting, read().catch(() => undefined)]).then(() => undefined);
    };
  }

  /** The dispatches of all submitted batches. */
  async calls(): Promise<readonly KernelCall[]> {
    await this.#collecting;
    return this.#calls;
  }

  destroy(): void {
    this.#queries.destroy();
  }

  #add({ name, bytes }: Timed, from: bigint, to: bigint): void {
    this.#start ??= from;
    // Some drivers' clocks step back now and then.
    const milliseconds = Math.max(0, Number(to - from) / 1e6);
    this.#calls.push({ name, start: Number(from - this.#start) / 1e6, milliseconds, bytes, operations: 0 });
  }
}
