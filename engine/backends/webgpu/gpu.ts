import { BackendError } from "../../errors.ts";
import { bufferUsage } from "./constants.ts";
import type { Device } from "./device.ts";
import type { Failures } from "./failures.ts";
import { foldGrid } from "./grid.ts";
import type { Grid } from "./grid.ts";
import type { Pipelines } from "./pipelines.ts";
import type { Pool } from "./pool.ts";
import type { Shader } from "./shader.ts";
import type { Stream } from "./stream.ts";

/** Invocations in a workgroup of shaders that compute one element each. */
export const WORKGROUP = 64;

/** A block of GPU memory. */
export class Memory {
  readonly id: number;
  readonly buffer: GPUBuffer;
  readonly bytes: number;
  /** The last batch of the stream that uses it. */
  batch = 0;

  constructor(id: number, buffer: GPUBuffer, bytes: number) {
    this.id = id;
    this.buffer = buffer;
    this.bytes = bytes;
  }
}

/** A tensor's elements, or partial results, as shaders see them. */
export interface Block {
  readonly memory: Memory;
  /** Elements of 32 bits. The memory may be larger. */
  readonly length: number;
}

/** What kernels' `wgsl` bodies run on: calls shaders, and lends memory for partial results. */
export class Gpu {
  /** Whether the adapter is software on the CPU: other ways of cutting work are faster there. */
  readonly software: boolean;
  readonly #device: GPUDevice;
  readonly #pipelines: Pipelines;
  readonly #pool: Pool<Memory>;
  readonly #stream: Stream;
  readonly #groups = new Map<string, GPUBindGroup>();
  #hits = 0;
  #misses = 0;

  constructor(device: Device, pipelines: Pipelines, pool: Pool<Memory>, stream: Stream) {
    this.software = device.software;
    this.#device = device.gpu;
    this.#pipelines = pipelines;
    this.#pool = pool;
    this.#stream = stream;
  }

  /** Calls a shader over a grid of workgroups. `blocks` are those of its bindings; a grid may be empty. */
  dispatch(
    shader: Shader,
    blocks: readonly Block[],
    params: Readonly<Record<string, number>>,
    grid: Grid,
  ): void {
    if (grid.includes(0)) return;
    const buffers = blocks.map(({ memory }) => memory);
    checkBuffers(shader, buffers);
    const pipeline = this.#pipelines.get(shader);
    const key = `${pipeline.bindings}:${buffers.map(({ id }) => id).join()}`;
    let group = this.#groups.get(key);
    if (group) this.#hits++;
    else {
      this.#misses++;
      const entries = buffers.map(({ buffer }, binding) => ({ binding, resource: { buffer } }));
      this.#groups.set(key, (group = this.#device.createBindGroup({ layout: pipeline.layout, entries })));
    }
    for (const memory of buffers) memory.batch = this.#stream.batch;
    const bytes = blocks.reduce((sum, { length }) => sum + 4 * length, 0);
    this.#stream.dispatch({ shader, pipeline, group, params, grid, bytes });
  }

  /**
   * Calls a shader of one-dimensional workgroups of {@link WORKGROUP} invocations, at least one for each element; the
   * shader's parameter `size` tells their number.
   */
  forEach(
    shader: Shader,
    blocks: readonly Block[],
    params: Readonly<Record<string, number>>,
    size: number,
  ): void {
    this.dispatch(shader, blocks, { ...params, size }, foldGrid(Math.ceil(size / WORKGROUP)));
  }

  /** Lends memory for `length` elements to the shaders that `body` calls. */
  withScratch(length: number, body: (scratch: Block) => void): void {
    const memory = this.#pool.takeForKernel(4 * length);
    try {
      body({ memory, length });
    } finally {
      this.#pool.giveBack(memory);
    }
  }

  /** Forgets all bind groups: some buffer of theirs is gone. */
  forgetGroups(): void {
    this.#groups.clear();
  }

  /** How often a bind group was there when wanted, and how often not. */
  stats() {
    return { hits: this.#hits, misses: this.#misses };
  }
}

/** A buffer that a shader writes to may have no other binding. */
function checkBuffers({ name, access }: Shader, buffers: readonly Memory[]): void {
  const written = buffers.filter((_, i) => access[i] === "read_write");
  const aliased = written.some((memory) => buffers.indexOf(memory) !== buffers.lastIndexOf(memory));
  if (buffers.length === access.length && !aliased) return;
  throw new BackendError(
    `${name}: expected ${access.length} buffers, those that are written to different from all others, got ids ${buffers.map(({ id }) => id).join(", ")}`,
  );
}

let ids = 0;

/** Makes memory of a device. Running out of it is reported later, as everything on a GPU. */
export function createMemory(
  device: GPUDevice,
  failures: Failures,
  bytes: number,
  outOfMemory: () => Error,
): Memory {
  const usage = bufferUsage.storage | bufferUsage.copySource | bufferUsage.copyTarget;
  return failures.watch(device, "out-of-memory", outOfMemory, () => {
    return new Memory(ids++, device.createBuffer({ size: bytes, usage }), bytes);
  });
}
