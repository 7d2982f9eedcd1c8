import type { Backend, BackendStats, DeviceBuffer, Elements } from "../../backend.ts";
import { BackendError } from "../../errors.ts";
import type { DType, Kernel, Params } from "../../kernel.ts";
import { Usage } from "../usage.ts";

/** A buffer of which only the size exists. */
export class ShapeBuffer implements DeviceBuffer {
  readonly length: number;
  readonly dtype: DType;
  /** Whether it has not been freed. */
  alive = true;

  constructor(length: number, dtype: DType) {
    this.length = length;
    this.dtype = dtype;
  }

  /** What a backend of 32-bit elements would hold. */
  get bytes(): number {
    return 4 * this.length;
  }
}

/** What a program does to its backend, as it does it. */
export interface Observer {
  /** A buffer was allocated. */
  readonly onAlloc?: (buffer: ShapeBuffer) => void;
  /** A kernel was run. */
  readonly onRun?: (kernel: Kernel, params: Params<string>) => void;
}

/**
 * Computes nothing and holds nothing: a program that runs on it checks its shapes, and an observer sees what it would
 * do. A network of any size passes through in milliseconds. Reading elements throws BackendError.
 */
export class ShapeBackend implements Backend {
  readonly name = "shapes";
  readonly #observer: Observer;
  readonly #usage = new Usage();

  constructor(observer: Observer = {}) {
    this.#observer = observer;
  }

  describe(): string {
    return "shapes: sizes only, nothing is computed";
  }

  alloc(length: number, dtype: DType): DeviceBuffer {
    const buffer = new ShapeBuffer(length, dtype);
    this.#usage.onAlloc(buffer.bytes);
    this.#observer.onAlloc?.(buffer);
    return buffer;
  }

  free(buffer: DeviceBuffer): void {
    if (!(buffer instanceof ShapeBuffer)) {
      throw new BackendError("shapes: expected a buffer of this backend, got one of another");
    }
    buffer.alive = false;
    this.#usage.onFree(buffer.bytes);
  }

  write(): void {
    // There is nothing to write to.
  }

  run<P extends string>(kernel: Kernel<P>, params: Params<P>): void {
    this.#usage.onRun();
    this.#observer.onRun?.(kernel, params);
  }

  read(): Promise<Elements> {
    return Promise.reject(
      new BackendError("shapes: expected a backend that holds elements, got one without"),
    );
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
