import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { foldGrid, MAX_WORKGROUPS } from "../../engine/backends/webgpu/grid.ts";
import { blockOf, lanesFor, planGemm } from "../../engine/backends/webgpu/gemm/plan.ts";
import { chunksFor } from "../../engine/backends/webgpu/expression/fold.ts";
import { packParams, shader } from "../../engine/backends/webgpu/shader.ts";
import { BackendError } from "../../engine/errors.ts";
import { kernels } from "../../kernels/index.ts";

const binding = (i: number, access = "read") =>
  `@group(0) @binding(${i}) var<storage, ${access}> b${i}: array<f32>;`;

describe("shader texts", () => {
  it("tell their parameters and buffers", () => {
    const { params, access } = shader(
      "s",
      `struct Params { size: i32, count: u32,\n  scale: f32 }\n${binding(0)}\n${binding(1, "read_write")}`,
    );
    assert.deepEqual(params, [
      { name: "size", type: "i32" },
      { name: "count", type: "u32" },
      { name: "scale", type: "f32" },
    ]);
    assert.deepEqual(access, ["read", "read_write"]);
  });

  it("are refused with more buffers than every device has, and with gaps between bindings", () => {
    const buffers = (count: number) => Array.from({ length: count }, (_, i) => binding(i)).join("\n");
    assert.equal(shader("eight", buffers(8)).access.length, 8);
    assert.throws(() => shader("nine", buffers(9)), BackendError);
    assert.throws(() => shader("gap", binding(1)), BackendError);
  });

  it("get their parameters as words, in the order of the struct", () => {
    const words = new Int32Array(4);
    const floats = new Float32Array(words.buffer);
    const s = shader("s", "struct Params { n: i32, x: f32 }");
    packParams(s, { x: 0.5, n: -3, other: 7 }, words, floats, 1);
    assert.equal(words[1], -3);
    assert.equal(floats[2], 0.5);
    assert.throws(() => { packParams(s, { n: 1 }, words, floats, 0); }, /no value for parameter x/); // prettier-ignore
  });
});

describe("grids", () => {
  it("fold what is too long for one axis, with less than a line to spare", () => {
    fc.assert(
      fc.property(
        fc.oneof(fc.nat(2 ** 31), fc.nat(100), fc.integer({ min: 65530, max: 65540 })),
        (workgroups) => {
          const [x, y, z] = foldGrid(workgroups);
          assert(x <= MAX_WORKGROUPS && y <= MAX_WORKGROUPS && z === 1);
          assert(x * y >= workgroups && x * y < workgroups + Math.max(1, x));
        },
      ),
    );
    assert.deepEqual(foldGrid(65535), [65535, 1, 1]);
    assert.deepEqual(foldGrid(65536), [32768, 2, 1]);
  });
});

describe("plans", () => {
  it("of products take tiles on hardware where they fit, and registers everywhere else", () => {
    assert.equal(planGemm(4096, 4096, 4096, false).template, "tile");
    assert.equal(planGemm(4096, 4096, 4096, true).template, "registers");
    assert.equal(planGemm(4096, 16, 144, false).template, "registers");
    assert.equal(planGemm(10, 4096, 144, false).template, "registers");
  });

  it("of products split long sums where there are few of them", () => {
    assert.equal(planGemm(4096, 4096, 4096, false).splits, 1);
    assert.equal(planGemm(144, 16, 8192, true).splits, 16);
    assert.equal(planGemm(576, 64, 2 ** 19, false).splits, 28);
    assert.equal(planGemm(1, 1, 100, false).splits, 1);
  });

  it("of products give each lane columns, and each workgroup 64 lanes", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 10000 }), (n) => {
        const lanes = lanesFor(n);
        assert(64 % lanes === 0 && (lanes === 64 || lanes * 8 >= n));
        const [rows, columns] = blockOf("registers", n);
        assert.equal((rows / 8) * (columns / 8), 64);
      }),
    );
  });

  it("of folds deal few outputs out to many invocations, each with enough to do", () => {
    assert.equal(chunksFor(16384, 100000), 1);
    assert.equal(chunksFor(16, 8192), 256);
    assert.equal(chunksFor(1, 31), 1);
    assert.equal(chunksFor(1, 2 ** 30), 1024);
  });
});

describe("registry", () => {
  for (const kernel of kernels) {
    it(`${kernel.name} has a body for WebGPU`, () => {
      assert.equal("wgsl" in kernel && typeof kernel.wgsl, "function");
    });
  }
});
