import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Pool, sizeClass } from "../../engine/backends/webgpu/pool.ts";

interface Fake {
  readonly id: number;
  readonly bytes: number;
  batch: number;
  destroyed: boolean;
}

/** A pool of plain objects while batch 1 is being recorded. */
function pool(largest?: number) {
  const made: Fake[] = [];
  const stream = { batch: 1 };
  const create = (bytes: number) => {
    const buffer = { id: made.length, bytes, batch: 0, destroyed: false };
    made.push(buffer);
    return buffer;
  };
  const destroy = (buffer: Fake) => {
    buffer.destroyed = true;
  };
  return { made, stream, pool: new Pool(create, destroy, () => stream.batch, largest) };
}

describe("buffer pool", () => {
  it("has size classes at most a quarter above what is wanted, which are their own class", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 2 ** 40 }), (bytes) => {
        const size = sizeClass(bytes);
        assert(size >= bytes && size % 4 === 0);
        assert(size <= Math.max(256, 1.25 * bytes));
        assert.equal(sizeClass(size), size);
      }),
    );
    assert.equal(sizeClass(2 ** 27), 2 ** 27);
  });

  it("takes the oldest, in whatever order buffers came back, retired or not", () => {
    const orders = fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 });
    fc.assert(
      fc.property(orders, fc.array(fc.nat(1), { minLength: 4, maxLength: 4 }), (order, batches) => {
        const { pool: p } = pool();
        const taken = order.map(() => p.takeForKernel(1000));
        for (const [i, at] of order.entries()) p.giveBack(Object.assign(taken[at]!, { batch: batches[i]! }));
        assert.deepEqual(order.map(() => p.takeForKernel(1000)), taken); // prettier-ignore
      }),
    );
  });

  it("never gives an upload a buffer that the open batch uses", () => {
    const { pool: p, stream } = pool();
    const a = p.takeForKernel(1000);
    a.batch = 1;
    p.giveBack(a);
    const b = p.takeForUpload(1000);
    assert.notEqual(b, a);
    stream.batch = 2;
    assert.equal(p.takeForUpload(1000), a);
  });

  it("rounds no size up past the largest that can be bound, and leaves larger ones to whoever makes them", () => {
    const { pool: p } = pool(2 ** 31 - 4);
    assert.equal(p.takeForKernel(2 ** 31 - 4).bytes, 2 ** 31 - 4);
    assert.equal(p.takeForKernel(2 ** 31 - 2 ** 20).bytes, 2 ** 31 - 4);
    assert.equal(p.takeForKernel(2 ** 31).bytes, 2 ** 31);
  });

  it("keeps count", () => {
    const { pool: p } = pool();
    const a = p.takeForKernel(1024);
    p.takeForUpload(1024);
    p.giveBack(a);
    p.takeForKernel(1024);
    assert.deepEqual(p.stats(), { liveBytes: 2048, peakBytes: 2048, idleBytes: 0, hits: 1, misses: 2 });
  });

  it("destroys idle buffers when a program has moved on to other sizes, but none that is in use or retired", () => {
    const { pool: p, made } = pool();
    const [used, retired] = [p.takeForKernel(2 ** 20), p.takeForKernel(2 ** 20)];
    retired.batch = 1;
    p.giveBack(retired);
    for (let i = 1; i <= 40; i++) p.giveBack(p.takeForKernel(i * 2 ** 23));
    const { idleBytes, liveBytes, peakBytes } = p.stats();
    const kept = made.filter(({ destroyed }) => !destroyed).reduce((sum, { bytes }) => sum + bytes, 0);
    assert.equal(kept, idleBytes + liveBytes);
    assert(idleBytes <= 1.5 * peakBytes + 2 ** 26, `${idleBytes} bytes are kept`);
    assert(!used.destroyed && !retired.destroyed);
    assert(made.some(({ destroyed }) => destroyed));
  });
});
