import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { grad } from "../../engine/autograd.ts";
import { setBackend } from "../../engine/backend.ts";
import { CpuBackend } from "../../engine/backends/cpu/backend.ts";
import { tensor } from "../../engine/create.ts";
import { sizeOf } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import * as k from "../../kernels/index.ts";
import { useReference, values } from "./helpers.ts";
import { floats, integers } from "./run-kernel.ts";

let cpus: CpuBackend[];
before(async () => { cpus = [await CpuBackend.create(1), await CpuBackend.create(2)]; }); // prettier-ignore
after(async () => { for (const cpu of cpus) await cpu.destroy(); }); // prettier-ignore

type Op = (x: Tensor) => Tensor;

/** f(x), its gradient and the gradient of that, on the current backend. */
async function derivatives(f: Op, xs: Float32Array, shape: readonly number[]): Promise<number[][]> {
  const x = tensor(xs, shape, { requiresGrad: true });
  const y = f(x);
  const dy = tensor(integers(y.size, 5), y.shape, { requiresGrad: true });
  const [dx] = grad(y, [x], { gradient: dy, createGraph: true });
  const [ddy] = grad(dx, [dy], { gradient: tensor(integers(x.size, 6), shape) });
  return Promise.all([y, dx, ddy].map(values));
}

/** Small integers, ties among them, and divisions by powers of 2 are exact in 32 bits: results must be the same. */
async function assertExactOnCpu(f: Op, shape: readonly number[], seed: number): Promise<void> {
  const xs = integers(sizeOf(shape), seed);
  useReference();
  const expected = await derivatives(f, xs, shape);
  for (const cpu of cpus) {
    setBackend(cpu);
    assert.deepEqual(await derivatives(f, xs, shape), expected);
  }
}

async function assertSameBits(f: Op, shape: readonly number[]): Promise<void> {
  const results = [];
  for (const cpu of cpus) {
    setBackend(cpu);
    results.push(await derivatives(f, floats(sizeOf(shape), 3), shape));
  }
  assert.deepEqual(results[1], results[0]);
}

const int = (min: number, max: number) => fc.integer({ min, max });
const both = (min: number, max: number) => fc.tuple(int(min, max), int(min, max));
const images = fc.tuple(int(1, 3), int(5, 12), int(5, 12), fc.constantFrom(1, 2, 3, 4, 5, 8, 16, 19));

describe("pools and resampling on the cpu backend", () => {
  it("avgPool2d is exact on integers over windows of 1, 2 or 4 pixels on a side", async () => {
    const options = fc.record({
      kernel: fc.tuple(fc.constantFrom(1, 2, 4), fc.constantFrom(1, 2, 4)),
      stride: both(1, 5),
      padding: both(0, 2),
    });
    await fc.assert(
      fc.asyncProperty(images, options, fc.nat(), (shape, own, seed) =>
        assertExactOnCpu((x) => k.avgPool2d(x, own), shape, seed),
      ),
      { numRuns: 60 },
    );
  });
  it("maxPool2d is exact, and agrees about ties", async () => {
    const options = fc
      .record({ kernel: both(1, 3), stride: both(1, 4), padding: both(0, 1), dilation: both(1, 2) })
      .filter(({ kernel, padding }) => kernel.every((each, axis) => padding[axis]! < each));
    await fc.assert(
      fc.asyncProperty(images, options, fc.nat(), (shape, own, seed) =>
        assertExactOnCpu((x) => k.maxPool2d(x, own), shape, seed),
      ),
      { numRuns: 60 },
    );
  });
  it("maxPool2d agrees about NaN and infinities", async () => {
    const special = fc.constantFrom(NaN, -Infinity, Infinity, 0, 1);
    await fc.assert(
      fc.asyncProperty(fc.array(special, { minLength: 48, maxLength: 48 }), async (list) => {
        const results = [];
        for (const use of [useReference, ...cpus.map((cpu) => () => setBackend(cpu))]) {
          use();
          const x = tensor(list, [1, 4, 4, 3], { requiresGrad: true });
          const y = k.maxPool2d(x, { kernel: 3, stride: 1, padding: 1 });
          const [dx] = grad(y, [x], { gradient: tensor(integers(48, 1), y.shape) });
          results.push([await values(y), await values(dx)]);
        }
        assert.deepEqual(results[1], results[0]);
        assert.deepEqual(results[2], results[0]);
      }),
      { numRuns: 30 },
    );
  });
  it("resize is exact on integers where weights are", async () => {
    const mode = fc.constantFrom("bilinear" as const, "nearest" as const);
    const shapes = fc.tuple(int(1, 2), fc.constantFrom(4, 8), fc.constantFrom(4, 8), int(1, 9));
    const sizes = fc.tuple(fc.constantFrom(2, 4, 16), fc.constantFrom(2, 8, 32));
    await fc.assert(
      fc.asyncProperty(shapes, sizes, mode, fc.nat(), (shape, size, own, seed) =>
        assertExactOnCpu((x) => k.resize(x, size, { mode: own }), shape, seed),
      ),
      { numRuns: 30 },
    );
  });
  it("gives the same bits on one thread and on two", async () => {
    await assertSameBits((x) => k.avgPool2d(x, { kernel: 3, stride: 2, padding: 1 }), [4, 57, 31, 18]);
    await assertSameBits((x) => k.maxPool2d(x, { kernel: 3, stride: 2, padding: 1 }), [4, 57, 31, 18]);
    await assertSameBits((x) => k.adaptiveAvgPool2d(x, [7, 5]), [4, 57, 31, 18]);
    await assertSameBits((x) => k.resize(x, [40, 90]), [4, 57, 31, 18]);
  });
});

describe("argMax on the cpu backend", () => {
  it("is that of the reference along every axis, ties, NaN and infinities included", async () => {
    const special = fc.constantFrom(NaN, -Infinity, Infinity, 0, 1, 2, 3);
    const shapes = fc.tuple(int(1, 9), int(1, 9), int(1, 9));
    await fc.assert(
      fc.asyncProperty(
        shapes.chain((shape) => {
          const length = sizeOf(shape);
          return fc.tuple(fc.constant(shape), fc.array(fc.oneof(special, int(0, 9)), { minLength: length, maxLength: length })); // prettier-ignore
        }),
        async ([shape, list]) => {
          const results = [];
          for (const use of [useReference, ...cpus.map((cpu) => () => setBackend(cpu))]) {
            use();
            const x = tensor(list, shape);
            results.push(await Promise.all([0, 1, 2].map((axis) => values(k.argMax(x, axis)))));
          }
          assert.deepEqual(results[1], results[0]);
          assert.deepEqual(results[2], results[0]);
        },
      ),
      { numRuns: 60 },
    );
  });
  it("is the position in a plain search, over many lines and long ones", async () => {
    for (const shape of [
      [5000, 10],
      [3, 40001],
    ] as const) {
      const list = floats(shape[0] * shape[1], 9);
      const expected = Array.from({ length: shape[0] }, (_, i) => {
        const line = list.subarray(i * shape[1], (i + 1) * shape[1]);
        return line.indexOf(line.reduce((a, b) => Math.max(a, b)));
      });
      for (const cpu of cpus) {
        setBackend(cpu);
        assert.deepEqual(await values(k.argMax(tensor(list, shape), 1)), expected);
        assert.deepEqual(await values(k.argMax(k.transpose(tensor(list, shape)), 0)), expected);
      }
    }
  });
});
