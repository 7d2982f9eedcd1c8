import { bufferUsage, mapModeRead } from "./constants.ts";
import type { Failures } from "./failures.ts";
import { sizeClass } from "./pool.ts";
import type { Stream } from "./stream.ts";

/** Reads buffers through staging buffers, which the host can map, and keeps those for the next reads. */
export class Readback {
  readonly #device: GPUDevice;
  readonly #stream: Stream;
  readonly #failures: Failures;
  readonly #idle = new Map<number, GPUBuffer[]>();

  constructor(device: GPUDevice, stream: Stream, failures: Failures) {
    this.#device = device;
    this.#stream = stream;
    this.#failures = failures;
  }

  /** The first `bytes` of a buffer, as they are after everything recorded so far. Submits it. */
  async read(source: GPUBuffer, bytes: number): Promise<ArrayBuffer> {
    const size = sizeClass(bytes);
    const idle = this.#idle.get(size) ?? [];
    this.#idle.set(size, idle);
    const usage = bufferUsage.mapRead | bufferUsage.copyTarget;
    const staging = idle.pop() ?? this.#device.createBuffer({ size, usage });
    this.#stream.copy(source, staging, bytes);
    this.#stream.submit();
    await this.#failures.wait(staging.mapAsync(mapModeRead, 0, bytes));
    const data = staging.getMappedRange(0, bytes).slice(0);
    staging.unmap();
    idle.push(staging);
    return data;
  }
}
