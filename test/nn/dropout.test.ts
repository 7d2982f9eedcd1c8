import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { backward } from "../../engine/autograd.ts";
import { init } from "../../engine/backend.ts";
import { ones, tensor } from "../../engine/create.ts";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { sum } from "../../kernels/index.ts";
import { Dropout } from "../../nn/dropout.ts";
import { Sequential } from "../../nn/sequential.ts";
import { read } from "./support.ts";

const dropout = (p: number, seed = 0) => new Dropout(p, { random: new Random(seed) });

before(() => init({ backend: "reference" }));

describe("Dropout", () => {
  it("drops a share p, and scales the others so that the mean stays", async () => {
    const y = await read(dropout(0.2).forward(ones([10_000])));
    assert.deepEqual(new Set(y), new Set([0, 1.25]));
    // One standard deviation of the share is 0.004.
    const dropped = y.filter((value) => value === 0).length / 10_000;
    assert.ok(Math.abs(dropped - 0.2) < 0.02, `dropped ${dropped}`);
  });

  it("sends gradients through what it kept", async () => {
    const x = tensor([1, 2, 3, 4, 5, 6, 7, 8], [2, 4], { requiresGrad: true });
    const y = dropout(0.5).forward(x);
    backward(sum(y));
    const gradient = await read(x.grad!);
    assert.deepEqual(new Set(gradient), new Set([0, 2]));
    assert.deepEqual(await read(y), gradient.map((g, i) => g * (i + 1))); // prettier-ignore
  });

  it("is x itself in evaluation and for p = 0, and then draws nothing", async () => {
    const layer = dropout(0.5);
    const before = layer.generator.values;
    const x = ones([3]);
    assert.equal(layer.eval().forward(x), x);
    assert.deepEqual(layer.generator.values, before);
    assert.equal(dropout(0).forward(x), x);
    assert.deepEqual(await read(x), [1, 1, 1]);
  });

  it("drops other elements at each call and in each layer, and the same from the same seed", async () => {
    const x = ones([64]);
    const random = new Random(3);
    const [first, second] = [new Dropout(0.5, { random }), new Dropout(0.5, { random })];
    const [a, b, c] = [
      await read(first.forward(x)),
      await read(first.forward(x)),
      await read(second.forward(x)),
    ];
    assert.notDeepEqual(a, b);
    assert.notDeepEqual(a, c);
    assert.deepEqual(await read(dropout(0.5, 3).forward(x)), a);
  });

  it("goes on from its state as if it had not stopped", async () => {
    const x = ones([64]);
    const [layer, resumed] = [new Sequential(dropout(0.5)), new Sequential(dropout(0.5, 1))];
    layer.forward(x);
    const state = await layer.stateDict();
    assert.deepEqual(state.get("0.generator")?.shape, [4]);
    assert.deepEqual([...layer.namedHostStates().keys()], ["0.generator"]);
    resumed.loadStateDict(state);
    assert.deepEqual(await read(resumed.forward(x)), await read(layer.forward(x)));
    assert.notDeepEqual(await layer.stateDict(), state);
  });

  it("refuses p out of its range", () => {
    for (const p of [-0.1, 1, NaN]) assert.throws(() => dropout(p), ValueError);
  });
});
