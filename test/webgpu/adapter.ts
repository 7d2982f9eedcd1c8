/** A WebGPU backend for tests, hardware or software, where this machine has one. */
import { WebGpuBackend } from "../../engine/backends/webgpu/backend.ts";
import type { DeviceOptions } from "../../engine/backends/webgpu/device.ts";
import { BackendError } from "../../engine/errors.ts";

/** Opens a backend of its own. To be called only if tests are not skipped. */
export const open = (options: DeviceOptions = {}): Promise<WebGpuBackend> => WebGpuBackend.create(options);

/**
 * Why tests on WebGPU are skipped (there is no adapter; the reason says how to get one), or false where they run. Where
 * SPHEREGRAD_REQUIRE_WEBGPU=1 says that there is to be an adapter, its lack is a failure.
 */
export const skip: string | false = await open().then(
  (backend) => backend.destroy().then(() => false as const),
  (error: unknown) => {
    if (error instanceof BackendError && process.env.SPHEREGRAD_REQUIRE_WEBGPU !== "1") return error.message;
    throw error;
  },
);
