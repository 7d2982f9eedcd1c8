/**
 * Both templates of products and convolutions, whatever the adapter, split and not, and Winograd's algorithm in tiles of both
 * sizes, against the definitions in f64.
 */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import fc from "fast-check";
import { ReferenceBackend } from "../../engine/backends/reference/backend.ts";
import type { WebGpuBackend } from "../../engine/backends/webgpu/backend.ts";
import type { GemmPlan } from "../../engine/backends/webgpu/gemm/plan.ts";
import type { Kernel, Params } from "../../engine/kernel.ts";
import { sizeOf } from "../../engine/shape.ts";
import * as conv2dKernels from "../../kernels/conv2d/conv2d.kernels.ts";
import { runConvolve } from "../../kernels/conv2d/convolve.wgsl.ts";
import { conv2dGeometry, wShape, xShape, yShape } from "../../kernels/conv2d/geometry.ts";
import { runGradWeight } from "../../kernels/conv2d/grad-weight.wgsl.ts";
import { gpuTile, passGeometry, runWinograd } from "../../kernels/conv2d/winograd/convolve.wgsl.ts";
import { runWinogradGradWeight } from "../../kernels/conv2d/winograd/grad-weight.wgsl.ts";
import { batchedMatmul } from "../../kernels/matmul/batched.kernels.ts";
import { matmul } from "../../kernels/matmul/matmul.kernels.ts";
import { runProduct } from "../../kernels/matmul/matmul.wgsl.ts";
import { floats } from "../kernels/run-kernel.ts";
import { open, skip } from "./adapter.ts";
import { assertClose, runOn } from "./kernels.ts";

const int = (min: number, max: number) => fc.integer({ min, max });
/** Around the sizes at which invocations, workgroups and tiles end. */
const size = fc.oneof(int(1, 20), fc.constantFrom(31, 32, 33, 63, 64, 65, 130));
const plans: GemmPlan[] = (["registers", "tile"] as const).flatMap((template) =>
  [1, 3].map((splits) => ({ template, splits })),
);

describe("products on WebGPU", { skip }, () => {
  const reference = new ReferenceBackend();
  let backend: WebGpuBackend;
  before(async () => {
    backend = await open();
  });
  after(() => backend.destroy());

  /** Runs a kernel of two inputs on both backends, and compares. */
  async function compare<P extends string>(
    kernel: Kernel<P>,
    params: Params<P>,
    sizes: readonly [number, number, number],
    what: string,
  ): Promise<void> {
    const inputs = [floats(sizes[0], 1), floats(sizes[1], 2)];
    const [expected = []] = await runOn(reference, kernel, params, inputs, [sizes[2]]);
    const [actual = []] = await runOn(backend, kernel, params, inputs, [sizes[2]]);
    assertClose(Float32Array.from(actual), Float64Array.from(expected), what);
  }

  for (const plan of plans) {
    const name = `${plan.template}, ${plan.splits === 1 ? "whole" : "split"}`;
    it(`matmul (${name})`, () =>
      fc.assert(
        fc.asyncProperty(size, size, size, int(0, 1), int(0, 1), async (m, n, k, transposeA, transposeB) => {
          const kernel: typeof matmul = {
            ...matmul,
            wgsl: (gpu, _params, [a, b], [c]) => {
              const strides = {
                ...(transposeA === 1 ? { aRow: 1, aStep: m } : { aRow: k, aStep: 1 }),
                ...(transposeB === 1 ? { bStep: 1, bColumn: k } : { bStep: n, bColumn: 1 }),
              };
              runProduct(gpu, { m, n, k, ...strides }, [a!, b!, c!], plan);
            },
          };
          const what = `${m} x ${n} x ${k}, transposed ${transposeA} ${transposeB}`;
          await compare(kernel, { m, n, k, transposeA, transposeB }, [m * k, k * n, m * n], what);
        }),
        { numRuns: 20 },
      ));

    it(`conv2d, its three passes (${name})`, () =>
      fc.assert(
        fc.asyncProperty(convolutions, async ({ x, w, options }) => {
          const g = conv2dGeometry("conv2d", x, w, options);
          const [xs, ws, ys] = [sizeOf(xShape(g)), sizeOf(wShape(g)), sizeOf(yShape(g))];
          const what = JSON.stringify({ x, w, options });
          const { conv2dForward, conv2dGradInput, conv2dGradWeight } = conv2dKernels;
          await compare({ ...conv2dForward, wgsl: (gpu, _g, [a, b], [c]) => { runConvolve(gpu, "forward", g, [a!, b!, c!], plan.template); } }, { ...g }, [xs, ws, ys], what); // prettier-ignore
          await compare({ ...conv2dGradInput, wgsl: (gpu, _g, [a, b], [c]) => { runConvolve(gpu, "gradInput", g, [a!, b!, c!], plan.template); } }, { ...g }, [ys, ws, xs], what); // prettier-ignore
          await compare({ ...conv2dGradWeight, wgsl: (gpu, _g, [a, b], [c]) => { runGradWeight(gpu, g, [a!, b!, c!], plan); } }, { ...g }, [xs, ys, ws], what); // prettier-ignore
        }),
        { numRuns: 12 },
      ));
  }

  for (const m of [2, 4] as const) {
    it(`conv2d, its three passes by Winograd's algorithm in tiles of ${m} x ${m}`, () =>
      fc.assert(
        fc.asyncProperty(
          fc.tuple(int(1, 3), int(1, 11), int(1, 11), channels),
          channels,
          fc.tuple(int(0, 3), int(0, 3)),
          async (x, outChannels, padding) => {
            fc.pre(x[1] + 2 * padding[0] >= 3 && x[2] + 2 * padding[1] >= 3);
            const g = conv2dGeometry("conv2d", x, [3, 3, x[3], outChannels], { padding });
            const [xs, ws, ys] = [sizeOf(xShape(g)), sizeOf(wShape(g)), sizeOf(yShape(g))];
            const what = JSON.stringify({ x, outChannels, padding });
            const { conv2dForward, conv2dGradInput, conv2dGradWeight } = conv2dKernels;
            await compare({ ...conv2dForward, wgsl: (gpu, _g, [a, b], [c]) => { runWinograd(gpu, "forward", g, m, [a!, b!, c!]); } }, { ...g }, [xs, ws, ys], what); // prettier-ignore
            await compare({ ...conv2dGradInput, wgsl: (gpu, _g, [a, b], [c]) => { runWinograd(gpu, "gradInput", passGeometry("gradInput", g), m, [a!, b!, c!]); } }, { ...g }, [ys, ws, xs], what); // prettier-ignore
            await compare({ ...conv2dGradWeight, wgsl: (gpu, _g, [a, b], [c]) => { runWinogradGradWeight(gpu, g, m, [a!, b!, c!]); } }, { ...g }, [xs, ys, ws], what); // prettier-ignore
          },
        ),
        { numRuns: 12 },
      ));
  }

  it("Winograd's algorithm is chosen where it gains, and what lies between its steps finds room", () => {
    const choice = (x: readonly [number, number, number, number], software: boolean, stride = 1) =>
      gpuTile(conv2dGeometry("conv2d", x, [3, 3, x[3], x[3]], { padding: 1, stride }), software);
    assert.equal(choice([32, 32, 32, 16], true), 4);
    assert.equal(choice([32, 32, 32, 16], false), undefined, "few channels: moving the squares takes longer");
    assert.equal(choice([32, 16, 16, 64], false), 4);
    assert.equal(choice([128, 28, 28, 8], true), undefined, "few channels, even for software");
    assert.equal(choice([64, 56, 56, 64], true), undefined, "115 MB of inputs");
    assert.equal(choice([8, 8, 8, 1024], true), undefined, "151 MB of weights");
    assert.equal(choice([32, 32, 32, 16], true, 2), undefined, "stride 2");
  });

  it("batched, with matrices that are used again", async () => {
    const [outer, inner, m, n, k] = [3, 2, 9, 17, 5];
    const sizes = { m, n, k, transposeA: 0, transposeB: 1, outer, inner };
    await compare(batchedMatmul, { ...sizes, aOuter: inner, aInner: 1, bOuter: 0, bInner: 1 }, [6 * m * k, 2 * k * n, 6 * m * n], "b shared by outer"); // prettier-ignore
    await compare(batchedMatmul, { ...sizes, aOuter: 1, aInner: 0, bOuter: inner, bInner: 1 }, [3 * m * k, 6 * k * n, 6 * m * n], "a shared by inner"); // prettier-ignore
  });

  it("grouped convolutions", () =>
    fc.assert(
      fc.asyncProperty(convolutions, int(1, 3), int(1, 3), async ({ x, w, options }, inputs, outputs) => {
        const [batch, height, width] = x;
        const groups = 3;
        const shape = [batch, height, width, inputs * groups];
        const g = conv2dGeometry("conv2d", shape, [w[0], w[1], inputs, outputs * groups], {
          ...options,
          groups,
        });
        const [xs, ws, ys] = [sizeOf(xShape(g)), sizeOf(wShape(g)), sizeOf(yShape(g))];
        const what = JSON.stringify({ shape, w, options, groups });
        await compare(conv2dKernels.conv2dForward, { ...g }, [xs, ws, ys], what);
        await compare(conv2dKernels.conv2dGradInput, { ...g }, [ys, ws, xs], what);
        await compare(conv2dKernels.conv2dGradWeight, { ...g }, [xs, ys, ws], what);
      }),
      { numRuns: 12 },
    ));

  it("give the same bits each time, split sums included", async () => {
    const inputs = [floats(40 * 5000, 1), floats(5000 * 24, 2)];
    const params = { m: 40, n: 24, k: 5000, transposeA: 0, transposeB: 0 };
    const [first] = await runOn(backend, matmul, params, inputs, [40 * 24]);
    for (let i = 0; i < 3; i++)
      assert.deepEqual(await runOn(backend, matmul, params, inputs, [40 * 24]), [first]);
  });
});

const channels = fc.oneof(int(1, 5), fc.constantFrom(8, 12, 17));

/** Convolutions of every stride, padding and dilation, with channels around the templates' block sizes. */
const convolutions = fc
  .record({
    x: fc.tuple(int(1, 3), int(5, 9), int(5, 9), fc.oneof(int(1, 5), fc.constantFrom(8, 17))),
    kernel: fc.tuple(int(1, 3), int(1, 3)),
    outChannels: fc.oneof(int(1, 5), fc.constantFrom(16, 33, 65)),
    stride: fc.tuple(int(1, 3), int(1, 3)),
    padding: fc.tuple(int(0, 2), int(0, 2)),
    dilation: fc.tuple(int(1, 2), int(1, 2)),
  })
  .map(({ x, kernel, outChannels, ...options }) => ({
    x,
    w: [kernel[0], kernel[1], x[3], outChannels] as const,
    options,
  }));
