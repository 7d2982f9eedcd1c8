import type { Backend, BackendStats, DeviceBuffer, Elements } from "../../backend.ts";
import { BackendError, OutOfMemoryError } from "../../errors.ts";
import type { DType, Kernel, Numbers, Params } from "../../kernel.ts";
import type { KernelCall } from "../../profile.ts";
import { Usage } from "../usage.ts";
import { noAdapter, openDevice } from "./device.ts";
import type { Device, DeviceOptions } from "./device.ts";
import { Failures } from "./failures.ts";
import { createMemory, Gpu } from "./gpu.ts";
import type { Memory } from "./gpu.ts";
import { Parameters } from "./params.ts";
import { Pipelines } from "./pipelines.ts";
import { Pool } from "./pool.ts";
import { Profiler } from "./profiler.ts";
import { Readback } from "./readback.ts";
import { BATCH_DISPATCHES, Stream } from "./stream.ts";

/** Has no memory until it is first written to: only then it is known whether by a kernel or by an upload. */
class GpuBuffer implements DeviceBuffer {
  readonly length: number;
  readonly dtype: DType;
  memory: Memory | undefined;

  constructor(length: number, dtype: DType) {
    this.length = length;
    this.dtype = dtype;
  }

  get bytes(): number {
    return 4 * this.length;
  }
}

/** float32 on WebGPU. `run` records; what it records is submitted in batches, and errors surface at the next await. */
export class WebGpuBackend implements Backend {
  readonly name = "webgpu";
  readonly #device: Device;
  readonly #failures: Failures;
  readonly #parameters: Parameters;
  readonly #pipelines: Pipelines;
  readonly #pool: Pool<Memory>;
  readonly #stream: Stream;
  readonly #readback: Readback;
  readonly #gpu: Gpu;
  readonly #largest: number;
  readonly #usage = new Usage();
  /** When the work that was submitted at each earlier pace is done. */
  #paces: Promise<unknown>[] = [];

  private constructor(device: Device) {
    const { gpu } = device;
    this.#device = device;
    this.#failures = new Failures(gpu);
    this.#parameters = new Parameters(gpu, device.immediateBytes, BATCH_DISPATCHES);
    this.#pipelines = new Pipelines(gpu, this.#parameters, this.#failures);
    this.#stream = new Stream(gpu, this.#parameters, this.#failures);
    this.#largest = gpu.limits.maxStorageBufferBindingSize;
    this.#pool = new Pool(
      (bytes) => {
        this.#checkSize("partial results", bytes);
        return createMemory(gpu, this.#failures, bytes, () => this.#outOfMemory(bytes));
      },
      ({ buffer }) => {
        buffer.destroy();
        this.#gpu.forgetGroups();
      },
      () => this.#stream.batch,
      this.#largest,
    );
    this.#readback = new Readback(gpu, this.#stream, this.#failures);
    this.#gpu = new Gpu(device, this.#pipelines, this.#pool, this.#stream);
  }

  /** Opens the fastest adapter. Throws BackendError where there is none. */
  static async create(options: DeviceOptions = {}): Promise<WebGpuBackend> {
    const device = await openDevice(options);
    if (!device) throw noAdapter();
    return new WebGpuBackend(device);
  }

  /** As {@link create}, but undefined where there is no adapter that is hardware. */
  static async createOnHardware(): Promise<WebGpuBackend | undefined> {
    const device = await openDevice({ hardwareOnly: true });
    return device && new WebGpuBackend(device);
  }

  describe(): string {
    const { description, immediateBytes } = this.#device;
    return `webgpu: ${description}; parameters as ${immediateBytes > 0 ? "immediates" : "uniforms"}`;
  }

  alloc(length: number, dtype: DType): DeviceBuffer {
    const buffer = new GpuBuffer(length, dtype);
    this.#checkSize("a tensor", buffer.bytes);
    this.#usage.onAlloc(buffer.bytes);
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    const { memory, bytes } = own(buffer);
    if (memory) this.#pool.giveBack(memory);
    this.#usage.onFree(bytes);
  }

  write(buffer: DeviceBuffer, values: Numbers): void {
    const target = own(buffer);
    if (target.length === 0) return;
    target.memory ??= this.#pool.takeForUpload(target.bytes);
    // Would overtake commands that still use what is there.
    if (target.memory.batch === this.#stream.batch) this.#stream.submit();
    const elements = target.dtype === "f32" ? Float32Array.from(values) : Int32Array.from(values);
    this.#device.gpu.queue.writeBuffer(target.memory.buffer, 0, elements);
  }

  run<P extends string>(
    kernel: Kernel<P>,
    params: Params<P>,
    inputs: readonly DeviceBuffer[],
    outputs: readonly DeviceBuffer[],
  ): void {
    this.#failures.check();
    const { name, wgsl } = kernel;
    if (!wgsl) {
      throw new BackendError(`webgpu: expected a kernel with a wgsl body, got ${name}, which has none`);
    }
    this.#usage.onRun();
    const targets = outputs.map(own);
    if (targets.every(({ length }) => length === 0)) return;
    const block = (buffer: GpuBuffer) => ({ memory: this.#memoryOf(buffer), length: buffer.length });
    const sources = inputs.map((input) => block(own(input)));
    wgsl(this.#gpu, params, sources, targets.map(block));
  }

  async read(buffer: DeviceBuffer): Promise<Elements> {
    const source = own(buffer);
    this.#failures.check();
    if (source.length === 0) return source.dtype === "f32" ? new Float32Array() : new Int32Array();
    const data = await this.#readback.read(this.#memoryOf(source).buffer, source.bytes);
    return source.dtype === "f32" ? new Float32Array(data) : new Int32Array(data);
  }

  async sync(): Promise<void> {
    this.#stream.submit();
    await this.#failures.wait(this.#device.gpu.queue.onSubmittedWorkDone());
  }

  async pace(): Promise<void> {
    this.#stream.submit();
    const [before] = this.#paces;
    const now = this.#device.gpu.queue.onSubmittedWorkDone();
    this.#paces = [now];
    await this.#failures.wait(before ?? Promise.resolve());
  }

  startProfile(): void {
    if (!this.#device.gpu.features.has("timestamp-query")) {
      throw new BackendError(
        "webgpu: expected an adapter that can time kernels, got one without timestamp-query",
      );
    }
    this.#stream.submit();
    this.#stream.profiler = new Profiler(this.#device.gpu, BATCH_DISPATCHES);
  }

  async endProfile(): Promise<readonly KernelCall[]> {
    this.#stream.submit();
    const profiler = this.#stream.profiler;
    this.#stream.profiler = undefined;
    if (!profiler) return [];
    const calls = await this.#failures.wait(profiler.calls());
    profiler.destroy();
    return calls;
  }

  stats(): BackendStats {
    const { hits, misses } = this.#pool.stats();
    return {
      ...this.#usage.stats(),
      caches: {
        pipelines: this.#pipelines.stats(),
        bindGroups: this.#gpu.stats(),
        buffers: { hits, misses },
      },
    };
  }

  destroy(): Promise<void> {
    this.#device.close();
    return this.#failures.lost();
  }

  /** The memory of a buffer. One that was never written to gets some, with whatever is in it. */
  #memoryOf(buffer: GpuBuffer): Memory {
    return (buffer.memory ??= this.#pool.takeForKernel(buffer.bytes));
  }

  /** A shader binds whole buffers, so this is how large they can be. */
  #checkSize(what: string, bytes: number): void {
    if (bytes <= this.#largest) return;
    throw new OutOfMemoryError(
      `webgpu: expected ${what} of at most ${this.#largest} bytes (this adapter's maxStorageBufferBindingSize), ` +
        `got ${bytes} bytes; use smaller batches`,
    );
  }

  #outOfMemory(bytes: number): OutOfMemoryError {
    const { liveBytes } = this.#usage.stats();
    return new OutOfMemoryError(
      `webgpu: expected ${bytes} free bytes on the device, got none beside the ${liveBytes} that live tensors hold; ` +
        "use smaller batches, or dispose tensors (scope) earlier",
    );
  }
}

function own(buffer: DeviceBuffer): GpuBuffer {
  if (buffer instanceof GpuBuffer) return buffer;
  throw new BackendError("webgpu: expected a buffer of this backend, got one of another");
}
