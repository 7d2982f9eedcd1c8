/**
 * Buffers for use again, by size. The last one given back is the first one taken: a program that does the same thing
 * again meets the same buffers in the same places, and finds its bind groups in their cache.
 *
 * The rule that keeps data whole. Kernels are recorded into a batch and submitted later; an upload
 * (`queue.writeBuffer`) takes effect between submissions, that is *before* the batch that is being recorded. A buffer
 * given back while the batch holds commands may still be read by one of them. So it is `retired`:
 *
 *     kernels may take from `retired` and `free`   (they come later in the same queue than whatever still reads it)
 *     uploads may take from `free` only            (they would overtake what still reads it)
 *     what is `retired` becomes `free` when the batch is submitted.
 */
export class Pool<B extends { readonly bytes: number }> {
  readonly #create: (bytes: number) => B;
  readonly #destroy: (buffer: B) => void;
  readonly #free = new Map<number, B[]>();
  readonly #retired = new Map<number, B[]>();
  #liveBytes = 0;
  #idleBytes = 0;
  #peakBytes = 0;
  #hits = 0;
  #misses = 0;

  /** `create` makes a buffer of exactly the size; `destroy` gives it back to the device. */
  constructor(create: (bytes: number) => B, destroy: (buffer: B) => void) {
    this.#create = create;
    this.#destroy = destroy;
  }

  /** A buffer of at least `bytes` for a kernel's output. */
  takeForKernel(bytes: number): B {
    const size = sizeClass(bytes);
    return this.#take(size, this.#retired.get(size)?.pop() ?? this.#free.get(size)?.pop());
  }

  /** A buffer of at least `bytes` for an upload. */
  takeForUpload(bytes: number): B {
    const size = sizeClass(bytes);
    return this.#take(size, this.#free.get(size)?.pop());
  }

  /** Gives a buffer back. `batchIsOpen`: commands are recorded that are not submitted. */
  giveBack(buffer: B, batchIsOpen: boolean): void {
    this.#liveBytes -= buffer.bytes;
    this.#idleBytes += buffer.bytes;
    push(batchIsOpen ? this.#retired : this.#free, buffer);
  }

  /** The batch was submitted. */
  batchSubmitted(): void {
    for (const buffers of this.#retired.values())
      for (const buffer of buffers.splice(0)) push(this.#free, buffer);
  }

  /** How many buffers it had when one was wanted, and how many it had to make; bytes in use, at most, and idle. */
  stats() {
    const [liveBytes, peakBytes, idleBytes] = [this.#liveBytes, this.#peakBytes, this.#idleBytes];
    return { liveBytes, peakBytes, idleBytes, hits: this.#hits, misses: this.#misses };
  }

  /** Destroys what is `free`. */
  clear(): void {
    for (const buffers of this.#free.values()) {
      for (const buffer of buffers.splice(0)) {
        this.#idleBytes -= buffer.bytes;
        this.#destroy(buffer);
      }
    }
  }

  #take(size: number, idle: B | undefined): B {
    if (idle) {
      this.#hits++;
      this.#idleBytes -= size;
    } else {
      this.#misses++;
      // A program that moved on to other sizes does not need the old ones.
      if (this.#idleBytes > this.#peakBytes / 2 + SPARE_BYTES) this.clear();
    }
    this.#liveBytes += size;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
    return idle ?? this.#create(size);
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

function push<B extends { readonly bytes: number }>(map: Map<number, B[]>, buffer: B): void {
  const list = map.get(buffer.bytes);
  if (list) list.push(buffer);
  else map.set(buffer.bytes, [buffer]);
}
