/** jax-js: compiled by its `jit`, channels first, on WebAssembly or WebGPU. */
import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { becomeBrowser } from "../browser.ts";
import { Unable } from "../library.ts";
import type { Library, Start } from "../library.ts";

/** Modes: `wasm` as it runs in Node, on one thread; `wasm threads` with web workers; `webgpu`. */
export async function open({ mode, threads }: Start): Promise<Library> {
  const device = mode === "webgpu" ? "webgpu" : "wasm";
  const workers = mode === "wasm threads";
  becomeBrowser(workers ? threads : 1, { gpu: device === "webgpu", workers });
  const { defaultDevice, init } = await import("@jax-js/jax");
  const devices = await init(device);
  if (!devices.includes(device)) throw new Unable(`jax-js has no device ${device} here`);
  defaultDevice(device);
  const { jobOf } = await import("./jobs.ts");
  const computes = device === "wasm" ? `wasm, ${workers ? threads : 1} threads` : device;
  return { describe: () => `jax-js ${version()}, ${computes}`, job: jobOf };
}

function version(): string {
  const main = createRequire(import.meta.url).resolve("@jax-js/jax");
  const text = readFileSync(join(dirname(main), "..", "package.json"), "utf8");
  return /"version": "([^"]*)"/.exec(text)?.[1] ?? "?";
}
