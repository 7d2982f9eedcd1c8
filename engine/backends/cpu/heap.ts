import { OutOfMemoryError, ValueError } from "../../errors.ts";

/** A cache line: no two blocks share one, and vector loads from a block's start never straddle two. */
const ALIGNMENT = 64;

const align = (bytes: number): number => Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;

/** A stretch of addresses, in use or free. All of them together cover the heap without gaps, linked in order. */
interface Block {
  address: number;
  size: number;
  free: boolean;
  before: Block | undefined;
  after: Block | undefined;
}

/** What a heap has given out. Sizes are in whole cache lines. */
export interface HeapStats {
  readonly liveBytes: number;
  readonly peakBytes: number;
  readonly liveBlocks: number;
  /** Sizes of the stretches of free memory, ascending: a single one when nothing is in use. */
  readonly gaps: readonly number[];
}

/** Adds at least `bytes` bytes behind the heap's end and returns how many were added; 0 if there is no room. */
export type Extend = (bytes: number) => number;

/**
 * Best-fit allocator over a growing range of addresses. It never touches the memory itself: all bookkeeping is
 * in JavaScript, so that a kernel that writes out of bounds cannot corrupt it.
 *
 * Free blocks stand in one array sorted by (size, address): binary search finds the smallest that fits, and among
 * equals the lowest, so that a training step that repeats gets the same addresses again. Neighbours merge when freed.
 *
 * At least 16 readable bytes follow every block, since SIMD kernels read whole vectors over a block's end.
 */
export class Heap {
  readonly #extend: Extend;
  readonly #free: Block[] = [];
  readonly #live = new Map<number, Block>();
  #last: Block | undefined;
  #end: number;
  #liveBytes = 0;
  #peakBytes = 0;

  /** The heap covers the addresses from `start` to `end` (in bytes) and grows by `extend`. */
  constructor(start: number, end: number, extend: Extend) {
    this.#extend = extend;
    this.#end = align(start);
    this.#append(end - ALIGNMENT - this.#end);
  }

  /** The address, a multiple of 64, of a block of at least `bytes` bytes. Throws OutOfMemoryError. */
  alloc(bytes: number): number {
    const size = this.#sizeOf(bytes);
    const block = this.#take(size, bytes);
    this.#live.set(block.address, block);
    this.#liveBytes += size;
    this.#peakBytes = Math.max(this.#peakBytes, this.#liveBytes);
    return block.address;
  }

  /** A block that is never freed and that the statistics leave out: memory of the machine, not of its user. */
  reserve(bytes: number): number {
    return this.#take(this.#sizeOf(bytes), bytes).address;
  }

  /** Gives back a block. Throws ValueError unless `address` came from `alloc` and was not freed since. */
  free(address: number): void {
    const block = this.#live.get(address);
    if (!block) {
      throw new ValueError(
        `heap.free: expected the address of a live block, got ${address}; was it freed before?`,
      );
    }
    this.#live.delete(address);
    this.#liveBytes -= block.size;
    this.#release(block);
  }

  /** What is in use now, and was at most. */
  stats(): HeapStats {
    return {
      liveBytes: this.#liveBytes,
      peakBytes: this.#peakBytes,
      liveBlocks: this.#live.size,
      gaps: this.#free.map(({ size }) => size),
    };
  }

  #sizeOf(bytes: number): number {
    if (!(Number.isInteger(bytes) && bytes >= 0)) {
      throw new ValueError(`heap.alloc: expected a number of bytes, got ${bytes}`);
    }
    return Math.max(ALIGNMENT, align(bytes));
  }

  /** The best-fitting free block, cut to size and marked as used. */
  #take(size: number, bytes: number): Block {
    let index = this.#search(size, 0);
    if (index === this.#free.length) {
      this.#grow(size, bytes);
      index = this.#search(size, 0);
    }
    const [block] = this.#free.splice(index, 1);
    if (!block) throw new OutOfMemoryError(this.#complaint(bytes));
    block.free = false;
    if (block.size > size) this.#cut(block, size);
    return block;
  }

  #cut(block: Block, size: number): void {
    const rest = {
      address: block.address + size,
      size: block.size - size,
      free: true,
      before: block,
      after: block.after,
    };
    if (block.after) block.after.before = rest;
    else this.#last = rest;
    block.after = rest;
    block.size = size;
    this.#insert(rest);
  }

  /** Makes a block free, as one with its free neighbours. */
  #release(block: Block): void {
    const { before, after } = block;
    if (after?.free) {
      this.#remove(after);
      this.#absorb(block, after);
    }
    if (before?.free) {
      this.#remove(before);
      this.#absorb(before, block);
      block = before;
    }
    block.free = true;
    this.#insert(block);
  }

  #absorb(block: Block, after: Block): void {
    block.size += after.size;
    block.after = after.after;
    if (after.after) after.after.before = block;
    else this.#last = block;
  }

  /** Extends the heap so that its end has room for `size` bytes. */
  #grow(size: number, bytes: number): void {
    const room = this.#last?.free ? this.#last.size : 0;
    const added = this.#extend(size - room);
    if (added < size - room) throw new OutOfMemoryError(this.#complaint(bytes));
    this.#append(added);
  }

  #append(bytes: number): void {
    const size = bytes - (bytes % ALIGNMENT);
    if (size <= 0) return;
    const block: Block = { address: this.#end, size, free: false, before: this.#last, after: undefined };
    if (this.#last) this.#last.after = block;
    this.#last = block;
    this.#end += size;
    this.#release(block);
  }

  #insert(block: Block): void {
    this.#free.splice(this.#search(block.size, block.address), 0, block);
  }

  #remove(block: Block): void {
    this.#free.splice(this.#search(block.size, block.address), 1);
  }

  /** The index of the first free block that is not before (size, address). */
  #search(size: number, address: number): number {
    let low = 0;
    let high = this.#free.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      const block = this.#free[middle];
      if (block && (block.size < size || (block.size === size && block.address < address))) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  #complaint(bytes: number): string {
    return (
      `cpu memory: expected room for ${bytes} bytes, got ${this.#liveBytes} bytes live, ${this.#free.at(-1)?.size ?? 0} in the largest gap, ` +
      `and no way to grow beyond ${this.#end} (the limit is 4 GiB); use a smaller batch, or free tensors sooner with scope()`
    );
  }
}
