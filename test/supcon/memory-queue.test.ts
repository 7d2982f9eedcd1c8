import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { backward } from "../../engine/autograd.ts";
import { currentBackend, init } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import { DTypeError, ShapeError, ValueError } from "../../engine/errors.ts";
import { scope } from "../../engine/scope.ts";
import { SGD, StateDictError } from "../../nn/index.ts";
import { parameter } from "../../nn/module.ts";
import { supConAnchorLosses, supConLoss } from "../../supcon/losses/index.ts";
import { MemoryQueue } from "../../supcon/negatives/memory-queue.ts";
import { dot, logSum, normalRows, normalized } from "./oracle.ts";

/** What the loss is given: keys row by row and their labels. */
async function held(memory: MemoryQueue): Promise<{ keys: number[][]; labels: number[] }> {
  const { queue } = memory.options();
  if (!queue) return { keys: [], labels: [] };
  const data = Array.from(await queue.keys.data());
  const [count = 0, dim = 0] = queue.keys.shape;
  return {
    keys: Array.from({ length: count }, (_, i) => data.slice(i * dim, (i + 1) * dim)),
    labels: Array.from(queue.labels as Int32Array),
  };
}

before(() => init({ backend: "reference" }));

describe("MemoryQueue", () => {
  it("holds the last keys, first in first out, whatever the sizes of the batches", async () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 9 }), { maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(fc.integer({ min: 1, max: 8 }), sizes, async (capacity, sizes) => {
        using memory = new MemoryQueue({ capacity, dim: 2 });
        const all: { key: number[]; label: number }[] = [];
        for (const size of sizes) {
          const batch = Array.from({ length: size }, (_, i) => {
            const number = all.length + i;
            return { key: [number, -number], label: 7 * number - 20 };
          });
          memory.enqueue(tensor(batch.map(({ key }) => key)), batch.map(({ label }) => label)); // prettier-ignore
          all.push(...batch);
          const last = all.slice(-capacity);
          assert.equal(memory.length, last.length);
          assert.deepEqual(await held(memory), {
            keys: last.map(({ key }) => key),
            labels: last.map(({ label }) => label),
          });
        }
      }),
      { numRuns: 40 },
    );
  });

  it("gives each view its sample's label", async () => {
    using memory = new MemoryQueue({ capacity: 5, dim: 1 });
    memory.enqueue(tensor([[[1], [2]], [[3], [4]], [[5], [6]]]), [10, 20, 30]); // prettier-ignore
    assert.deepEqual(await held(memory), { keys: [[2], [3], [4], [5], [6]], labels: [10, 20, 20, 30, 30] });
  });

  it("is no option while it is empty, and no zeros before it is full", async () => {
    using memory = new MemoryQueue({ capacity: 100, dim: 3 });
    const [rows, keys] = [normalRows(4, 3, 1), normalRows(3, 3, 2)];
    const [labels, ofKeys] = [[0, 1, 0, 2], [1, 2, 5]]; // prettier-ignore
    const losses = async () => {
      const values = supConAnchorLosses(tensor(rows), labels, { temperature: 0.5, ...memory.options() });
      return Array.from(await values.data());
    };
    const alone = Array.from(await supConAnchorLosses(tensor(rows), labels, { temperature: 0.5 }).data());
    assert.deepEqual(await losses(), alone);
    memory.enqueue(tensor(keys), ofKeys);
    const all = normalized([...rows, ...keys]);
    const classes = [...labels, ...ofKeys];
    const expected = rows.map((_, i) => {
      const others = all.map((_, a) => a).filter((a) => a !== i);
      const s = others.map((a) => dot(all[i]!, all[a]!) / 0.5);
      const ofClass = s.filter((_, at) => classes[others[at]!] === labels[i]);
      return logSum(s) - ofClass.reduce((a, b) => a + b, 0) / ofClass.length;
    });
    (await losses()).forEach((value, i) => {
      assert.ok(Math.abs(value - expected[i]!) < 1e-12, `anchor ${i}: ${value} for ${expected[i]}`);
    });
  });

  it("golden: queries against keys of the momentum encoder and of the queue", async () => {
    const queries = tensor([[1, 0.2, 0], [0, 1, 0.1]]); // prettier-ignore
    const keys = [[0.9, 0.1, 0.3], [0.1, 1, 0], [0.5, 0.5, 0.5], [-1, 0, 0.2], [0, 0.3, -1]]; // prettier-ignore
    using memory = new MemoryQueue({ capacity: 3, dim: 3 });
    memory.enqueue(tensor(keys.slice(2)), [0, 1, 2]);
    const contrast = { features: tensor(keys.slice(0, 2)), labels: [0, 1] };
    const values = await supConAnchorLosses(queries, [0, 1], { contrast, ...memory.options() }).data();
    assert.ok(Math.abs(values[0]! - 1.400525) < 5e-7, `row 0: ${values[0]}`);
    assert.ok(Math.abs(values[1]! - 4.88094945) < 5e-9, `row 1: ${values[1]}`);
  });

  it("without labels, all keys are negatives of all", async () => {
    using memory = new MemoryQueue({ capacity: 2, dim: 2, labelled: false });
    memory.enqueue(tensor([[1, 0], [0, 1]])); // prettier-ignore
    const views = tensor([[[1, 0], [1, 0]]]); // prettier-ignore
    const value = await supConLoss(views, null, { temperature: 1, ...memory.options() }).item();
    assert.ok(Math.abs(value - Math.log(2 + Math.exp(-1))) < 1e-12, `${value}`);
  });

  it("cross-batch memory goes on from its state as if it had not stopped, to the bit", async () => {
    const make = () => {
      const w = parameter([3, 2], normalRows(3, 2, 3).flat());
      const optimizer = new SGD(new Map([["w", w]]), { lr: 0.1, momentum: 0.9 });
      return { w, optimizer, memory: new MemoryQueue({ capacity: 7, dim: 2 }) };
    };
    const step = ({ w, optimizer, memory }: ReturnType<typeof make>) => {
      scope(() => {
        const labels = [0, 1, 1];
        backward(supConLoss(w, labels, { ...memory.options() }));
        memory.enqueue(w, labels);
        optimizer.step();
        optimizer.zeroGrad();
      });
    };
    // Stopped before the memory was full, and after.
    for (const stop of [1, 4]) {
      const [whole, resumed] = [make(), make()];
      for (let i = 0; i < stop; i++) step(whole);
      resumed.w.backend.write(resumed.w.buffer, await whole.w.data());
      resumed.optimizer.loadState(await whole.optimizer.state());
      resumed.memory.loadState(await whole.memory.state());
      for (let i = 0; i < 3; i++) [whole, resumed].forEach(step);
      assert.deepEqual(await resumed.w.data(), await whole.w.data());
      assert.deepEqual(await held(resumed.memory), await held(whole.memory));
    }
  });

  it("refuses another one's state, and stays as it was", async () => {
    using memory = new MemoryQueue({ capacity: 2, dim: 1 });
    using longer = new MemoryQueue({ capacity: 3, dim: 1 });
    memory.enqueue(tensor([[5]]), [1]);
    const state = await longer.state();
    assert.deepEqual([...state.keys()], ["keys", "labels", "length"]);
    assert.throws(() => { memory.loadState(state); }, StateDictError); // prettier-ignore
    assert.deepEqual(await held(memory), { keys: [[5]], labels: [1] });
  });

  it("holds K keys and no tape", () => {
    const { liveBuffers } = currentBackend().stats();
    {
      using memory = new MemoryQueue({ capacity: 4, dim: 1 });
      scope(() => {
        const w = tensor([[1], [2]], undefined, { requiresGrad: true });
        for (let i = 0; i < 5; i++) memory.enqueue(w, [0, 1]);
      });
      assert.equal(currentBackend().stats().liveBuffers, liveBuffers + 1);
    }
    assert.equal(currentBackend().stats().liveBuffers, liveBuffers);
  });

  it("refuses what does not fit, and takes nothing in", () => {
    for (const capacity of [0, 1.5, NaN]) {
      assert.throws(() => new MemoryQueue({ capacity, dim: 1 }), ValueError);
    }
    assert.throws(() => new MemoryQueue({ capacity: 1, dim: 0 }), ValueError);
    using memory = new MemoryQueue({ capacity: 4, dim: 2 });
    using unlabelled = new MemoryQueue({ capacity: 4, dim: 2, labelled: false });
    const keys = tensor([[1, 2], [3, 4]]); // prettier-ignore
    assert.throws(() => { memory.enqueue(tensor([[1, 2, 3]]), [0]); }, ShapeError); // prettier-ignore
    assert.throws(() => { memory.enqueue(tensor([1, 2]), [0]); }, ShapeError); // prettier-ignore
    assert.throws(() => { memory.enqueue(keys, [0]); }, ShapeError); // prettier-ignore
    assert.throws(() => { memory.enqueue(keys, [0, 0.5]); }, DTypeError); // prettier-ignore
    assert.throws(() => { memory.enqueue(keys, [0, 2 ** 31]); }, DTypeError); // prettier-ignore
    assert.throws(() => { memory.enqueue(tensor(Int32Array.of(1, 2), [1, 2]), [0]); }, DTypeError); // prettier-ignore
    assert.throws(() => { memory.enqueue(keys); }, ValueError); // prettier-ignore
    assert.throws(() => { unlabelled.enqueue(keys, [0, 1]); }, ValueError); // prettier-ignore
    assert.deepEqual([memory.length, unlabelled.length], [0, 0]);
  });
});
