import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { currentBackend, init, setBackend } from "../../engine/backend.ts";
import { randn, tensor } from "../../engine/create.ts";
import { ShapeError, ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { reshape } from "../../kernels/index.ts";
import { BatchNorm2d, Dropout, fromOp, Linear, Sequential, StateDictError } from "../../nn/index.ts";
import type { Module } from "../../nn/index.ts";
import { MomentumEncoder } from "../../supcon/negatives/momentum-encoder.ts";

class AsImage extends fromOp((x) => reshape(x, [-1, 1, 1, 4])) {}

const make = (seed: number) => {
  const random = new Random(seed);
  return new Sequential(
    new Linear(3, 4, { random }),
    new AsImage(),
    new BatchNorm2d(4),
    new Dropout(0.5, { random }),
  );
};

const set = (module: Module, value: number) => {
  for (const w of module.parameters()) w.backend.write(w.buffer, new Array<number>(w.size).fill(value));
};
const values = async (tensors: ReadonlyMap<string, { data(): Promise<ArrayLike<number>> }>) =>
  Promise.all([...tensors].map(async ([name, each]) => [name, Array.from(await each.data())]));

before(() => init({ backend: "reference" }));

describe("MomentumEncoder", () => {
  for (const name of ["reference", "cpu"] as const) {
    it(`starts as a copy, to the bit, on ${name}`, async () => {
      const before = currentBackend();
      const backend = await init({ backend: name, ...(name === "cpu" && { threads: 1 }) });
      try {
        const [source, module] = [make(1), make(2)];
        source.forward(randn([5, 3], new Random(0)));
        new MomentumEncoder(source, module);
        assert.deepEqual(await values(module.namedParameters()), await values(source.namedParameters()));
        assert.deepEqual(await values(module.namedBuffers()), await values(source.namedBuffers()));
      } finally {
        setBackend(before);
        await backend.destroy();
      }
    });
  }

  it("averages parameters by hand: 3/4 of it stays", async () => {
    const [source, module] = [make(1), make(2)];
    set(source, 1);
    const encoder = new MomentumEncoder(source, module, { momentum: 0.75 });
    set(source, 5);
    encoder.update();
    set(source, 10);
    encoder.update();
    // 0.75 * 1 + 0.25 * 5 = 2, then 0.75 * 2 + 0.25 * 10 = 4
    for (const w of module.parameters()) {
      assert.deepEqual(Array.from(await w.data()), new Array(w.size).fill(4));
    }
    for (const w of source.parameters()) {
      assert.deepEqual(Array.from(await w.data()), new Array(w.size).fill(10));
    }
  });

  it("has running statistics of its own, and no gradient", async () => {
    const [source, module] = [make(1), make(2)];
    const encoder = new MomentumEncoder(source, module);
    const start = await values(source.namedBuffers());
    const keys = encoder.forward(randn([5, 3], new Random(0)));
    assert.equal(keys.requiresGrad, false);
    assert.deepEqual(await values(source.namedBuffers()), start);
    const own = await values(module.namedBuffers());
    assert.notDeepEqual(own, start);
    encoder.update();
    assert.deepEqual(await values(module.namedBuffers()), own);
  });

  it("goes on from its state as if it had not stopped, to the bit", async () => {
    const source = make(1);
    const run = (encoder: MomentumEncoder<Module>, seeds: readonly number[]) =>
      Promise.all(
        seeds.map((seed) => {
          encoder.update();
          return encoder.forward(randn([5, 3], new Random(seed))).data();
        }),
      );
    const whole = new MomentumEncoder<Module>(source, make(2), { momentum: 0.5 });
    set(source, 3);
    await run(whole, [1, 2]);
    const state = await whole.state();
    const resumed = new MomentumEncoder<Module>(source, make(4), { momentum: 0.5 });
    resumed.loadState(state);
    assert.deepEqual(await run(resumed, [3, 4]), await run(whole, [3, 4]));
    assert.deepEqual(await resumed.state(), await whole.state());
    assert.throws(() => { resumed.loadState(new Map()); }, StateDictError); // prettier-ignore
  });

  it("refuses other architectures, and momentum out of its range", () => {
    const source = make(1);
    for (const momentum of [-0.1, 1, NaN]) {
      assert.throws(() => new MomentumEncoder(source, make(2), { momentum }), ValueError);
    }
    const linear = (outputs: number, bias = true) => new Linear(3, outputs, { random: new Random(0), bias });
    assert.throws(() => new MomentumEncoder(source, source), {
      name: "ValueError",
      message: /shared by both/,
    });
    assert.throws(() => new MomentumEncoder(linear(2), linear(2, false)), /bias in the first alone/);
    assert.throws(() => new MomentumEncoder(linear(2, false), linear(2)), /bias in the second alone/);
    assert.throws(() => new MomentumEncoder(linear(2), linear(3)), ShapeError);
  });

  it("leaves no memory behind but the keys", () => {
    const encoder = new MomentumEncoder(make(1), make(2));
    using x = tensor([[1, 2, 3], [4, 5, 6]]); // prettier-ignore
    const { liveBuffers } = currentBackend().stats();
    encoder.update();
    encoder.forward(x).dispose();
    assert.equal(currentBackend().stats().liveBuffers, liveBuffers);
  });
});
