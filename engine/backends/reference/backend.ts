import type { Backend, BackendStats, DeviceBuffer, Elements } from "../../backend.ts";
import { BackendError } from "../../errors.ts";
import type { DType, Kernel, Numbers, Params } from "../../kernel.ts";
import { Usage } from "../usage.ts";

class ReferenceBuffer implements DeviceBuffer {
  readonly dtype: DType;
  readonly values: Float64Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

  constructor(length: number, dtype: DType) {
    this.dtype = dtype;
    this.values = dtype === "f32" ? new Float64Array(length) : new Int32Array(length);
  }

  get length(): number {
    return this.values.length;
  }
}

/** The oracle: runs every kernel's `js` definition in f64, one output element after another. Slow and plain. */
export class ReferenceBackend implements Backend {
  readonly name = "reference";
  readonly #usage = new Usage();

  describe(): string {
    return "reference: JavaScript, 64-bit floating point, 1 thread";
  }

  alloc(length: number, dtype: DType): DeviceBuffer {
    const buffer = new ReferenceBuffer(length, dtype);
    this.#usage.onAlloc(buffer.values.byteLength);
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    this.#usage.onFree(own(buffer).values.byteLength);
  }

  write(buffer: DeviceBuffer, values: Numbers): void {
    own(buffer).values.set(values);
  }

  run<P extends string>(
    kernel: Kernel<P>,
    params: Params<P>,
    inputs: readonly DeviceBuffer[],
    outputs: readonly DeviceBuffer[],
  ): void {
    runDefinition(
      kernel,
      params,
      inputs.map((buffer) => own(buffer).values),
      outputs.map((buffer) => own(buffer).values),
    );
    this.#usage.onRun();
  }

  read(buffer: DeviceBuffer): Promise<Elements> {
    return Promise.resolve(this.peek(buffer));
  }

  peek(buffer: DeviceBuffer): Elements {
    return own(buffer).values.slice();
  }

  sync(): Promise<void> {
    return Promise.resolve();
  }

  stats(): BackendStats {
    return this.#usage.stats();
  }

  destroy(): Promise<void> {
    return Promise.resolve();
  }
}

function own(buffer: DeviceBuffer): ReferenceBuffer {
  if (buffer instanceof ReferenceBuffer) return buffer;
  throw new BackendError("reference: expected a buffer of this backend, got one of another");
}

/** Evaluates a kernel's `js` bodies over arrays. Outputs may be the same arrays as inputs (in-place kernels). */
export function runDefinition<P extends string>(
  kernel: Kernel<P>,
  params: Params<P>,
  inputs: readonly Numbers[],
  outputs: readonly (Float32Array | Float64Array | Int32Array)[],
): void {
  const thread = { x: 0 };
  const self = { thread, constants: params };
  const args = [...inputs];
  // In place, an output may not change an input before the other outputs have read it.
  const targets = kernel.inPlace ? outputs.map((output) => output.slice()) : outputs;
  Object.keys(kernel.outputs).forEach((name, i) => {
    const body = kernel.js[name]!;
    const target = targets[i]!;
    for (thread.x = 0; thread.x < target.length; thread.x++) target[thread.x] = body.apply(self, args);
  });
  if (kernel.inPlace) outputs.forEach((output, i) => { output.set(targets[i]!); }); // prettier-ignore
}
