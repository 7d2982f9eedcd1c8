/** Blurs: what lenses, glass and motion do. Lengths are in pixels. */
import type { Random } from "../../../engine/random.ts";
import { mirror, nearest } from "../../augment/borders.ts";
import { corruption } from "./corruption.ts";
import type { Picture } from "./corruption.ts";
import { correlate, disc, gaussianBlur, line } from "./filter.kernels.ts";
import { zoom } from "./sample.kernels.ts";

/** Constants: sigma. */
export const blur = corruption([0.4, 0.6, 0.7, 0.8, 1], (picture, sigma) => gaussianBlur(picture, sigma));

/** Out of focus: each point becomes a disc. Constants: radius and softness of its rim. */
export const defocusBlur = corruption(
  [[0.3, 0.4], [0.4, 0.5], [0.5, 0.6], [1, 0.2], [1.5, 0.1]] as const, // prettier-ignore
  (picture, [radius, softness]) => correlate(picture, disc(radius, softness), mirror),
);

/** Behind frosted glass: blurred, pixels replaced by near ones, blurred again. Constants: sigma, reach, passes. */
export const glassBlur = corruption(
  [[0.05, 1, 1], [0.25, 1, 1], [0.4, 1, 1], [0.25, 1, 2], [0.4, 1, 2]] as const, // prettier-ignore
  (picture, [sigma, reach, passes], random) => {
    const pixels = gaussianBlur(picture, sigma);
    for (let pass = 0; pass < passes; pass++) replaceByNear({ ...picture, pixels }, reach, random);
    return gaussianBlur({ ...picture, pixels }, sigma);
  },
);

/**
 * Each pixel, from the last one back, becomes one that lies 0 ... reach before it, in rows and in columns. (The published
 * code means to exchange the two, but its images come from this: one value overwrites the other before it is kept.)
 */
function replaceByNear({ pixels, height, width, channels }: Picture, reach: number, random: Random): void {
  for (let y = height - 1; y > reach; y--) {
    for (let x = width - 1; x > reach; x--) {
      const [up, left] = [random.integer(reach + 1), random.integer(reach + 1)];
      const here = (y * width + x) * channels;
      const there = ((y - up) * width + x - left) * channels;
      for (let c = 0; c < channels; c++) pixels[here + c] = pixels[there + c]!;
    }
  }
}

/** A camera moved in a random direction within 45 degrees of the horizontal. Constants: radius, sigma. */
export const motionBlur = corruption(
  [[6, 1], [6, 1.5], [6, 2], [8, 2], [9, 2.5]] as const, // prettier-ignore
  (picture, [radius, sigma], random) => {
    const angle = random.uniform(-Math.PI / 4, Math.PI / 4);
    return correlate(picture, line(radius, sigma, angle), nearest);
  },
);

/** Moved towards the scene: the mean of the image and so many of it, each enlarged by 1 % more, from 0 % on. */
export const zoomBlur = corruption([6, 11, 16, 21, 26], (picture, count) => {
  const sum = Float64Array.from(picture.pixels);
  for (let i = 0; i < count; i++) {
    const enlarged = zoom(picture, 1 + i / 100);
    for (let j = 0; j < sum.length; j++) sum[j]! += enlarged[j]!;
  }
  return Float32Array.from(sum, (total) => total / (count + 1));
});
