import { computeStage, bufferUsage } from "./constants.ts";
import { packParams, paramBytes } from "./shader.ts";
import type { Shader } from "./shader.ts";

/** Bytes from one dispatch's parameters to the next in the uniform buffer: at least every device's alignment. */
const SLOT_BYTES = 256;

/**
 * How parameters reach shaders. Where the device has immediates and they suffice, they are part of the command.
 * Otherwise they lie in one uniform buffer, each dispatch of a batch in a slot of its own, chosen by a dynamic offset;
 * the buffer is written at once, just before the batch is submitted. (Writing and running keep their order in the
 * queue, so the next batch may use the same slots.)
 */
export class Parameters {
  readonly #device: GPUDevice;
  readonly #immediateBytes: number;
  readonly #words: Int32Array<ArrayBuffer>;
  readonly #floats: Float32Array;
  readonly #buffer: GPUBuffer;
  readonly #group: GPUBindGroup;
  #slots = 0;
  /** Layout of group 1 of pipelines whose parameters are uniforms. */
  readonly layout: GPUBindGroupLayout;

  constructor(device: GPUDevice, immediateBytes: number, dispatches: number) {
    this.#device = device;
    this.#immediateBytes = immediateBytes;
    this.#words = new Int32Array((dispatches * SLOT_BYTES) / 4);
    this.#floats = new Float32Array(this.#words.buffer);
    this.#buffer = device.createBuffer({
      size: dispatches * SLOT_BYTES,
      usage: bufferUsage.uniform | bufferUsage.copyTarget,
    });
    this.layout = device.createBindGroupLayout({
      entries: [
        { binding: 0, visibility: computeStage, buffer: { type: "uniform", hasDynamicOffset: true } },
      ],
    });
    const resource = { buffer: this.#buffer, size: SLOT_BYTES };
    this.#group = device.createBindGroup({ layout: this.layout, entries: [{ binding: 0, resource }] });
  }

  /** Whether the shader's parameters are immediates. */
  areImmediate(shader: Shader): boolean {
    return paramBytes(shader) <= this.#immediateBytes;
  }

  /** The declaration that completes the shader's text. */
  declaration(shader: Shader): string {
    if (shader.params.length === 0) return "";
    return this.areImmediate(shader)
      ? "requires immediate_address_space;\nvar<immediate> params: Params;\n"
      : "@group(1) @binding(0) var<uniform> params: Params;\n";
  }

  /** Sets the parameters of the next dispatch. */
  set(pass: GPUComputePassEncoder, shader: Shader, values: Readonly<Record<string, number>>): void {
    if (shader.params.length === 0) return;
    if (paramBytes(shader) > SLOT_BYTES) throw new RangeError(`${shader.name}: too many parameters`);
    const slot = (this.#slots * SLOT_BYTES) / 4;
    packParams(shader, values, this.#words, this.#floats, slot);
    if (this.areImmediate(shader)) {
      pass.setImmediates(0, this.#words, slot, shader.params.length);
      return;
    }
    pass.setBindGroup(1, this.#group, [this.#slots * SLOT_BYTES]);
    this.#slots++;
  }

  /** Writes the batch's slots; to be called right before it is submitted. */
  upload(): void {
    if (this.#slots > 0)
      this.#device.queue.writeBuffer(this.#buffer, 0, this.#words, 0, (this.#slots * SLOT_BYTES) / 4);
    this.#slots = 0;
  }

  destroy(): void {
    this.#buffer.destroy();
  }
}
