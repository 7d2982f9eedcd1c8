/** What libraries made for browsers look for: they run in a process of their own, so that globals harm nobody. */
import { Worker as NodeWorker } from "node:worker_threads";
import { create, globals } from "webgpu";

const define = (name: string, value: unknown): void => {
  Object.defineProperty(globalThis, name, { value, configurable: true, writable: true });
};

/** What is asked of the make-believe browser. */
interface BrowserOptions {
  /** Whether it has WebGPU: Dawn. */
  readonly gpu?: boolean;
  /** Whether it has web workers. */
  readonly workers?: boolean;
}

/** Makes this process look like a page of a browser on so many cores. */
export function becomeBrowser(cores: number, { gpu = false, workers = false }: BrowserOptions): void {
  define("navigator", { userAgent: "node", hardwareConcurrency: cores, ...(gpu && { gpu: create([]) }) });
  if (gpu) {
    for (const [name, value] of Object.entries(globals)) define(name, value);
    for (const name of ["self", "window"]) define(name, globalThis);
    define("requestAnimationFrame", (callback: () => void) => setTimeout(callback));
  }
  if (workers) define("Worker", WebWorker);
}

/** A web worker made of a worker of Node: as much of it as jax-js uses. */
class WebWorker {
  onmessage: ((event: { data: unknown }) => void) | undefined;
  onerror: ((event: { message: string }) => void) | undefined;
  readonly #worker: Promise<NodeWorker>;

  /** `url` is that of a blob. */
  constructor(url: string) {
    this.#worker = this.#start(url);
  }

  postMessage(message: unknown): void {
    // To a worker of the same process, which is no other origin.
    void this.#worker.then((worker) => { worker.postMessage(message); }); // prettier-ignore
  }

  async #start(url: string): Promise<NodeWorker> {
    const source = await (await fetch(url)).text();
    const worker = new NodeWorker(
      `const { parentPort } = require("node:worker_threads");
       globalThis.self = globalThis;
       globalThis.postMessage = (message) => parentPort.postMessage(message);
       parentPort.on("message", (data) => self.onmessage({ data }));
       ${source}`,
      { eval: true, execArgv: [] },
    );
    worker.on("message", (data: unknown) => this.onmessage?.({ data }));
    worker.on("error", (error) => this.onerror?.({ message: String(error) }));
    worker.unref();
    return worker;
  }
}
