import { BackendError } from "../../errors.ts";
import type { Failures } from "./failures.ts";
import type { Grid } from "./grid.ts";
import type { Parameters } from "./params.ts";
import type { Pipeline } from "./pipelines.ts";
import type { Profiler } from "./profiler.ts";
import type { Shader } from "./shader.ts";

/** Dispatches in a batch at most. Submitting costs about as much as encoding ten; waiting longer leaves the GPU idle. */
export const BATCH_DISPATCHES = 64;

/** One call of a shader. */
export interface Dispatch {
  readonly shader: Shader;
  readonly pipeline: Pipeline;
  readonly group: GPUBindGroup;
  readonly params: Readonly<Record<string, number>>;
  readonly grid: Grid;
  /** Of all buffers that are bound. */
  readonly bytes: number;
}

/**
 * The commands on their way to the GPU. They are recorded into one open compute pass and submitted as a batch: when it
 * is full, at a read, or before an upload that must wait for it.
 */
export class Stream {
  /** Set while a profile is taken. */
  profiler: Profiler | undefined;
  readonly #device: GPUDevice;
  readonly #parameters: Parameters;
  readonly #failures: Failures;
  #encoder: GPUCommandEncoder | undefined;
  #pass: GPUComputePassEncoder | undefined;
  #names: string[] = [];
  #batch = 1;

  constructor(device: GPUDevice, parameters: Parameters, failures: Failures) {
    this.#device = device;
    this.#parameters = parameters;
    this.#failures = failures;
  }

  /** Number of the batch that is being recorded. A buffer last used by an earlier one may be written to. */
  get batch(): number {
    return this.#batch;
  }

  /** Records a call of a shader. */
  dispatch({ shader, pipeline, group, params, grid, bytes }: Dispatch): void {
    const pass = this.#openPass(shader.name, bytes);
    pass.setPipeline(pipeline.compiled);
    pass.setBindGroup(0, group);
    this.#parameters.set(pass, shader, params);
    pass.dispatchWorkgroups(...grid);
    this.#names.push(shader.name);
    if (this.profiler) this.#closePass();
    if (this.#names.length === BATCH_DISPATCHES) this.submit();
  }

  /** Records a copy between buffers. */
  copy(source: GPUBuffer, target: GPUBuffer, bytes: number): void {
    this.#closePass();
    this.#open().copyBufferToBuffer(source, 0, target, 0, bytes);
  }

  /** Hands everything recorded to the GPU. */
  submit(): void {
    const encoder = this.#encoder;
    if (!encoder) return;
    this.#closePass();
    const afterwards = this.profiler?.endBatch(encoder);
    this.#parameters.upload();
    const names = [...new Set(this.#names)].join(", ");
    const explain = (message: string) => new BackendError(`webgpu: in a batch of ${names}: ${message}`);
    this.#failures.watch(this.#device, "validation", explain, () => {
      this.#device.queue.submit([encoder.finish()]);
    });
    this.#encoder = undefined;
    this.#names = [];
    this.#batch++;
    afterwards?.();
  }

  #open(): GPUCommandEncoder {
    return (this.#encoder ??= this.#device.createCommandEncoder());
  }

  #openPass(name: string, bytes: number): GPUComputePassEncoder {
    return (this.#pass ??= this.#open().beginComputePass(this.profiler?.pass({ name, bytes })));
  }

  #closePass(): void {
    this.#pass?.end();
    this.#pass = undefined;
  }
}
