import { existsSync } from "node:fs";
import { availableParallelism, platform } from "node:os";
import { setFlagsFromString } from "node:v8";
import { Worker } from "node:worker_threads";
import type { Platform } from "./platform.ts";

export const coreCount: Platform["coreCount"] = availableParallelism;

export const canWait: Platform["canWait"] = true;

export const spawnWorker: Platform["spawnWorker"] = (source, data, onDeath) => {
  const worker = new Worker(`(${source})(require("node:worker_threads").workerData)`, {
    eval: true,
    workerData: data,
    // Not the loaders (tsx) that this process was started with: they would cost each worker a second.
    execArgv: [],
  });
  worker.on("error", (error) => {
    onDeath(String(error));
  });
  worker.on("exit", (code) => {
    onDeath(`it exited with code ${code}`);
  });
  worker.unref();
  return {
    terminate: () => {
      void worker.terminate();
    },
  };
};

/** Node 20 has the instructions behind a V8 flag, which holds for all modules compiled from now on, in all threads. */
export const enableRelaxedSimd: Platform["enableRelaxedSimd"] = () => {
  setFlagsFromString("--experimental-wasm-relaxed-simd");
};

/**
 * Linux shows a GPU as a device file: of the kernel's drivers, of NVIDIA's own, or of Windows around a WSL. Without one
 * Dawn finds software at most, in up to 0.2 s and with warnings on standard error.
 */
export const mayHaveGpu: Platform["mayHaveGpu"] = () =>
  platform() !== "linux" || ["/dev/dri", "/dev/nvidiactl", "/dev/dxg"].some((path) => existsSync(path));

/** Dawn, from the package `webgpu`, which is loaded here and not before. Its timestamps are not coarsened: we are no web page. */
export const openGpu: Platform["openGpu"] = async () => {
  const { create } = await import("webgpu");
  return create(["disable-dawn-features=timestamp_quantization"]);
};
