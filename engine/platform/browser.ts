import type { Platform } from "./platform.ts";

export const coreCount: Platform["coreCount"] = () => navigator.hardwareConcurrency;

export const canWait: Platform["canWait"] = !("document" in globalThis);

export const spawnWorker: Platform["spawnWorker"] = (source, data, onDeath) => {
  const program = new Blob([`onmessage = (event) => (${source})(event.data)`], { type: "text/javascript" });
  const worker = new Worker(URL.createObjectURL(program));
  worker.onerror = (event) => {
    onDeath(event.message);
  };
  worker.postMessage(data);
  return {
    terminate: () => {
      worker.terminate();
    },
  };
};

/** Browsers have the instructions or have them not; no page can ask for them. */
export const enableRelaxedSimd: Platform["enableRelaxedSimd"] = () => undefined;

export const mayHaveGpu: Platform["mayHaveGpu"] = () => "gpu" in navigator;

/** Typed as always there, it is missing in browsers without WebGPU and on pages that are not secure. */
export const openGpu: Platform["openGpu"] = () =>
  Promise.resolve("gpu" in navigator ? navigator.gpu : undefined);
