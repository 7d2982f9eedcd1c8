/** What comes before the tensors: images from files, and random views of them. On the host, whatever the backend. */
import { Random } from "../../../index.ts";
import { cacheFolder } from "../../../supcon/data/cache.ts";
import { loadPublished } from "../../../supcon/data/published.ts";
import { cifar10Policy, makeViews } from "../../../supcon/index.ts";
import type { ImageDataset } from "../../../supcon/index.ts";
import { labels, uniform } from "../../problems/inputs.ts";
import type { Augmentation } from "../../problems/problem.ts";
import type { Job } from "../library.ts";

/** Two views of each image: crop, flip, jitter, grayscale. */
export function augmentationJob({ images: count }: Augmentation): Job {
  const bytes = uniform([count, 32, 32, 3]).map((value) => 127.5 * (value + 1));
  const images: ImageDataset = {
    ...{ name: "noise", count, height: 32, width: 32, channels: 3 },
    images: Uint8Array.from(bytes),
    labels: labels(count, 10),
    classes: Array.from({ length: 10 }, (_, i) => String(i)),
  };
  const indices = Array.from({ length: count }, (_, i) => i);
  const views = () => makeViews(images, indices, 2, cifar10Policy, new Random(0));
  return {
    run: () => { views(); }, // prettier-ignore
    outputs: () => Promise.resolve([views()]),
    dispose: () => undefined,
  };
}

/** MNIST's training images, from the package's files. */
export function dataJob(): Job {
  return {
    run: () => { loadPublished("mnist", "train", cacheFolder()); }, // prettier-ignore
    outputs: () =>
      Promise.resolve([
        Float32Array.from(loadPublished("mnist", "train", cacheFolder()).images.subarray(0, 784)),
      ]),
    dispose: () => undefined,
  };
}
