/** Grids longer than one axis takes, and tensors larger than a shader may bind. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { setBackend } from "../../engine/backend.ts";
import type { WebGpuBackend } from "../../engine/backends/webgpu/backend.ts";
import { tensor, zeros } from "../../engine/create.ts";
import { OutOfMemoryError } from "../../engine/errors.ts";
import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import * as k from "../../kernels/index.ts";
import { conv2dForward } from "../../kernels/conv2d/conv2d.kernels.ts";
import { runConvolve } from "../../kernels/conv2d/convolve.wgsl.ts";
import { conv2dGeometry } from "../../kernels/conv2d/geometry.ts";
import { batchedMatmul } from "../../kernels/matmul/batched.kernels.ts";
import { open, skip } from "./adapter.ts";
import { runOn } from "./kernels.ts";

/** One more than a grid may have along an axis. */
const MANY = 65536;
/** Small integers, whose sums and products are exact. */
const cycle = (length: number) => Float32Array.from({ length }, (_, i) => i % 251);

describe("grids of more than 65,535 workgroups", { skip }, () => {
  let backend: WebGpuBackend;
  before(async () => {
    backend = await open();
    setBackend(backend);
  });
  after(() => backend.destroy());

  const expectEach = (data: ArrayLike<number>, length: number, expected: (i: number) => number) => {
    assert.equal(data.length, length);
    for (let i = 0; i < length; i++) {
      if (data[i] !== expected(i)) assert.fail(`element ${i}: expected ${expected(i)}, got ${data[i]}`);
    }
  };
  const expectTensor = async (make: () => Tensor, expected: (i: number) => number) => {
    const result = scope(make);
    expectEach(await result.data(), result.size, expected);
    result.dispose();
  };

  it("of maps, over single elements and over quads", async () => {
    for (const length of [64 * MANY + 1, 4 * 64 * MANY + 4]) {
      await expectTensor(() => k.add(tensor(cycle(length)), 1), (i) => (i % 251) + 1); // prettier-ignore
    }
  });

  it("of folds", async () => {
    const rows = 64 * MANY + 1;
    await expectTensor(() => k.sum(tensor(cycle(2 * rows), [rows, 2]), 1), (i) => ((2 * i) % 251) + ((2 * i + 1) % 251)); // prettier-ignore
  });

  it("of kernels that move elements", async () => {
    const length = 64 * MANY + 1;
    await expectTensor(() => k.slice(tensor(cycle(length + 3)), [3], [length + 3]), (i) => (i + 3) % 251); // prettier-ignore
  });

  it("of products in registers", async () => {
    const batch = MANY + 1;
    const sizes = { m: 1, n: 1, k: 1, transposeA: 0, transposeB: 0, outer: 1, inner: batch };
    const strides = { aOuter: 0, aInner: 1, bOuter: 0, bInner: 0 };
    const [c = []] = await runOn(backend, batchedMatmul, { ...sizes, ...strides }, [cycle(batch), [3]], [batch]); // prettier-ignore
    expectEach(c, batch, (i) => 3 * (i % 251));
  });

  it("of products in tiles: a convolution", async () => {
    // A tile covers 64 pixels.
    const pixels = 64 * MANY + 1;
    const g = conv2dGeometry("conv2d", [1, 1, pixels, 1], [1, 1, 1, 1], {});
    const kernel: typeof conv2dForward = {
      ...conv2dForward,
      wgsl: (gpu, _params, [x, w], [y]) => {
        runConvolve(gpu, "forward", g, [x!, w!, y!], "tile");
      },
    };
    const [y = []] = await runOn(backend, kernel, { ...g }, [cycle(pixels), [3]], [pixels]);
    expectEach(y, pixels, (i) => 3 * (i % 251));
  });
});

describe("tensors larger than a binding may be", { skip }, () => {
  it("are refused before any work, with the limit, and leave the backend as it was", async () => {
    const backend = await open();
    setBackend(backend);
    const [limit = ""] = /(?<=at most )\d+/.exec(refusal(() => backend.alloc(2 ** 40, "f32"))) ?? [];
    const [most, held] = [Number(limit) / 4, backend.stats().liveBytes];
    assert.ok(most >= 2 ** 25, `every device binds 128 MiB, the message says ${limit} bytes`);
    const side = Math.ceil(Math.sqrt(most + 1));
    const column = zeros([side, 1]);
    assert.match(
      refusal(() => k.add(column, zeros([1, side]))),
      /got \d+ bytes; use smaller batches/,
    );
    column.dispose();
    assert.ok(backend.stats().liveBytes - held <= 4 * side, "what was refused takes no memory");
    assert.deepEqual([...(await k.add(tensor([1, 2]), 1).data())], [2, 3]);
    await backend.destroy();
  });

  it("may be as large as that, to the last element", async () => {
    const backend = await open();
    setBackend(backend);
    const [limit = ""] = /(?<=at most )\d+/.exec(refusal(() => backend.alloc(2 ** 40, "f32"))) ?? [];
    // On hardware with a limit of gigabytes, as many as a test may ask for: 128 MiB.
    const length = Math.min(Number(limit) / 4, 2 ** 25);
    const x = backend.alloc(length, "f32");
    backend.write(x, cycle(length));
    const data = await backend.read(x);
    for (const i of [0, length >> 1, length - 1]) assert.equal(data[i], i % 251);
    await backend.destroy();
  });

  it("are refused where they would be partial results", async () => {
    const backend = await open();
    setBackend(backend);
    const [limit = ""] = /(?<=at most )\d+/.exec(refusal(() => backend.alloc(2 ** 40, "f32"))) ?? [];
    // A strip of similarities has 256 rows of as many columns as there are anchors.
    const rows = Number(limit) / 4 / 256 + 1;
    if (rows > 2 ** 20) return;
    const z = zeros([rows, 1]);
    const labels = zeros([2, rows], { dtype: "i32" });
    const pairs = { anchors: z, contrast: z, anchorLabels: labels, contrastLabels: labels };
    const message = refusal(() => k.contrastiveSums(pairs, 1));
    assert.match(message, /expected partial results of at most/);
    await backend.destroy();
  });
});

/** The message of the OutOfMemoryError that the call throws. */
function refusal(call: () => unknown): string {
  try {
    call();
  } catch (error) {
    if (error instanceof OutOfMemoryError) return error.message;
    throw error;
  }
  return assert.fail("expected an OutOfMemoryError");
}
