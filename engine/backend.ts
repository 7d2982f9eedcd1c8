import { mayHaveGpu } from "#platform";
import type { GpujsMode } from "./backends/gpujs/modes.ts";
import { BackendError, ValueError } from "./errors.ts";
import type { DType, Kernel, Numbers, Params } from "./kernel.ts";
import type { Ceilings, KernelCall } from "./profile.ts";

/** The backends by name. */
export const backendNames = ["reference", "cpu", "webgpu", "gpujs"] as const;

/** Name of a backend. */
export type BackendName = (typeof backendNames)[number];

/** A backend's own handle on a block of elements. Opaque to everyone else. */
export interface DeviceBuffer {
  /** Number of elements. */
  readonly length: number;
  readonly dtype: DType;
}

/** Elements read back from a backend: f64 from the reference, f32 from the others, i32 for integers. */
export type Elements = Float32Array | Float64Array | Int32Array;

/** What a backend tells of its work so far. */
export interface BackendStats {
  /** Bytes now held by buffers. */
  readonly liveBytes: number;
  /** The most bytes that were held at one time. */
  readonly peakBytes: number;
  /** Buffers now alive. */
  readonly liveBuffers: number;
  /** Kernels run since the backend was made. */
  readonly kernelsRun: number;
  /** By cache: how often it had what was wanted, and how often that had to be made. */
  readonly caches?: Readonly<Record<string, { readonly hits: number; readonly misses: number }>>;
}

/** What runs kernels. It knows buffers and kernels, and nothing of shapes, ops or gradients. */
export interface Backend {
  readonly name: string;
  /**
   * Where it computes on this machine's processor: threads, the main one included, and whether programs may use relaxed
   * SIMD, with which the last bits of results differ. Absent elsewhere.
   */
  readonly machine?: { readonly threads: number; readonly relaxedSimd: boolean };
  /** One line for people: what really runs (threads, instruction set, adapter). */
  describe(): string;
  /** A buffer of `length` elements, not initialised. Throws OutOfMemoryError. */
  alloc(length: number, dtype: DType): DeviceBuffer;
  /** Gives a buffer back. */
  free(buffer: DeviceBuffer): void;
  /** Copies as many values into a buffer as it has elements. */
  write(buffer: DeviceBuffer, values: Numbers): void;
  /**
   * Queues a kernel. Errors may surface at the next `read` or `sync`. The record of parameters is read before `run`
   * returns: a launch brings the same one again with other numbers in it, but never with other sizes.
   */
  run<P extends string>(
    kernel: Kernel<P>,
    params: Params<P>,
    inputs: readonly DeviceBuffer[],
    outputs: readonly DeviceBuffer[],
  ): void;
  /** The elements, once everything queued so far has run. */
  read(buffer: DeviceBuffer): Promise<Elements>;
  /** The elements at once, where the backend computes synchronously. For printing; absent on a GPU. */
  peek?(buffer: DeviceBuffer): Elements;
  /** Resolves when everything queued so far has run. */
  sync(): Promise<void>;
  /**
   * Awaited once in each step of a loop that reads nothing, keeps the program at most two steps ahead of the device.
   * Absent where `run` computes at once.
   */
  pace?(): Promise<void>;
  /** Times kernels from now on, which may slow them down. Absent where kernels cannot be timed. */
  startProfile?(): void;
  /** Stops timing, and tells all calls since. */
  endProfile?(): Promise<readonly KernelCall[]>;
  /** Measures what the machine does at most, in a second or less. Absent where that cannot be measured. */
  measureCeilings?(): Ceilings;
  /** What it holds and has done. */
  stats(): BackendStats;
  /** Gives back memory and threads. The backend cannot be used afterwards. */
  destroy(): Promise<void>;
}

let current: Backend | undefined;

/** Makes `backend` the one on which new tensors are created, and returns the one before. */
export function setBackend(backend: Backend | undefined): Backend | undefined {
  const previous = current;
  current = backend;
  return previous;
}

/** The backend on which new tensors are created. Throws BackendError before `init`. */
export function currentBackend(): Backend {
  if (!current) {
    throw new BackendError(
      `spheregrad: expected an initialised backend, got none; call await init({ backend: "auto" }) first`,
    );
  }
  return current;
}

/** Options of {@link init}. */
export interface InitOptions {
  /** `auto` (the default) is webgpu where there is an adapter that is hardware, else cpu. */
  readonly backend?: BackendName | "auto";
  /** Threads of the cpu backend, the main one included. Default: one per core. */
  readonly threads?: number;
  /** How gpu.js runs kernels on the gpujs backend. Default: the first of webgl2, webasm, cpu that works here. */
  readonly gpujsMode?: GpujsMode;
}

/**
 * Creates a backend and makes it the current one. Never falls back to another than the one asked for.
 * Throws ValueError for an unknown name, a bad number of threads on cpu or an unknown mode on gpujs, and BackendError
 * where there is no adapter for webgpu, or no gpu.js for gpujs.
 */
export async function init(options: InitOptions = {}): Promise<Backend> {
  const { backend = "auto" } = options;
  const created = await create(backend, options);
  setBackend(created);
  return created;
}

// Imported on demand, so that a program loads only the backend it runs on.
async function create(name: BackendName | "auto", options: InitOptions): Promise<Backend> {
  switch (name) {
    case "reference": {
      const { ReferenceBackend } = await import("./backends/reference/backend.ts");
      return new ReferenceBackend();
    }
    case "webgpu": {
      const { WebGpuBackend } = await import("./backends/webgpu/backend.ts");
      return WebGpuBackend.create();
    }
    case "auto":
      return (await createOnHardware()) ?? create("cpu", options);
    case "cpu": {
      const { CpuBackend } = await import("./backends/cpu/backend.ts");
      return CpuBackend.create(options.threads);
    }
    case "gpujs": {
      const { GpujsBackend } = await import("./backends/gpujs/backend.ts");
      return GpujsBackend.create(options.gpujsMode);
    }
    default:
      name satisfies never;
      throw new ValueError(
        `init: expected a backend among auto, ${backendNames.join(", ")}, got ${JSON.stringify(name)}`,
      );
  }
}

/** The webgpu backend, or undefined where the machine has no GPU, or none that opens. */
async function createOnHardware(): Promise<Backend | undefined> {
  if (!mayHaveGpu()) return undefined;
  const { WebGpuBackend } = await import("./backends/webgpu/backend.ts");
  return WebGpuBackend.createOnHardware().catch(() => undefined);
}
