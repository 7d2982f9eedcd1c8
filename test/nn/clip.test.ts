import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { backward } from "../../engine/autograd.ts";
import { currentBackend, init } from "../../engine/backend.ts";
import { ValueError } from "../../engine/errors.ts";
import { scope } from "../../engine/scope.ts";
import { add, sum } from "../../kernels/index.ts";
import { clipGradNorm, clipGradValue } from "../../nn/clip.ts";
import { parameter } from "../../nn/module.ts";
import { near, pull, read } from "./support.ts";

/** Three parameters with the gradients (2, -4) and ((4), (-8)), of length 10 together, and none. */
function parameters() {
  const made = [parameter([2], [1, 1]), parameter([2, 1], [1, 1]), parameter([3], [1, 1, 1])] as const;
  pull(made[0], [2, -4]);
  pull(made[1], [4, -8]);
  return made;
}

before(() => init({ backend: "reference" }));

describe("clipGradNorm", () => {
  it("scales all gradients by one factor, and tells their length before", async () => {
    const [a, b, idle] = parameters();
    near(await read(clipGradNorm([a, b, idle], 5)), [10]);
    near(await read(a.grad!), [1, -2]);
    near(await read(b.grad!), [2, -4]);
    assert.equal(idle.grad, null);
    near(await read(clipGradNorm([a, b, idle], 5)), [5]);
  });

  it("leaves gradients that are short enough as they are, zeros included", async () => {
    const [a, b] = parameters();
    clipGradNorm([a, b], 10);
    assert.deepEqual([await read(a.grad!), await read(b.grad!)], [[2, -4], [4, -8]]); // prettier-ignore
    const zero = parameter([2], [1, 1]);
    pull(zero, [0, 0]);
    assert.equal(await clipGradNorm([zero], 1).item(), 0);
    assert.deepEqual(await read(zero.grad!), [0, 0]);
    assert.equal(await clipGradNorm([], 1).item(), 0);
  });

  it("scales two gradients that came from one", async () => {
    const [a, c] = [parameter([1], [3]), parameter([1], [4])];
    scope(() => { backward(sum(add(a, c))); }); // prettier-ignore
    near(await read(clipGradNorm([a, c], 1)), [Math.SQRT2]);
    near([...(await read(a.grad!)), ...(await read(c.grad!))], [Math.SQRT1_2, Math.SQRT1_2]);
  });

  it("leaves no memory behind but the length", () => {
    const [a, b] = parameters();
    const { liveBuffers } = currentBackend().stats();
    clipGradNorm([a, b], 1).dispose();
    assert.equal(currentBackend().stats().liveBuffers, liveBuffers);
  });

  it("refuses lengths that are not above 0", () => {
    for (const wrong of [0, -1, NaN, Infinity]) assert.throws(() => clipGradNorm([], wrong), ValueError);
  });
});

describe("clipGradValue", () => {
  it("brings each element into the interval", async () => {
    const [a, b, idle] = parameters();
    clipGradValue([a, b, idle], 3);
    assert.deepEqual([await read(a.grad!), await read(b.grad!)], [[2, -3], [3, -3]]); // prettier-ignore
    assert.equal(idle.grad, null);
  });

  it("does not hide NaN", async () => {
    const w = parameter([3], [1, 1, 1]);
    pull(w, [NaN, Infinity, -Infinity]);
    clipGradValue([w], 3);
    assert.deepEqual(await read(w.grad!), [NaN, 3, -3]);
  });

  it("refuses bounds that are not above 0", () => {
    for (const wrong of [0, -1, NaN]) assert.throws(() => { clipGradValue([], wrong); }, ValueError); // prettier-ignore
  });
});
