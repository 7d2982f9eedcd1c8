import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { setBackend } from "../../engine/backend.ts";
import { CpuBackend } from "../../engine/backends/cpu/backend.ts";
import { tensor } from "../../engine/create.ts";
import { grad } from "../../engine/autograd.ts";
import { sizeOf } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import * as k from "../../kernels/index.ts";
import { seeds, useReference, values } from "./helpers.ts";

let cpu: CpuBackend;
before(async () => { cpu = await CpuBackend.create(1); }); // prettier-ignore
after(() => cpu.destroy());

/** Small integers are exact in 32 bits: what is only moved or added must come out the same. */
async function assertSameOnCpu(f: (x: Tensor) => Tensor, shape: readonly number[]): Promise<void> {
  const results: number[][] = [];
  for (const useBackend of [useReference, () => setBackend(cpu)]) {
    useBackend();
    const x = tensor(
      Float64Array.from({ length: sizeOf(shape) }, (_, i) => i + 1),
      shape,
      { requiresGrad: true },
    );
    const y = f(x);
    const dy = tensor(
      Float64Array.from({ length: y.size }, (_, i) => (i * i) % 19),
      y.shape,
    );
    const [dx] = grad(y, [x], { gradient: dy });
    results.push([...(await values(y)), NaN, ...(await values(dx))]);
  }
  assert.deepEqual(results[1], results[0]);
}

/** The innermost axis is shorter or longer than the rows that are copied as one. */
const shapes = fc.tuple(
  fc.integer({ min: 1, max: 3 }),
  fc.integer({ min: 1, max: 4 }),
  fc.constantFrom(1, 3, 16, 17, 40),
);

describe("copies on the cpu backend", () => {
  it("slice and its gradient", async () => {
    await fc.assert(
      fc.asyncProperty(shapes, seeds, async (shape, seed) => {
        const starts = shape.map((length) => seed % length);
        await assertSameOnCpu((x) => k.slice(x, starts, shape), shape);
      }),
      { numRuns: 30 },
    );
  });
  it("concat and its gradient", async () => {
    await fc.assert(
      fc.asyncProperty(shapes, fc.nat(2), async (shape, axis) => {
        await assertSameOnCpu((x) => k.concat([x, k.slice(x, [], []), x], axis), shape);
      }),
      { numRuns: 30 },
    );
  });
  it("gather and its gradient", async () => {
    await fc.assert(
      fc.asyncProperty(
        shapes,
        fc.nat(2),
        fc.array(fc.nat(99), { maxLength: 6 }),
        async (shape, axis, picks) => {
          await assertSameOnCpu(
            (x) =>
              k.gather(
                x,
                picks.map((i) => i % shape[axis]!),
                axis,
              ),
            shape,
          );
        },
      ),
      { numRuns: 30 },
    );
  });
  it("integers", async () => {
    setBackend(cpu);
    const x = tensor(Int32Array.of(-5, 6, 2 ** 31 - 1));
    assert.deepEqual(await values(k.gather(k.concat([k.slice(x, [1], [3]), x], 0), [1, 2], 0)), [
      2 ** 31 - 1,
      -5,
    ]);
  });
});
