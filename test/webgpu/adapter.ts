/** A WebGPU backend for tests, hardware or software, where this machine has one. */
import { WebGpuBackend } from "../../engine/backends/webgpu/backend.ts";
import type { DeviceOptions } from "../../engine/backends/webgpu/device.ts";

/** Why tests on WebGPU are skipped, or false where they run. */
export let skip: string | false = false;

try {
  await (await WebGpuBackend.create()).destroy();
} catch (error) {
  // Where an adapter must be there (in CI), its absence is a failure.
  if (process.env.SPHEREGRAD_REQUIRE_WEBGPU === "1") throw error;
  skip = error instanceof Error ? error.message : String(error);
  console.log(`tests on WebGPU are skipped: ${skip}`);
}

/** Opens a backend of its own. To be called only if tests are not skipped. */
export const open = (options: DeviceOptions = {}): Promise<WebGpuBackend> => WebGpuBackend.create(options);
