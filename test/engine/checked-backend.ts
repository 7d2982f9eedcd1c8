import assert from "node:assert/strict";
import type { Backend, BackendStats, DeviceBuffer, Elements } from "../../engine/backend.ts";
import { ReferenceBackend } from "../../engine/backends/reference/backend.ts";
import type { DType, Kernel, Numbers, Params } from "../../engine/kernel.ts";

/** The reference backend, which fails when a buffer is used after it was freed, or freed twice. */
export class CheckedBackend implements Backend {
  readonly name = "reference";
  readonly #inner = new ReferenceBackend();
  readonly #live = new Set<DeviceBuffer>();

  describe(): string {
    return "reference, with checks";
  }

  alloc(length: number, dtype: DType): DeviceBuffer {
    const buffer = this.#inner.alloc(length, dtype);
    this.#live.add(buffer);
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    this.#inner.free(this.#checked(buffer));
    this.#live.delete(buffer);
  }

  write(buffer: DeviceBuffer, values: Numbers): void {
    this.#inner.write(this.#checked(buffer), values);
  }

  run<P extends string>(
    kernel: Kernel<P>,
    params: Params<P>,
    inputs: readonly DeviceBuffer[],
    outputs: readonly DeviceBuffer[],
  ): void {
    for (const buffer of [...inputs, ...outputs]) this.#checked(buffer);
    this.#inner.run(kernel, params, inputs, outputs);
  }

  read(buffer: DeviceBuffer): Promise<Elements> {
    return this.#inner.read(this.#checked(buffer));
  }

  peek(buffer: DeviceBuffer): Elements {
    return this.#inner.peek(this.#checked(buffer));
  }

  sync(): Promise<void> {
    return this.#inner.sync();
  }

  stats(): BackendStats {
    return this.#inner.stats();
  }

  destroy(): Promise<void> {
    return this.#inner.destroy();
  }

  #checked(buffer: DeviceBuffer): DeviceBuffer {
    assert(this.#live.has(buffer), "a buffer is used after it was freed");
    return buffer;
  }
}
