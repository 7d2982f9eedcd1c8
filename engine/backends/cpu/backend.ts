import type { Backend, BackendStats, DeviceBuffer, Elements } from "../../backend.ts";
import { BackendError } from "../../errors.ts";
import type { DType, Kernel, Numbers, Params, Pointer } from "../../kernel.ts";
import { runDefinition } from "../reference/backend.ts";
import type { Ceilings, KernelCall } from "../../profile.ts";
import { measureCeilings } from "./ceilings.ts";
import { Machine } from "./machine.ts";

class CpuBuffer implements DeviceBuffer {
  readonly length: number;
  readonly dtype: DType;
  readonly address: Pointer;

  constructor(length: number, dtype: DType, address: Pointer) {
    this.length = length;
    this.dtype = dtype;
    this.address = address;
  }
}

/**
 * float32 on WebAssembly SIMD and threads. `run` computes at once: when it returns, the outputs are there. The same
 * inputs give the same bits on the same kind of machine, whatever the number of threads.
 */
export class CpuBackend implements Backend {
  readonly name = "cpu";
  readonly machine: Machine;
  #liveBuffers = 0;
  #kernelsRun = 0;
  /** Set while a profile is taken. */
  #profile: { readonly start: number; readonly calls: KernelCall[] } | undefined;

  private constructor(machine: Machine) {
    this.machine = machine;
  }

  /** Starts the threads (default: one for each core). */
  static async create(threads?: number): Promise<CpuBackend> {
    return new CpuBackend(await Machine.create(threads === undefined ? {} : { threads }));
  }

  describe(): string {
    return `cpu: ${this.machine.describe()}`;
  }

  alloc(length: number, dtype: DType): DeviceBuffer {
    const buffer = new CpuBuffer(length, dtype, this.machine.heap.alloc(4 * length));
    this.#liveBuffers++;
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    this.machine.heap.free(own(buffer).address);
    this.#liveBuffers--;
  }

  write(buffer: DeviceBuffer, values: Numbers): void {
    this.#view(own(buffer)).set(values);
  }

  run<P extends string>(
    kernel: Kernel<P>,
    params: Params<P>,
    inputs: readonly DeviceBuffer[],
    outputs: readonly DeviceBuffer[],
  ): void {
    this.#kernelsRun++;
    if (!this.#profile) {
      this.#compute(kernel, params, inputs, outputs);
      return;
    }
    const { start, calls } = this.#profile;
    const begin = performance.now();
    this.#compute(kernel, params, inputs, outputs);
    calls.push({
      name: kernel.name,
      start: begin - start,
      milliseconds: performance.now() - begin,
      bytes: [...inputs, ...outputs].reduce((sum, { length }) => sum + 4 * length, 0),
      operations: kernel.operations?.(params) ?? 0,
    });
  }

  read(buffer: DeviceBuffer): Promise<Elements> {
    return Promise.resolve(this.peek(buffer));
  }

  peek(buffer: DeviceBuffer): Elements {
    // A copy outside of the shared memory.
    return this.#view(own(buffer)).slice();
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  startProfile(): void {
    this.#profile = { start: performance.now(), calls: [] };
  }

  endProfile(): Promise<readonly KernelCall[]> {
    const calls = this.#profile?.calls ?? [];
    this.#profile = undefined;
    return Promise.resolve(calls);
  }

  measureCeilings(): Ceilings {
    return measureCeilings(this.machine);
  }

  stats(): BackendStats {
    const { liveBytes, peakBytes } = this.machine.heap.stats();
    return { liveBytes, peakBytes, liveBuffers: this.#liveBuffers, kernelsRun: this.#kernelsRun };
  }

  destroy(): Promise<void> {
    this.machine.destroy();
    return Promise.resolve();
  }

  #compute<P extends string>(
    kernel: Kernel<P>,
    params: Params<P>,
    inputs: readonly DeviceBuffer[],
    outputs: readonly DeviceBuffer[],
  ): void {
    if (kernel.cpu) kernel.cpu(this.machine, params, inputs.map(addressOf), outputs.map(addressOf));
    else
      runDefinition(
        kernel,
        params,
        inputs.map((buffer) => this.#view(own(buffer))),
        outputs.map((buffer) => this.#view(own(buffer))),
      );
  }

  // Made anew each time: a view does not outlive the memory's growth.
  #view({ address, length, dtype }: CpuBuffer): Float32Array | Int32Array {
    const memory = dtype === "f32" ? this.machine.f32 : this.machine.i32;
    return memory.subarray(address / 4, address / 4 + length);
  }
}

function own(buffer: DeviceBuffer): CpuBuffer {
  if (buffer instanceof CpuBuffer) return buffer;
  throw new BackendError("cpu: expected a buffer of this backend, got one of another");
}

const addressOf = (buffer: DeviceBuffer): Pointer => own(buffer).address;
