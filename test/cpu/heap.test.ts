import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Random } from "../../engine/random.ts";
import { Heap } from "../../engine/backends/cpu/heap.ts";
import { OutOfMemoryError, ValueError } from "../../engine/errors.ts";

const START = 100;

/** A heap over `size` addresses that grows by what it asks for, up to `limit`. */
function newHeap(size = 4096, limit = 2 ** 32) {
  let end = size;
  const heap = new Heap(START, size, (bytes) => {
    if (end + bytes > limit) return 0;
    end += bytes;
    return bytes;
  });
  return { heap, end: () => end };
}

/** The blocks in use, as a list of (address, bytes): what a heap must never give out twice. */
class Model {
  readonly live: [address: number, bytes: number][] = [];

  add(address: number, bytes: number, end: number): void {
    assert.equal(address % 64, 0);
    assert(address >= START && address + bytes + 16 <= end, "inside the heap, with 16 readable bytes behind");
    for (const [other, size] of this.live)
      assert(address + bytes <= other || other + size <= address, "overlap");
    this.live.push([address, bytes]);
  }
}

describe("heap", () => {
  it("gives out disjoint aligned blocks, and is one free block when all are freed", () => {
    const operation = fc.oneof(
      { weight: 3, arbitrary: fc.record({ alloc: fc.integer({ min: 0, max: 3000 }) }) },
      { weight: 2, arbitrary: fc.record({ free: fc.nat() }) },
    );
    fc.assert(
      fc.property(fc.array(operation, { maxLength: 200 }), (operations) => {
        const { heap, end } = newHeap();
        const model = new Model();
        const free = (i: number): void => {
          for (const [address] of model.live.splice(i % model.live.length, 1)) heap.free(address);
        };
        for (const operation of operations) {
          if ("alloc" in operation) model.add(heap.alloc(operation.alloc), operation.alloc, end());
          else if (model.live.length > 0) free(operation.free);
          const { liveBlocks, liveBytes, peakBytes } = heap.stats();
          assert.equal(liveBlocks, model.live.length);
          const bytes = model.live.reduce(
            (sum, [, size]) => sum + Math.max(64, Math.ceil(size / 64) * 64),
            0,
          );
          assert.equal(liveBytes, bytes);
          assert(peakBytes >= liveBytes);
        }
        while (model.live.length > 0) free(7 * model.live.length + 3);
        assert.equal(heap.stats().liveBytes, 0);
        assert.deepEqual(
          heap.stats().gaps,
          [Math.floor((end() - 64 - 128) / 64) * 64],
          "all from the first aligned address",
        );
      }),
    );
  });

  it("stays within 1.5 times the peak under a random workload", () => {
    fc.assert(
      fc.property(fc.nat(), (seed) => {
        // Uniform numbers, which fc.double does not give: it prefers tiny ones, and so the extreme sizes.
        const random = new Random(seed);
        const next = (): number => random.uniform();
        const { heap, end } = newHeap(256);
        const live: number[] = [];
        for (let i = 0; i < 3000; i++) {
          // Sizes over four orders of magnitude, 100 to 300 blocks alive.
          if (live.length < 100 || (live.length < 300 && next() < 0.5))
            live.push(heap.alloc(Math.floor(64 * 10 ** (4 * next()))));
          else for (const address of live.splice(Math.floor(next() * live.length), 1)) heap.free(address);
        }
        const ratio = end() / heap.stats().peakBytes;
        assert(ratio < 1.5, `footprint ${ratio} times the peak`);
      }),
      { numRuns: 20 },
    );
  });

  it("gives a repeated sequence the same addresses", () => {
    const { heap } = newHeap();
    const step = (): number[] => {
      const a = heap.alloc(1000);
      const b = heap.alloc(300);
      heap.free(a);
      const c = heap.alloc(200);
      heap.free(b);
      heap.free(c);
      return [a, b, c];
    };
    assert.deepEqual(step(), step());
  });

  it("refuses double free and foreign addresses", () => {
    const { heap } = newHeap();
    const address = heap.alloc(10);
    heap.free(address);
    for (const wrong of [address, address + 64, 0, -64, Number.NaN]) {
      assert.throws(() => { heap.free(wrong); }, ValueError); // prettier-ignore
    }
    for (const wrong of [-1, 0.5, Number.NaN, Infinity]) assert.throws(() => heap.alloc(wrong), ValueError);
  });

  it("does not count or give out what is reserved", () => {
    const { heap } = newHeap();
    const reserved = heap.reserve(100);
    assert.equal(heap.stats().liveBytes, 0);
    assert.throws(() => { heap.free(reserved); }, ValueError); // prettier-ignore
    assert(heap.alloc(100) >= reserved + 128);
  });

  it("has unsigned addresses above 2 GiB and a typed error at 4 GiB", () => {
    const GiB = 2 ** 30;
    const { heap } = newHeap();
    heap.alloc(3 * GiB);
    const high = heap.alloc(GiB / 2);
    assert(high >= 3 * GiB);
    assert.throws(
      () => heap.alloc(GiB),
      (error) =>
        error instanceof OutOfMemoryError &&
        /1073741824 bytes.*3758096384 bytes live.*4 GiB/.test(error.message),
    );
    heap.free(high);
    assert.equal(heap.alloc(GiB / 2), high, "still usable");
  });
});
