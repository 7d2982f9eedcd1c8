import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { grad } from "../../engine/autograd.ts";
import { ones, tensor } from "../../engine/create.ts";
import { Random } from "../../engine/random.ts";
import * as k from "../../kernels/index.ts";
import { assertTensor, useReference, values } from "./helpers.ts";

beforeEach(useReference);

describe("dropout", () => {
  it("drops its share, scales the rest, and follows the generator", async () => {
    const drop = () => k.dropout(ones([10000]), 0.25, new Random(7));
    const xs = await values(drop());
    const dropped = xs.filter((x) => x === 0).length;
    // A binomial number with standard deviation 43.
    assert.ok(Math.abs(dropped - 2500) < 200, String(dropped));
    const kept = Math.fround(4 / 3);
    assert.ok(xs.every((x) => x === 0 || x === kept));
    assert.deepEqual(await values(drop()), xs);
  });
  it("its gradient goes through the same mask", async () => {
    const x = tensor([1, 2, 3, 4, 5, 6, 7, 8], [8], { requiresGrad: true });
    const y = k.dropout(x, 0.5, new Random(1));
    await assertTensor(grad(k.sum(y), [x])[0], [8], (await values(y)).map((value) => (value === 0 ? 0 : 2))); // prettier-ignore
  });
  it("with probability 0 or 1 keeps all or nothing", async () => {
    const x = tensor([1, 2]);
    await assertTensor(k.dropout(x, 0, new Random(1)), [2], [1, 2]);
    await assertTensor(k.dropout(x, 1, new Random(1)), [2], [0, 0]);
  });
});
