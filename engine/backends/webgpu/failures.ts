import { BackendError, DeviceLostError } from "../../errors.ts";

/**
 * What goes wrong on a GPU is told later, and aside from the call that caused it. The first failure is kept here, and
 * thrown wherever the program next waits for the GPU; after it, nothing that was computed can be trusted.
 */
export class Failures {
  #first: Error | undefined;
  /** Those who wait: a lost device answers nobody, so they are told. */
  readonly #waiting = new Set<(reason: Error) => void>();
  readonly #lost: Promise<void>;

  constructor(device: GPUDevice) {
    device.addEventListener("uncapturederror", ({ error }) => {
      this.report(new BackendError(`webgpu: ${error.message}`));
    });
    this.#lost = device.lost.then(({ reason, message }) => {
      const cause = reason === "destroyed" ? "it was destroyed" : message || "no reason given";
      const lost = new DeviceLostError(
        `webgpu: expected a live device, got one that is lost: ${cause}; make a new backend with init()`,
      );
      this.report(lost);
      for (const reject of this.#waiting) reject(lost);
    });
  }

  /** Resolves when the device is lost, and those who wait for it have been told. */
  lost(): Promise<void> {
    return this.#lost;
  }

  /** Keeps an error, unless there was one before. */
  report(error: Error): void {
    this.#first ??= error;
  }

  /** Throws the first failure, if there was one. */
  check(): void {
    if (this.#first) throw this.#first;
  }

  /** Reports validation errors of the calls that `body` makes, under the name of who makes them. */
  watch<T>(device: GPUDevice, filter: GPUErrorFilter, explain: (message: string) => Error, body: () => T): T {
    device.pushErrorScope(filter);
    try {
      return body();
    } finally {
      device.popErrorScope().then(
        (error) => {
          if (error) this.report(explain(error.message));
        },
        // A lost device: told above.
        () => undefined,
      );
    }
  }

  /** The result of waiting for the GPU; rejects with the first failure, and with DeviceLostError if it never comes. */
  async wait<T>(work: Promise<T>): Promise<T> {
    this.check();
    let stop: (reason: Error) => void = () => undefined;
    const lost = new Promise<never>((_, reject) => {
      stop = reject;
    });
    this.#waiting.add(stop);
    try {
      return await Promise.race([work, lost]);
    } finally {
      this.#waiting.delete(stop);
      this.check();
    }
  }
}
