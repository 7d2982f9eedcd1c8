import type { Random } from "../../../engine/random.ts";
import { bytesToUnit } from "../../augment/colour.kernels.ts";
import type { ImageDataset } from "../../data/dataset.ts";
import type { Damage } from "./corruption.ts";

/**
 * The same images, damaged, rounded to bytes again. What is random in image i depends on the state of `random` and on i
 * alone.
 */
export async function corruptDataset(
  dataset: ImageDataset,
  damage: Damage,
  random: Random,
): Promise<ImageDataset> {
  const { count, height, width, channels } = dataset;
  const size = height * width * channels;
  // Uint8ClampedArray rounds to the nearest integer and clips to 0 ... 255.
  const images = new Uint8ClampedArray(dataset.images.length);
  for (let i = 0; i < count; i++) {
    const pixels = new Float32Array(size);
    bytesToUnit(dataset.images.subarray(i * size, (i + 1) * size), pixels);
    const damaged = await damage({ pixels, height, width, channels }, random.fork(i));
    images.set(
      damaged.map((x) => 255 * x),
      i * size,
    );
  }
  return { ...dataset, images: new Uint8Array(images.buffer) };
}
