/** Batches of views made ahead in threads. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { DataThreadError, loadBatches } from "../../supcon/augment/loader.ts";
import type { Batch, BatchPlan } from "../../supcon/augment/loader.ts";
import { namedPolicy } from "../../supcon/augment/policies.ts";
import { cifar10Policy, digitPolicy } from "../../supcon/augment/policy.ts";
import type { ImageDataset } from "../../supcon/data/dataset.ts";

const random = new Random(1);
const dataset: ImageDataset = {
  ...{ name: "noise", count: 20, height: 9, width: 8, channels: 3, classes: ["a"] },
  images: Uint8Array.from({ length: 20 * 216 }, () => random.integer(256)),
  labels: new Int32Array(20),
};
const options = { views: 2, policy: namedPolicy("stacked-randaugment", cifar10Policy) };

/** Batches of 3 images; how many have been asked for stands in `asked`. */
function* plans(count: number, asked = { count: 0 }): Generator<BatchPlan, void> {
  for (let i = 0; i < count; i++) {
    asked.count++;
    const indices = Int32Array.from({ length: 3 }, (_, k) => (7 * i + k) % 20);
    yield { indices, random: new Random(2).fork(i >> 1) };
  }
}

async function all(batches: AsyncIterable<Batch>): Promise<Batch[]> {
  const result: Batch[] = [];
  for await (const batch of batches) result.push(batch);
  return result;
}

describe("loadBatches", () => {
  it("gives the same bits in the same order, whatever the number of threads", async () => {
    const onMain = await all(loadBatches(dataset, plans(11), { ...options, threads: 0 }));
    assert.equal(onMain.length, 11);
    assert.equal(new Set(onMain.map(({ images }) => images.join())).size, 11);
    for (const threads of [1, 2, 3]) {
      assert.deepEqual(await all(loadBatches(dataset, plans(11), { ...options, threads })), onMain);
    }
  });

  it("is through at once where there is nothing to make, or less than threads", async () => {
    assert.deepEqual(await all(loadBatches(dataset, plans(0), { ...options, threads: 2 })), []);
    assert.equal((await all(loadBatches(dataset, plans(1), { ...options, threads: 3 }))).length, 1);
  });

  it("works two batches ahead of each thread, and ends its threads where the reader stops", async () => {
    for (const threads of [0, 1, 2]) {
      const asked = { count: 0 };
      for await (const batch of loadBatches(dataset, plans(100, asked), { ...options, threads })) {
        assert.equal(batch.indices[0], 0);
        break;
      }
      assert.equal(asked.count, 1 + 2 * threads);
    }
    // Threads that went on would keep this process, and so the tests, from ending.
  });

  it("throws the error of a thread when its batch is asked for, and does not hang", async () => {
    for (const threads of [1, 2]) {
      const seen: number[] = [];
      const bad = function* (): Generator<BatchPlan, void> {
        yield* plans(2);
        for (;;) yield { indices: Int32Array.of(20), random: new Random(0) };
      };
      const read = async () => {
        for await (const { indices } of loadBatches(dataset, bad(), { ...options, threads }))
          seen.push(indices.length);
      };
      const isTold = (error: unknown) => error instanceof DataThreadError && error.message.includes("expected indices in [0, 20), got 20"); // prettier-ignore
      await assert.rejects(read, isTold);
      assert.ok(seen.length <= 2);
    }
  });

  it("passes on what the plans throw", async () => {
    const broken = function* (): Generator<BatchPlan, void> {
      yield* plans(1);
      throw new RangeError("no more");
    };
    for (const threads of [0, 1]) {
      await assert.rejects(all(loadBatches(dataset, broken(), { ...options, threads })), /no more/);
    }
  });

  it("refuses a policy that does not fit the images, before any thread starts", async () => {
    for (const threads of [0, 1]) {
      const load = all(loadBatches(dataset, plans(1), { views: 1, policy: digitPolicy, threads }));
      await assert.rejects(load, ValueError);
    }
  });
});
