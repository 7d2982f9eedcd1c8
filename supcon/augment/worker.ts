/** The program of a data thread: makes views of the batches that it is told, one after the other. */
import { parentPort, workerData } from "node:worker_threads";
import { Random } from "../../engine/random.ts";
import type { RandomState } from "../../engine/random.ts";
import type { ImageDataset } from "../data/dataset.ts";
import type { AugmentPolicy } from "./policy.ts";
import { makeViews } from "./views.ts";

/** What a data thread starts with. The bytes of the images are shared. */
export interface WorkerData {
  readonly dataset: ImageDataset;
  readonly views: number;
  readonly policy: AugmentPolicy;
}

/** A batch to be made; its views come back as one Float32Array, batches in the order in which they were told. */
export interface WorkerBatch {
  readonly indices: Int32Array;
  readonly random: RandomState;
}

const { dataset, views, policy } = workerData as WorkerData;
parentPort?.on("message", ({ indices, random }: WorkerBatch) => {
  const made = makeViews(dataset, indices, views, policy, Random.fromState(random));
  parentPort?.postMessage(made, [made.buffer]);
});
