import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { currentBackend, init } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { keep } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { BatchNorm2d } from "../../nn/batchnorm.ts";
import { EMA } from "../../nn/ema.ts";
import { Linear } from "../../nn/linear.ts";
import { Module } from "../../nn/module.ts";
import { StateDictError } from "../../nn/state.ts";
import { near, read } from "./support.ts";

/** A buffer of integers. */
class Picks extends Module {
  readonly index = keep(tensor(Int32Array.of(0, 1)));

  override forward(x: Tensor): Tensor {
    return x;
  }
}

/** A weight [1, 1] that starts as 1. */
function model() {
  const linear = new Linear(1, 1, { random: new Random(0), bias: false });
  const set = (value: number) => {
    linear.loadStateDict(new Map([["weight", { shape: [1, 1], data: [value] }]]));
  };
  set(1);
  return { linear, set, get: () => read(linear.weight) };
}

before(() => init({ backend: "reference" }));

describe("EMA", () => {
  it("starts as the values, and follows them", async () => {
    const { linear, set, get } = model();
    const ema = new EMA(linear, { decay: 0.75 });
    assert.deepEqual((await ema.state()).get("weight"), { shape: [1, 1], data: Float64Array.of(1) });
    set(5);
    ema.update();
    set(10);
    ema.update();
    // 0.75 * 1 + 0.25 * 5 = 2, then 0.75 * 2 + 0.25 * 10 = 4
    near(Array.from((await ema.state()).get("weight")?.data ?? []), [4]);
    assert.deepEqual(await get(), [10]);
  });

  it("leaves integers alone", async () => {
    const model = new Picks();
    using ema = new EMA(model, { decay: 0.5 });
    ema.update();
    ema.swap();
    assert.deepEqual(await read(model.index), [0, 1]);
    ema.swap();
    assert.equal((await ema.state()).size, 0);
  });

  it("swaps in and out", async () => {
    const { linear, set, get } = model();
    const ema = new EMA(linear, { decay: 0.5 });
    set(3);
    ema.swap();
    assert.deepEqual(await get(), [1]);
    const refusal = { name: "ValueError", message: /swap\(\) first/ };
    assert.throws(() => { ema.update(); }, refusal); // prettier-ignore
    assert.throws(() => ema.state(), refusal);
    assert.throws(() => { ema.loadState(new Map()); }, refusal); // prettier-ignore
    ema.swap();
    assert.deepEqual(await get(), [3]);
    ema.update();
    near(Array.from((await ema.state()).get("weight")?.data ?? []), [2]);
  });

  it("averages parameters and buffers, under their names", async () => {
    assert.deepEqual(
      [...(await new EMA(new BatchNorm2d(2)).state()).keys()],
      ["weight", "bias", "running_mean", "running_var"],
    );
  });

  it("goes on from its state, and refuses another's", async () => {
    const [first, second] = [model(), model()];
    const [ema, resumed] = [new EMA(first.linear, { decay: 0.5 }), new EMA(second.linear, { decay: 0.5 })];
    first.set(2);
    ema.update();
    resumed.loadState(await ema.state());
    second.set(2);
    [ema, resumed].forEach((average) => { average.update(); }); // prettier-ignore
    assert.deepEqual(await resumed.state(), await ema.state());
    assert.throws(() => { resumed.loadState(new Map()); }, StateDictError); // prettier-ignore
  });

  it("gives back its memory, and not the module's", async () => {
    const { linear, get } = model();
    const { liveBuffers } = currentBackend().stats();
    {
      using ema = new EMA(linear);
      ema.update();
    }
    assert.equal(currentBackend().stats().liveBuffers, liveBuffers);
    assert.deepEqual(await get(), [1]);
  });

  it("refuses a decay out of its range", () => {
    for (const decay of [-0.1, 1, NaN]) assert.throws(() => new EMA(model().linear, { decay }), ValueError);
  });
});
