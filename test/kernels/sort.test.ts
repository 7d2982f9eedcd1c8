import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { backward, grad } from "../../engine/autograd.ts";
import { setBackend } from "../../engine/backend.ts";
import type { Backend } from "../../engine/backend.ts";
import { CpuBackend } from "../../engine/backends/cpu/backend.ts";
import { ReferenceBackend } from "../../engine/backends/reference/backend.ts";
import { tensor } from "../../engine/create.ts";
import { NotDifferentiableError } from "../../engine/errors.ts";
import * as k from "../../kernels/index.ts";
import { assertRefused, assertTensor, useReference, values } from "./helpers.ts";

describe("sort and topK, by hand", () => {
  beforeEach(useReference);
  it("ascending, descending, along an axis", async () => {
    const x = tensor([3, 1, 2, 9, 7, 8], [2, 3]);
    const up = k.sort(x);
    await assertTensor(up.values, [2, 3], [1, 2, 3, 7, 8, 9]);
    await assertTensor(up.indices, [2, 3], [1, 2, 0, 1, 2, 0]);
    const down = k.sort(x, { axis: 0, descending: true });
    await assertTensor(down.values, [2, 3], [9, 7, 8, 3, 1, 2]);
    await assertTensor(down.indices, [2, 3], [1, 1, 1, 0, 0, 0]);
    assert.deepEqual([up.indices.dtype, up.indices.bounds], ["i32", { min: 0, max: 2 }]);
  });
  it("equal ones keep their order, -0 equals 0, NaN is the largest", async () => {
    const x = tensor([2, NaN, 1, 2, -0, 0, -Infinity, Infinity]);
    await assertTensor(k.sort(x).indices, [8], [6, 4, 5, 2, 0, 3, 7, 1]);
    await assertTensor(k.sort(x, { descending: true }).indices, [8], [1, 7, 0, 3, 2, 4, 5, 6]);
    await assertTensor(k.topK(x, 3).values, [3], [NaN, Infinity, 2]);
    await assertTensor(k.topK(x, 2, { largest: false }).indices, [2], [6, 4]);
  });
  it("the gradient goes to where values come from; indices have none", async () => {
    const x = tensor([3, 1, 2], [3], { requiresGrad: true });
    await assertTensor(grad(k.sort(x).values, [x], { gradient: tensor([1, 10, 100]) })[0], [3], [100, 1, 10]);
    await assertTensor(grad(k.sum(k.square(k.topK(x, 2).values)), [x])[0], [3], [6, 0, 4]);
    assertRefused(() => { backward(k.sum(k.mul(k.sort(x).indices, x))); }, NotDifferentiableError, /^sort: /); // prettier-ignore
  });
  it("of nothing, and none of something", async () => {
    await assertTensor(k.sort(tensor([], [2, 0])).values, [2, 0], []);
    await assertTensor(k.topK(tensor([1, 2]), 0).values, [0], []);
  });
});

describe("sort and topK on each backend", () => {
  let cpu: CpuBackend;
  before(async () => {
    cpu = await CpuBackend.create(1);
  });
  after(() => cpu.destroy());

  it("are what sorting pairs of value and position gives", async () => {
    const value = fc.oneof({ weight: 4, arbitrary: fc.integer({ min: -3, max: 3 }) }, fc.constantFrom(NaN, Infinity, -Infinity));
    await fc.assert(
      fc.asyncProperty(
        fc.integer({ min: 1, max: 80 }).chain((length) => fc.tuple(fc.array(value, { minLength: 2 * length, maxLength: 2 * length }), fc.nat(length))),
        fc.boolean(),
        async ([xs, count], descending) => {
          const length = xs.length / 2;
          // Two columns, so that neighbours along the axis are not neighbours in memory.
          const columns = [0, 1].map((c) =>
            Array.from({ length }, (_, i) => ({ x: xs[2 * i + c]!, i }))
              .sort((a, b) => (descending ? -1 : 1) * compare(a.x, b.x) || a.i - b.i)
              .slice(0, count),
          );
          const expected = Array.from({ length: count }, (_, j) => columns.map((column) => column[j]!)).flat();
          for (const backend of [new ReferenceBackend(), cpu] satisfies Backend[]) {
            setBackend(backend);
            const x = tensor(xs, [length, 2]);
            const top = k.topK(x, count, { axis: 0, largest: descending });
            assert.deepEqual(await values(top.indices), expected.map(({ i }) => i));
            assert.deepEqual(await values(top.values), expected.map(({ x: each }) => each));
            const all = k.sort(x, { axis: 0, descending });
            assert.deepEqual((await values(all.indices)).slice(0, 2 * count), expected.map(({ i }) => i));
          }
        },
      ),
      { numRuns: 60 },
    );
  }); // prettier-ignore
});

/** -1, 0 or 1; NaN above every number. */
function compare(a: number, b: number): number {
  if (Number.isNaN(a) || Number.isNaN(b)) return Number(Number.isNaN(a)) - Number(Number.isNaN(b));
  return a < b ? -1 : Number(a > b);
}
