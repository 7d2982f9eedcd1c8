import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Pool, sizeClass } from "../../engine/backends/webgpu/pool.ts";

/** A pool of plain objects, which counts what it makes and destroys. */
function pool() {
  const made: { id: number; bytes: number; destroyed: boolean }[] = [];
  const create = (bytes: number) => {
    const buffer = { id: made.length, bytes, destroyed: false };
    made.push(buffer);
    return buffer;
  };
  return { made, pool: new Pool(create, (buffer) => { buffer.destroyed = true; }) }; // prettier-ignore
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
    fc.assert(
      fc.property(
        fc.shuffledSubarray([0, 1, 2, 3], { minLength: 4 }),
        fc.array(fc.boolean(), { minLength: 4 }),
        (order, open) => {
          const { pool: p } = pool();
          const taken = order.map(() => p.takeForKernel(1000));
          for (const [i, at] of order.entries()) p.giveBack(taken[at]!, open[i]!);
          assert.deepEqual(order.map(() => p.takeForKernel(1000)), taken); // prettier-ignore
        },
      ),
    );
  });

  it("never gives an upload a buffer that the open batch may still read", () => {
    const { pool: p } = pool();
    const a = p.takeForKernel(1000);
    p.giveBack(a, true);
    const b = p.takeForUpload(1000);
    assert.notEqual(b, a);
    p.batchSubmitted();
    assert.equal(p.takeForUpload(1000), a);
  });

  it("keeps count", () => {
    const { pool: p } = pool();
    const a = p.takeForKernel(1024);
    p.takeForUpload(1024);
    p.giveBack(a, false);
    p.takeForKernel(1024);
    assert.deepEqual(p.stats(), { liveBytes: 2048, peakBytes: 2048, idleBytes: 0, hits: 1, misses: 2 });
  });

  it("destroys idle buffers when a program has moved on to other sizes, but none that is in use or retired", () => {
    const { pool: p, made } = pool();
    const [used, retired] = [p.takeForKernel(2 ** 20), p.takeForKernel(2 ** 20)];
    p.giveBack(retired, true);
    for (let i = 1; i <= 40; i++) p.giveBack(p.takeForKernel(i * 2 ** 23), false);
    const idle = made.filter(({ destroyed }) => !destroyed).reduce((sum, { bytes }) => sum + bytes, 0);
    assert(idle < 2 * 40 * 2 ** 23 + 2 ** 26, `${idle} bytes are kept`);
    assert(!used.destroyed && !retired.destroyed);
    assert(made.some(({ destroyed }) => destroyed));
  });
});
