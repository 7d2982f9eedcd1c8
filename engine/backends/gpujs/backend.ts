import type { Backend, BackendStats, DeviceBuffer, Elements } from "../../backend.ts";
import { BackendError, OutOfMemoryError, ValueError } from "../../errors.ts";
import type { DType, Kernel, Numbers, Params } from "../../kernel.ts";
import { Usage } from "../usage.ts";
import { chooseMode, loadLibrary } from "./library.ts";
import type { GpujsMode } from "./modes.ts";
import { Programs } from "./programs.ts";

/** gpu.js computes indices in f32, which has all integers up to this one and no further. */
const largestInteger = 2 ** 24;

class GpujsBuffer implements DeviceBuffer {
  readonly dtype: DType;
  /** Integers too: gpu.js knows f32 only. */
  readonly values: Float32Array<ArrayBuffer>;

  constructor(length: number, dtype: DType) {
    this.dtype = dtype;
    this.values = new Float32Array(length);
  }

  get length(): number {
    return this.values.length;
  }
}

/** What a mode computes with. */
const modes: Record<GpujsMode, string> = {
  webgl2: "WebGL 2 fragment shaders",
  webasm: "WebAssembly SIMD, 1 thread",
  cpu: "JavaScript, 1 thread",
};

/**
 * float32 by gpu.js, which compiles the `js` definition of every kernel: for browsers without WebGPU, and a second
 * implementation, against which the others are held. Buffers lie in JavaScript's memory and go to and fro for each
 * kernel; `run` computes at once. Integers, lengths among them, are exact up to 2^24.
 */
export class GpujsBackend implements Backend {
  readonly name = "gpujs";
  readonly #mode: GpujsMode;
  readonly #programs: Programs;
  readonly #usage = new Usage();

  private constructor(mode: GpujsMode, programs: Programs) {
    this.#mode = mode;
    this.#programs = programs;
  }

  /**
   * Loads gpu.js, in the given mode or the best one here. Throws BackendError where it is not installed or the mode
   * does not work, ValueError for an unknown mode.
   */
  static async create(asked?: GpujsMode): Promise<GpujsBackend> {
    const library = await loadLibrary();
    const mode = chooseMode(library, asked);
    return new GpujsBackend(mode, new Programs(library, mode));
  }

  describe(): string {
    return `gpujs: gpu.js in mode ${this.#mode}: ${modes[this.#mode]}`;
  }

  alloc(length: number, dtype: DType): DeviceBuffer {
    if (length > largestInteger) {
      throw new OutOfMemoryError(
        `gpujs: expected at most ${largestInteger} elements in a tensor, got ${length}; use another backend`,
      );
    }
    const buffer = new GpujsBuffer(length, dtype);
    this.#usage.onAlloc(buffer.values.byteLength);
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    this.#usage.onFree(own(buffer).values.byteLength);
  }

  write(buffer: DeviceBuffer, values: Numbers): void {
    const { dtype, values: target } = own(buffer);
    const rounded = dtype === "i32" && Array.from(values).find((value) => Math.abs(value) > largestInteger);
    if (rounded) throw new ValueError(`gpujs: expected integers up to ${largestInteger}, got ${rounded}`);
    target.set(values);
  }

  run<P extends string>(
    kernel: Kernel<P>,
    params: Params<P>,
    inputs: readonly DeviceBuffer[],
    outputs: readonly DeviceBuffer[],
  ): void {
    const from = inputs.map((buffer) => own(buffer).values);
    const to = outputs.map((buffer) => own(buffer).values);
    // All before the first is written, since in place an output is an input of the others too.
    const results = Object.keys(kernel.outputs).map((name, i) => {
      const body = kernel.js[name];
      if (!body)
        throw new BackendError(`gpujs: expected a js body for output ${name} of ${kernel.name}, got none`);
      return this.#programs.run(kernel.name, body, params, from, to[i]?.length ?? 0);
    });
    to.forEach((values, i) => { values.set(results[i] ?? []); }); // prettier-ignore
    this.#usage.onRun();
  }

  read(buffer: DeviceBuffer): Promise<Elements> {
    return Promise.resolve(this.peek(buffer));
  }

  peek(buffer: DeviceBuffer): Elements {
    const { dtype, values } = own(buffer);
    return dtype === "f32" ? values.slice() : Int32Array.from(values);
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  stats(): BackendStats {
    return { ...this.#usage.stats(), caches: { programs: this.#programs.stats() } };
  }

  destroy(): Promise<void> {
    return this.#programs.destroy();
  }
}

function own(buffer: DeviceBuffer): GpujsBuffer {
  if (buffer instanceof GpujsBuffer) return buffer;
  throw new BackendError("gpujs: expected a buffer of this backend, got one of another");
}
