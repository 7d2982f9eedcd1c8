/** Batches of views for training, made on the main thread or ahead of it by threads of their own. */
import { build } from "esbuild";
import { join } from "node:path";
import { Worker } from "node:worker_threads";
import { SpheregradError } from "../../engine/errors.ts";
import type { Random } from "../../engine/random.ts";
import type { ImageDataset } from "../data/dataset.ts";
import { reasonOf } from "../reason.ts";
import { checkPolicy } from "./policy.ts";
import type { AugmentPolicy } from "./policy.ts";
import { makeViews } from "./views.ts";
import type { WorkerBatch, WorkerData } from "./worker.ts";

/** A data thread has ended when it should not have. */
export class DataThreadError extends SpheregradError {}

/** Which images a batch has, and what its views are drawn from: one fork per epoch. */
export interface BatchPlan {
  readonly indices: Int32Array;
  readonly random: Random;
}

/** A batch that is made. */
export interface Batch {
  readonly indices: Int32Array;
  /** [N, V, H, W, C], row-major, as of {@link makeViews}. */
  readonly images: Float32Array<ArrayBuffer>;
}

/** What batches are made of. */
export interface LoaderOptions {
  readonly views: number;
  readonly policy: AugmentPolicy;
  /** Threads that make batches ahead. 0: each is made when it is asked for, on the main thread. */
  readonly threads: number;
}

/** Batches that each thread is told before they are asked for. */
const AHEAD = 2;

/**
 * The batches of `plans`, in order: the same bits whatever the number of threads. These end with the iteration, also with
 * an early one. Throws ValueError for a policy that does not fit the images, DataThreadError where a thread fails.
 */
export async function* loadBatches(
  dataset: ImageDataset,
  plans: Iterable<BatchPlan>,
  { views, policy, threads }: LoaderOptions,
): AsyncGenerator<Batch, void, undefined> {
  checkPolicy(policy, dataset.channels);
  if (threads === 0) {
    for (const { indices, random } of plans) {
      yield { indices, images: makeViews(dataset, indices, views, policy, random) };
    }
    return;
  }
  const program = await bundledWorker();
  const data = { dataset: { ...dataset, images: shared(dataset.images) }, views, policy };
  const workers = Array.from({ length: threads }, () => new DataThread(program, data));
  try {
    const turns = cycle(workers);
    const made: Promise<Batch>[] = [];
    for (const plan of plans) {
      const batch = turns.next().value.make(plan);
      // A thread's end is the end of all its batches, and the first of them that is asked for tells it.
      batch.catch(() => undefined);
      made.push(batch);
      if (made.length > AHEAD * threads) yield* made.splice(0, 1);
    }
    yield* made;
  } finally {
    await Promise.all(workers.map((worker) => worker.terminate()));
  }
}

function* cycle<T>(items: readonly T[]): Generator<T, never> {
  for (;;) yield* items;
}

function shared(bytes: Uint8Array): Uint8Array {
  const copy = new Uint8Array(new SharedArrayBuffer(bytes.length));
  copy.set(bytes);
  return copy;
}

/** Node starts no thread from TypeScript, and with tsx's loader it would take a second: so the text of plain JavaScript. */
async function bundledWorker(): Promise<string> {
  const { outputFiles } = await build({
    entryPoints: [join(import.meta.dirname, "worker.ts")],
    bundle: true,
    platform: "node",
    format: "cjs",
    write: false,
  });
  return outputFiles.map(({ text }) => text).join("");
}

class DataThread {
  readonly #worker: Worker;
  /** Of batches that are not made yet, in the order in which they were told. */
  readonly #waiting: {
    resolve: (images: Float32Array<ArrayBuffer>) => void;
    reject: (why: Error) => void;
  }[] = [];
  #failure: DataThreadError | undefined;

  constructor(program: string, workerData: WorkerData) {
    this.#worker = new Worker(program, { eval: true, workerData, execArgv: [] });
    this.#worker.on("message", (images: Float32Array<ArrayBuffer>) => this.#waiting.shift()?.resolve(images));
    this.#worker.on("error", (error) => { this.#fail(reasonOf(error)); }); // prettier-ignore
    this.#worker.on("exit", (code) => { this.#fail(`it exited with code ${code}`); }); // prettier-ignore
  }

  async make({ indices, random }: BatchPlan): Promise<Batch> {
    const images = new Promise<Float32Array<ArrayBuffer>>((resolve, reject) => {
      if (this.#failure) {
        reject(this.#failure);
        return;
      }
      this.#waiting.push({ resolve, reject });
      const batch: WorkerBatch = { indices, random: random.state };
      this.#worker.postMessage(batch);
    });
    return { indices, images: await images };
  }

  async terminate(): Promise<void> {
    await this.#worker.terminate();
  }

  #fail(reason: string): void {
    this.#failure ??= new DataThreadError(`expected a data thread to go on, got its end: ${reason}`);
    for (const { reject } of this.#waiting.splice(0)) reject(this.#failure);
  }
}
