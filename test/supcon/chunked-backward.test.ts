import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { backward } from "../../engine/autograd.ts";
import { currentBackend, init, setBackend } from "../../engine/backend.ts";
import { randn, tensor } from "../../engine/create.ts";
import { NotDifferentiableError, ShapeError, ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { concat, mul, reshape, slice, square, sum } from "../../kernels/index.ts";
import { BatchNorm2d, Dropout, fromOp, GroupNorm, LARS, Linear, Relu, Sequential } from "../../nn/index.ts";
import type { Module } from "../../nn/index.ts";
import { parameter } from "../../nn/module.ts";
import { supConLoss } from "../../supcon/losses/index.ts";
import { chunkedBackward } from "../../supcon/negatives/chunked-backward.ts";
import { MemoryQueue } from "../../supcon/negatives/memory-queue.ts";
import { MomentumEncoder } from "../../supcon/negatives/momentum-encoder.ts";

class AsImage extends fromOp((x) => reshape(x, [-1, 1, 1, 6])) {}
class AsRows extends fromOp((x) => reshape(x, [-1, 6])) {}

type Kind = "plain" | "batch norm and dropout";

function make(kind: Kind): Module {
  const random = new Random(3);
  const between = () =>
    kind === "plain" ? [new GroupNorm(2, 6)] : [new BatchNorm2d(6), new Dropout(0.3, { random })];
  return new Sequential(
    new Linear(4, 6, { random }),
    new AsImage(),
    ...between(),
    new Relu(),
    new AsRows(),
    new Linear(6, 3, { random }),
  );
}

/** Gradients, buffers and generators, by name. */
async function left(module: Module): Promise<Map<string, number[]>> {
  const gradients = [...module.namedParameters()].map(async ([name, w]) => {
    return [`${name}.grad`, Array.from(await w.grad!.data())] as const;
  });
  const state = [...(await module.stateDict())].map(([name, { data }]) => [name, Array.from(data)] as const);
  return new Map([...state, ...(await Promise.all(gradients))]);
}

function assertSame(
  actual: ReadonlyMap<string, number[]>,
  expected: ReadonlyMap<string, number[]>,
  limit: number,
) {
  assert.deepEqual([...actual.keys()], [...expected.keys()]);
  for (const [name, values] of expected) {
    values.forEach((value, i) => {
      const got = actual.get(name)![i]!;
      assert.ok(
        Math.abs(got - value) <= limit * Math.max(1, Math.abs(value)),
        `${name} ${i}: ${got} for ${value}`,
      );
    });
  }
}

/** Sizes of chunks, of at least two samples in each. */
const sizes = fc.array(fc.integer({ min: 2, max: 5 }), { minLength: 1, maxLength: 4 });

function batchOf(sizes: readonly number[], seed: number) {
  const random = new Random(seed);
  const count = sizes.reduce((a, b) => a + b, 0);
  const x = randn([count, 4], random);
  const labels = Array.from({ length: count }, () => random.integer(3));
  const starts = sizes.map((_, i) => sizes.slice(0, i).reduce((a, b) => a + b, 0));
  return { x, labels, parts: sizes.map((size, i) => () => slice(x, [starts[i]!], [starts[i]! + size])) };
}

before(() => init({ backend: "reference" }));

describe("chunkedBackward", () => {
  it("has the gradients of the single pass, where samples do not meet before the loss", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), async (sizes, seed) => {
        const { x, labels, parts } = batchOf(sizes, seed);
        const [chunked, whole] = [make("plain"), make("plain")];
        const loss = (z: Tensor) => supConLoss(z, labels);
        const value = chunkedBackward(chunked, parts.map((part) => () => chunked.forward(part())), loss); // prettier-ignore
        const expected = loss(whole.forward(x));
        backward(expected);
        assert.ok(Math.abs((await value.item()) - (await expected.item())) < 1e-12, "another loss");
        assertSame(await left(chunked), await left(whole), 1e-10);
      }),
      { numRuns: 25 },
    );
  });

  it("is one tape through all chunks, batch normalisation and dropout included", async () => {
    await fc.assert(
      fc.asyncProperty(sizes, fc.nat(), async (sizes, seed) => {
        const { labels, parts } = batchOf(sizes, seed);
        const kind = "batch norm and dropout";
        const [chunked, whole] = [make(kind), make(kind)];
        const loss = (z: Tensor) => supConLoss(z, labels);
        // Twice: the second step goes on from what the first has left.
        for (let step = 0; step < 2; step++) {
          const value = chunkedBackward(chunked, parts.map((part) => () => chunked.forward(part())), loss); // prettier-ignore
          const expected = loss(concat(parts.map((part) => whole.forward(part())), 0)); // prettier-ignore
          backward(expected);
          assert.equal(await value.item(), await expected.item());
          const [actual, wanted] = [await left(chunked), await left(whole)];
          for (const [name, values] of wanted) {
            // Running statistics and generators to the bit.
            if (!name.endsWith("grad")) assert.deepEqual(actual.get(name), values, name);
          }
          assertSame(actual, wanted, 1e-10);
        }
      }),
      { numRuns: 15 },
    );
  });

  it("counts each chunk once in the running statistics, by hand", async () => {
    const norm = new BatchNorm2d(1, { momentum: 0.5 });
    const chunk = (a: number, b: number) => () => reshape(norm.forward(tensor([a, b], [2, 1, 1, 1])), [2, 1]);
    chunkedBackward(norm, [chunk(1, 3), chunk(5, 7)], (z) => sum(mul(z, tensor([[1], [2], [3], [5]]))));
    // Means 2 and 6: 0 -> 1 -> 3.5. Variances 2 and 2, of the population: 1 -> 1.5 -> 1.75.
    assert.deepEqual(Array.from(await norm.running_mean.data()), [3.5]);
    assert.deepEqual(Array.from(await norm.running_var.data()), [1.75]);
  });

  it("also differentiates by the loss's own parameters, once", async () => {
    const w = parameter([2, 1], [1, 1]);
    const module = new Linear(1, 1, { random: new Random(0), bias: false });
    const chunk = (x: number) => () => module.forward(tensor([[x]]));
    const value = chunkedBackward(module, [chunk(2), chunk(3)], (z) => sum(mul(z, w)));
    const [slope] = await module.weight.data();
    assert.deepEqual(Array.from(await w.grad!.data()), [2 * slope!, 3 * slope!]);
    assert.deepEqual(Array.from(await module.weight.grad!.data()), [5]);
    assert.equal(value.requiresGrad, false);
  });

  it("with a queue and a momentum encoder, goes on from their states as if it had not stopped, to the bit", async () => {
    const reference = currentBackend();
    const backend = await init({ backend: "cpu" });
    try {
      const start = () => {
        const model = make("batch norm and dropout");
        return {
          model,
          encoder: new MomentumEncoder(model, make("batch norm and dropout"), { momentum: 0.9 }),
          memory: new MemoryQueue({ capacity: 12, dim: 3 }),
          optimizer: new LARS(model.namedParameters(), { lr: 10 }),
        };
      };
      const step = ({ model, encoder, memory, optimizer }: ReturnType<typeof start>, seed: number) => {
        scope(() => {
          const { x, labels, parts } = batchOf([3, 2], seed);
          encoder.update();
          const keys = encoder.forward(x);
          chunkedBackward(
            model,
            parts.map((part) => () => model.forward(part())),
            (z) => supConLoss(z, labels, { contrast: { features: keys, labels }, ...memory.options() }),
          );
          memory.enqueue(keys, labels);
          optimizer.step();
          optimizer.zeroGrad();
        });
      };
      const states = async ({ model, encoder, memory, optimizer }: ReturnType<typeof start>) =>
        [
          await model.stateDict(),
          await encoder.state(),
          await memory.state(),
          await optimizer.state(),
        ] as const;
      const [whole, resumed] = [start(), start()];
      for (let i = 0; i < 2; i++) step(whole, i);
      const [model, encoder, memory, optimizer] = await states(whole);
      resumed.model.loadStateDict(model);
      resumed.encoder.loadState(encoder);
      resumed.memory.loadState(memory);
      resumed.optimizer.loadState(optimizer);
      for (let i = 2; i < 5; i++) [whole, resumed].forEach((each) => { step(each, i); }); // prettier-ignore
      assert.deepEqual(await states(resumed), await states(whole));
      assert.notDeepEqual((await states(whole))[1], encoder);
    } finally {
      setBackend(reference);
      await backend.destroy();
    }
  });

  for (const name of ["reference", "cpu"] as const) {
    it(`takes the memory of one chunk and the embeddings, on ${name}`, async () => {
      const before = currentBackend();
      const [rows, dim] = [64, 4];
      /** Peak memory beyond what the model holds, of `count` chunks. */
      const peak = async (count: number, chunked: boolean) => {
        const backend = await init({ backend: name, ...(name === "cpu" && { threads: 1 }) });
        try {
          const random = new Random(1);
          using model = new Sequential(
            new Linear(8, 256, { random }),
            new Relu(),
            new Linear(256, dim, { random }),
          );
          const chunks = Array.from({ length: count }, (_, i) => () => {
            return model.forward(randn([rows, 8], new Random(i)));
          });
          const loss = (z: Tensor) => sum(square(sum(z, 0)));
          const { liveBytes } = backend.stats();
          scope(() => {
            if (chunked) chunkedBackward(model, chunks, loss);
            else backward(loss(concat(chunks.map((chunk) => chunk()), 0))); // prettier-ignore
          });
          return backend.stats().peakBytes - liveBytes;
        } finally {
          setBackend(before);
          await backend.destroy();
        }
      };
      const [few, many, whole] = [await peak(2, true), await peak(16, true), await peak(16, false)];
      const bytes = name === "cpu" ? 4 : 8;
      // Embeddings, apart and together, and their gradient.
      const ofEmbeddings = 4 * rows * (16 - 2) * dim * bytes;
      assert.ok(many - few <= ofEmbeddings, `${few} bytes for 2 chunks, ${many} for 16`);
      assert.ok(whole - few > 4 * ofEmbeddings, `${few} bytes for 2 chunks, ${whole} for 16 at once`);
    });
  }

  it("leaves no memory behind but the loss and the gradients", () => {
    const model = make("batch norm and dropout");
    const { parts, labels } = batchOf([2, 3], 1);
    const run = () => {
      scope(() => chunkedBackward(model, parts.map((part) => () => model.forward(part())), (z) => supConLoss(z, labels))).dispose(); // prettier-ignore
    };
    run();
    const { liveBuffers } = currentBackend().stats();
    run();
    assert.equal(currentBackend().stats().liveBuffers, liveBuffers);
  });

  it("refuses no chunks, chunks of different widths and a loss of something else", async () => {
    const model = make("batch norm and dropout");
    const start = await model.stateDict();
    const { parts } = batchOf([2, 2], 1);
    const chunks = parts.map((part) => () => model.forward(part()));
    assert.throws(() => chunkedBackward(model, [], sum), ValueError);
    const other = () => tensor([[1, 2]]);
    assert.throws(() => chunkedBackward(model, [...chunks, other], sum), ShapeError);
    const w = parameter([1], [1]);
    assert.throws(() => chunkedBackward(model, chunks, () => sum(w)), NotDifferentiableError);
    assert.throws(() => chunkedBackward(model, chunks, (z) => z), ShapeError);
    assert.deepEqual(await model.stateDict(), start);
  });
});
