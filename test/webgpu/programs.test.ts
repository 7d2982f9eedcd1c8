/**
 * Buffers on the GPU change hands between uploads, kernels and partial results while commands that use them wait, and
 * no value may notice.
 */
import { after, before, describe, it } from "node:test";
import type { WebGpuBackend } from "../../engine/backends/webgpu/backend.ts";
import { checkRandomPrograms } from "../conformance/random-programs.ts";
import { open, skip } from "./adapter.ts";

describe("random programs on WebGPU", { skip }, () => {
  let backend: WebGpuBackend;
  before(async () => {
    backend = await open();
  });
  after(() => backend.destroy());

  // Quads and single elements; 64 x 64 products make a deep one of two splits and more.
  it("give the reference's results", () => checkRandomPrograms(backend, [6, 24, 64], 30));
});
