/** What a pool holds. */
interface Pooled {
  /** Tells buffers apart, in the order in which they were made. */
  readonly id: number;
  readonly bytes: number;
  /** Number of the last batch of commands that uses it. */
  readonly batch: number;
}

/**
 * Buffers for use again, by size. Of those that are idle the oldest is taken. So what a program gets depends on which
 * buffers are idle, not on the order in which they became so: a program that does the same thing again meets the same
 * buffers in the same places, and finds its bind groups in their cache. (With the last one given back first, a training
 * step leaves the stack in another order than it found it, and the bind groups of the next step are all new.)
 *
 * The rule that keeps data whole. Kernels are recorded into a batch and submitted later; an upload
 * (`queue.writeBuffer`) takes effect between submissions, that is *before* the batch that is being recorded. A buffer
 * given back may still be used by commands of that batch: it is idle, but *retired*.
 *
 *     kernels may take retired buffers       (they come later in the same queue than whatever still uses them)
 *     uploads may not                        (they would overtake what still uses them)
 *     when the batch is submitted, none is retired any more.
 */
export class Pool<B extends Pooled> {
  readonly #create: (bytes: number) => B;
  readonly #destroy: (buffer: B) => void;
  /** By size, the oldest last. */
  readonly #idle = new Map<number, B[]>();
  readonly #openBatch: () => number;
  readonly #largest: number;
  #liveBytes = 0;
  #idleBytes = 0;
  #peakBytes = 0;
  #hits = 0;
  #misses = 0;

  /**
   * `create` makes a buffer of exactly the size, or throws; `destroy` gives it back to the device; `openBatch` is the
   * number of the batch that is being recorded; no buffer that fits into `largest` bytes is made larger than that.
   */
  constructor(
    create: (bytes: number) => B,
    destroy: (buffer: B) => void,
    openBatch: () => number,
    largest = Infinity,
  ) {
    this.#create = create;
    this.#destroy = destroy;
    this.#openBatch = openBatch;
    this.#largest = largest;
  }

  /** A buffer of at least `bytes` for a kernel's output. */
  takeForKernel(bytes: number): B {
    return this.#take(this.#sizeFor(bytes), () => true);
  }

  /** A buffer of at least `bytes` for an upload. */
  takeForUpload(bytes: number): B {
    return this.#take(this.#sizeFor(bytes), (buffer) => !this.#isRetired(buffer));
  }

  /** Gives a buffer back. */
  giveBack(buffer: B): void {
    const { bytes, id } = buffer;
    this.#liveBytes -= bytes;
    this.#idleBytes += bytes;
    const list = this.#idle.get(bytes) ?? [];
    this.#idle.set(bytes, list);
    const older = list.findIndex((other) => other.id < id);
    list.splice(older < 0 ? list.length : older, 0, buffer);
  }

  /** How many buffers it had when one was wanted, and how many it had to make; bytes in use, at most, and idle. */
  stats() {
    const [liveBytes, peakBytes, idleBytes] = [this.#liveBytes, this.#peakBytes, this.#idleBytes];
    return { liveBytes, peakBytes, idleBytes, hits: this.#hits, misses: this.#misses };
  }

  /** Destroys what is idle and not retired. */
  clear(): void {
    for (const [bytes, buffers] of this.#idle) {
      const kept = buffers.filter((buffer) => this.#isRetired(buffer));
      this.#idle.set(bytes, kept);
      for (const buffer of buffers) if (!kept.includes(buffer)) this.#destroy(buffer);
      this.#idleBytes -= bytes * (buffers.length - kept.length);
    }
  }

  #sizeFor(bytes: number): number {
    return Math.max(bytes, Math.min(sizeClass(bytes), this.#largest));
  }

  #isRetired({ batch }: B): boolean {
    return batch === this.#openBatch();
  }

  #take(size: number, isFit: (buffer: B) => boolean): B {
    const list = this.#idle.get(size) ?? [];
    const at = list.findLastIndex(isFit);
    const [idle] = at < 0 ? [] : list.splice(at, 1);
    if (idle) {
      this.#hits++;
      this.#idleBytes -= size;
    } else {
      this.#misses++;
      // A program that moved on to other sizes does not need the old ones.
      if (this.#idleBytes > this.#peakBytes / 2 + SPARE_BYTES) this.clear();
    }
    const buffer = idle ?? this.#create(size);
    this.#liveBytes += size;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
    return buffer;
  }
}

/** Idle memory that is never worth clearing. */
const SPARE_BYTES = 2 ** 26;

const LEAST_BYTES = 256;

/** The size of the buffer that serves a request: four classes from each power of two to the next, so at most 25 % over. */
export function sizeClass(bytes: number): number {
  const wanted = Math.max(bytes, LEAST_BYTES);
  const step = 2 ** Math.max(0, Math.floor(Math.log2(wanted)) - 2);
  return Math.ceil(wanted / step) * step;
}
