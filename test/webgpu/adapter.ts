/** A WebGPU backend for tests, hardware or software, where this machine has one. */
import { WebGpuBackend } from "../../engine/backends/webgpu/backend.ts";
import type { DeviceOptions } from "../../engine/backends/webgpu/device.ts";

/** Why tests on WebGPU are skipped, or false where they run. */
export const skip: string | false = await reasonToSkip();

if (skip) console.log(`tests on WebGPU are skipped: ${skip}`);

async function reasonToSkip(): Promise<string | false> {
  // The backend is not finished: on a software adapter its process has been seen to die or hang, rarely.
  if (process.env.SPHEREGRAD_TEST_WEBGPU !== "1") {
    return "the WebGPU backend is unfinished; SPHEREGRAD_TEST_WEBGPU=1 runs them, test/webgpu-adapter.sh makes an adapter";
  }
  await (await WebGpuBackend.create()).destroy();
  return false;
}

/** Opens a backend of its own. To be called only if tests are not skipped. */
export const open = (options: DeviceOptions = {}): Promise<WebGpuBackend> => WebGpuBackend.create(options);
