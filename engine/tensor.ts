// The types of `using`: without this line they would be missing from the declarations in dist.
/// <reference lib="esnext.disposable" preserve="true" />
import type { Backend, DeviceBuffer, Elements } from "./backend.ts";
import { isDebug } from "./debug.ts";
import { DisposedError, ShapeError } from "./errors.ts";
import { formatTensor } from "./format.ts";
import type { DType, Numbers } from "./kernel.ts";
import { track, untrack } from "./scope.ts";
import { formatShape } from "./shape.ts";
import type { Shape } from "./shape.ts";
import type { Variable } from "./tape.ts";

/** A buffer of a backend, shared by the tensors that see the same elements (under other shapes). */
export class Storage {
  readonly backend: Backend;
  readonly buffer: DeviceBuffer;
  /** Range of the elements where known (integers). */
  bounds: Bounds | undefined;
  #handles = 0;

  constructor(backend: Backend, length: number, dtype: DType) {
    this.backend = backend;
    this.buffer = backend.alloc(length, dtype);
  }

  /** Overwrites all elements with numbers from the host, integers with the range in which they lie. */
  write(values: Numbers, bounds?: Bounds): void {
    this.backend.write(this.buffer, values);
    this.bounds = bounds;
  }

  /** Whether several hold it: writing in place would change the elements of all. */
  get isShared(): boolean {
    return this.#handles > 1;
  }

  /** Counts a tensor that uses this storage. */
  retain(): void {
    this.#handles++;
  }

  /** Undoes {@link retain}; the last one frees the buffer. */
  release(): void {
    if (--this.#handles === 0) this.backend.free(this.buffer);
  }
}

/** Least and greatest value of an integer tensor whose elements the host knows: lets ops refuse bad labels early. */
export interface Bounds {
  readonly min: number;
  readonly max: number;
}

/**
 * An n-dimensional array on a backend: shape, element type, storage (contiguous, row-major) and, where a gradient is
 * wanted, its place on the tape. Elements are read asynchronously; ops are functions (`add(a, b)`), not methods.
 */
export class Tensor implements Disposable {
  readonly shape: Shape;
  readonly dtype: DType;
  readonly storage: Storage;
  #variable: Variable | null;
  #disposed = false;
  #disposedAt: Error | undefined;

  /** For the engine: user code makes tensors with {@link tensor}, {@link zeros}, {@link ones}, `randn` and ops. */
  constructor(storage: Storage, shape: Shape, variable: Variable | null = null) {
    this.shape = shape;
    this.dtype = storage.buffer.dtype;
    this.storage = storage;
    this.#variable = variable;
    storage.retain();
    variable?.retain();
    track(this);
  }

  /** Number of elements. */
  get size(): number {
    return this.storage.buffer.length;
  }

  /** Range of the elements where known (integer tensors). */
  get bounds(): Bounds | undefined {
    return this.storage.bounds;
  }

  /** The backend that holds the elements. */
  get backend(): Backend {
    return this.storage.backend;
  }

  /** Identity in differentiation; null where no gradient is wanted. */
  get variable(): Variable | null {
    return this.#variable;
  }

  /** For the engine: gives a tensor that an op has just made its place on the tape. */
  record(variable: Variable): void {
    this.#variable = variable;
    variable.retain();
  }

  /** Whether ops on this tensor are recorded for differentiation. */
  get requiresGrad(): boolean {
    return this.variable !== null;
  }

  /** What `backward` accumulated into this leaf, or null. It belongs to the leaf: it outlives scopes. */
  get grad(): Tensor | null {
    return this.variable?.grad ?? null;
  }

  /** Forgets the accumulated gradient. */
  zeroGrad(): void {
    this.variable?.zeroGrad();
  }

  /** The buffer, for kernels. Throws DisposedError. */
  get buffer(): DeviceBuffer {
    this.checkAlive("buffer");
    return this.storage.buffer;
  }

  /** Throws DisposedError if the tensor is gone. `who` is the op that wants it. */
  checkAlive(who: string): void {
    if (!this.#disposed) return;
    throw new DisposedError(
      `${who}: expected a live tensor, got a disposed one of shape ${formatShape(this.shape)}; ` +
        `return it from its scope or keep() it` +
        (this.#disposedAt ? "" : ` (setDebug(true) records where it was disposed)`),
      { cause: this.#disposedAt },
    );
  }

  /** All elements, row-major. Throws DisposedError. */
  async data(): Promise<Elements> {
    this.checkAlive("data");
    return this.backend.read(this.storage.buffer);
  }

  /** The one element of a tensor of size 1. Throws ShapeError for another size, DisposedError. */
  async item(): Promise<number> {
    const value = this.size === 1 ? (await this.data())[0] : undefined;
    if (value === undefined) {
      throw new ShapeError(
        `item: expected a tensor of one element, got shape ${formatShape(this.shape)}; use data()`,
      );
    }
    return value;
  }

  /** Another handle on the same elements, with a lifetime of its own. Throws DisposedError. */
  alias(variable: Variable | null = this.variable): Tensor {
    this.checkAlive("alias");
    return new Tensor(this.storage, this.shape, variable);
  }

  /** Gives the elements back. Idempotent. Using the tensor afterwards throws DisposedError. */
  dispose(): void {
    if (this.#disposed) return;
    this.#disposed = true;
    if (isDebug()) this.#disposedAt = new Error("disposed here");
    untrack(this);
    this.variable?.release();
    this.storage.release();
  }

  /** `using t = ...` disposes at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  /** Shape, type and, where the backend can be read at once, the elements, laid out as NumPy does. */
  toString(): string {
    if (this.#disposed) return `Tensor ${formatShape(this.shape)} ${this.dtype} (disposed)`;
    return formatTensor(this.shape, this.dtype, this.backend.name, this.backend.peek?.(this.storage.buffer));
  }

  /** What console.log shows in Node. */
  [Symbol.for("nodejs.util.inspect.custom")](): string {
    return this.toString();
  }
}
