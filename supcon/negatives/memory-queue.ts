import { noGrad } from "../../engine/autograd.ts";
import type { Elements } from "../../engine/backend.ts";
import { zeros } from "../../engine/create.ts";
import { DTypeError, ShapeError, ValueError } from "../../engine/errors.ts";
import { keep, scope } from "../../engine/scope.ts";
import { formatShape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { concat, reshape, slice } from "../../kernels/index.ts";
import { checkPositiveInteger } from "../../nn/check.ts";
import { HostState, readState, writeState } from "../../nn/state.ts";
import type { StateDict, Stateful } from "../../nn/state.ts";
import type { SupConOptions } from "../losses/index.ts";

/** Options of {@link MemoryQueue}. */
export interface MemoryQueueOptions {
  /** K: most keys that are held. */
  readonly capacity: number;
  /** D: length of a key. */
  readonly dim: number;
  /** Whether keys have labels; without, all of them are negatives of every anchor. Default true. */
  readonly labelled?: boolean;
}

/**
 * The last K keys of earlier batches, oldest first out: negatives, and with labels positives too, beyond the batch.
 *
 * Cross-batch memory (Wang et al., CVPR 2020): keys are the embeddings of earlier steps themselves. They are taken in
 * after the loss, so that a batch does not meet itself; where weights move fast, old ones are stale.
 *
 * ```ts
 * const loss = supConLoss(z, labels, { temperature, ...memory.options() });
 * memory.enqueue(z, labels);
 * ```
 * With a momentum encoder (He et al., "Momentum Contrast", CVPR 2020), whose slow weights keep old keys comparable,
 * queries are compared with the keys of their own batch and of earlier ones:
 *
 * ```ts
 * encoder.update();
 * const keys = encoder.forward(x2);
 * const loss = supConLoss(z, labels, { contrast: { features: keys, labels }, ...memory.options() });
 * memory.enqueue(keys, labels);
 * ```
 * Keys stay on the device, labels on the host. Until it is full, the queue is as long as what it was given.
 */
export class MemoryQueue implements Disposable {
  readonly capacity: number;
  readonly dim: number;
  readonly labelled: boolean;
  /** [K, D], newest last; zeros where there is no key yet. */
  #keys: Tensor;
  readonly #labels: HostState;
  readonly #length = new HostState([0]);

  /** Throws ValueError for sizes that are not positive integers. */
  constructor({ capacity, dim, labelled = true }: MemoryQueueOptions) {
    checkPositiveInteger("MemoryQueue", "capacity", capacity);
    checkPositiveInteger("MemoryQueue", "dim", dim);
    this.capacity = capacity;
    this.dim = dim;
    this.labelled = labelled;
    this.#keys = keep(zeros([capacity, dim]));
    this.#labels = new HostState(new Int32Array(labelled ? capacity : 0));
  }

  /** Keys held, at most the capacity. */
  get length(): number {
    return this.#length.values[0] ?? 0;
  }

  /**
   * The option `queue` of `supConLoss`: all keys held, oldest first, in a tensor that belongs to the caller's scope, with
   * their labels. No option while there are none.
   */
  options(): Pick<SupConOptions, "queue"> {
    const { length, capacity, labelled } = this;
    if (length === 0) return {};
    const keys = slice(this.#keys, [capacity - length], [capacity]);
    return { queue: { keys, ...(labelled && { labels: this.#labels.values.subarray(capacity - length) }) } };
  }

  /**
   * Takes in keys [M, D], or [N, V, D] with V views of each of N samples; labels are M, or N, integers. As many of the
   * oldest go as there is no room for. No gradient is remembered.
   *
   * Throws ShapeError for keys of another length or another number of labels, DTypeError for labels that are no integers
   * of 32 bits, ValueError for labels without which the queue was made, or that it lacks.
   */
  enqueue(keys: Tensor, labels?: Int32Array | readonly number[] | null): void {
    const count = this.#checkKeys(keys);
    const ofRows = this.#checkLabels(keys, labels);
    const newest = noGrad(() =>
      scope(() => {
        const joined = concat([this.#keys, reshape(keys, [count, this.dim])], 0);
        return keep(slice(joined, [count], [count + this.capacity]));
      }),
    );
    this.#keys.dispose();
    this.#keys = newest;
    if (this.labelled) this.#labels.values = [...this.#labels.values, ...ofRows].slice(count);
    this.#length.values = [Math.min(this.length + count, this.capacity)];
  }

  /** Keys, labels and their number: with the options, all that a continued run needs. */
  state(): Promise<StateDict<Elements>> {
    return readState(this.#memories());
  }

  /** Overwrites keys and labels. Throws StateDictError, before anything is changed, unless names and shapes fit. */
  loadState(state: StateDict): void {
    writeState("MemoryQueue.loadState", this.#memories(), state);
  }

  /** Disposes the keys. */
  dispose(): void {
    this.#keys.dispose();
  }

  /** `using memory = ...` disposes at the end of the block. */
  [Symbol.dispose](): void {
    this.dispose();
  }

  #memories(): Map<string, Stateful> {
    return new Map<string, Stateful>([
      ["keys", this.#keys],
      ["labels", this.#labels],
      ["length", this.#length],
    ]);
  }

  /** The number of keys. */
  #checkKeys(keys: Tensor): number {
    keys.checkAlive("MemoryQueue.enqueue");
    const { shape, dtype } = keys;
    if (dtype !== "f32") throw new DTypeError(`MemoryQueue.enqueue: expected f32 for keys, got ${dtype}`);
    if ((shape.length === 2 || shape.length === 3) && shape.at(-1) === this.dim) return keys.size / this.dim;
    throw new ShapeError(
      `MemoryQueue.enqueue: expected keys [M, ${this.dim}] or [N, V, ${this.dim}], got shape ${formatShape(shape)}`,
    );
  }

  /** The label of each key. */
  #checkLabels({ shape }: Tensor, labels: ArrayLike<number> | null | undefined): number[] {
    const who = "MemoryQueue.enqueue";
    if (!this.labelled && labels == null) return [];
    if (labels == null)
      throw new ValueError(`${who}: expected labels, got none; or make it with labelled: false`);
    if (!this.labelled) {
      throw new ValueError(`${who}: expected no labels, as labelled is false, got ${labels.length}`);
    }
    const [samples = 0, views = 1] = shape.slice(0, -1);
    if (labels.length !== samples) {
      throw new ShapeError(`${who}: expected ${samples} labels, one for each sample, got ${labels.length}`);
    }
    return Array.from(labels).flatMap((label, i) => {
      if (label === (label | 0)) return new Array<number>(views).fill(label);
      throw new DTypeError(`${who}: expected integers of 32 bits as labels, got ${label} at position ${i}`);
    });
  }
}
