/** Weather: what lies between camera and scene. */
import type { Random } from "../../../engine/random.ts";
import { nearest } from "../../augment/borders.ts";
import { corruption } from "./corruption.ts";
import type { Picture } from "./corruption.ts";
import { colourFor, greyOf } from "./colour.kernels.ts";
import { correlate, gaussianBlur, line } from "./filter.kernels.ts";
import { plasma } from "./plasma.kernels.ts";
import { zoom } from "./sample.kernels.ts";

/** A plasma texture [height, width]: the corner of a square one. */
function texture({ height, width }: Picture, decay: number, random: Random): Float32Array {
  const size = 2 ** Math.ceil(Math.log2(Math.max(height, width)));
  const map = plasma(size, decay, random);
  return new Float32Array(height * width).map((_, i) => map[Math.floor(i / width) * size + (i % width)]!);
}

/** A layer [height, width] of normal deviates. */
const normalLayer = ({ height, width }: Picture, mean: number, std: number, random: Random): Picture => ({
  ...{ height, width, channels: 1 },
  pixels: new Float32Array(height * width).map(() => random.normal(mean, std)),
});

/**
 * Flakes: the brightest of enlarged noise, driven by a steep wind, from two sides, over a whitened image. Constants: mean
 * and standard deviation of the noise, its enlargement, what is a flake, radius and sigma of the motion, share of the image.
 */
export const snow = corruption(
  [
    [0.1, 0.2, 1, 0.6, 8, 3, 0.95],
    [0.1, 0.2, 1, 0.5, 10, 4, 0.9],
    [0.15, 0.3, 1.75, 0.55, 10, 4, 0.9],
    [0.25, 0.3, 2.25, 0.6, 12, 6, 0.85],
    [0.3, 0.3, 1.25, 0.65, 14, 12, 0.8],
  ] as const,
  (picture, [mean, std, enlargement, least, radius, sigma, share], random) => {
    const layer = normalLayer(picture, mean, std, random);
    const flakes = zoom(layer, enlargement).map((x) => (x < least ? 0 : Math.min(x, 1)));
    const angle = random.uniform((-3 * Math.PI) / 4, -Math.PI / 4);
    const driven = correlate({ ...layer, pixels: flakes }, line(radius, sigma, angle), nearest);
    const turned = driven.toReversed(); // by half a turn
    const grey = greyOf(picture);
    return picture.pixels.map((x, i) => {
      const pixel = Math.floor(i / picture.channels);
      const whitened = Math.max(x, 1.5 * grey[pixel]! + 0.5);
      return share * x + (1 - share) * whitened + driven[pixel]! + turned[pixel]!;
    });
  },
);

/** Ice: ridges of a plasma texture over the image. Constants: weights of image and ice. */
export const frost = corruption(
  [[1, 0.2], [1, 0.3], [0.9, 0.4], [0.85, 0.4], [0.75, 0.45]] as const, // prettier-ignore
  (picture, [image, ice], random) => {
    const clouds = texture(picture, 1.5, random);
    return picture.pixels.map((x, i) => {
      const ridge = 1 - Math.abs(2 * clouds[Math.floor(i / picture.channels)]! - 1);
      return image * x + ice * ridge;
    });
  },
);

/** A plasma texture p beside which the image fades: (x + a p) m / (m + a), m its brightest value. Constants: a, decay of p. */
export const fog = corruption(
  [[0.2, 3], [0.5, 3], [0.75, 2.5], [1, 2], [1.5, 1.75]] as const, // prettier-ignore
  (picture, [amount, decay], random) => {
    const clouds = texture(picture, decay, random);
    const brightest = picture.pixels.reduce((a, b) => Math.max(a, b), 0);
    const scale = brightest / (brightest + amount);
    return picture.pixels.map((x, i) => (x + amount * clouds[Math.floor(i / picture.channels)]!) * scale);
  },
);

/** So much more value (HSV), the greatest channel of a pixel; hue and saturation stay. */
export const brightness = corruption([0.05, 0.1, 0.15, 0.2, 0.3], ({ pixels, channels }, more) => {
  const output = new Float32Array(pixels.length);
  for (let i = 0; i < pixels.length; i += channels) {
    let value = 0;
    for (let c = i; c < i + channels; c++) value = Math.max(value, pixels[c]!);
    const brighter = Math.min(1, value + more);
    for (let c = i; c < i + channels; c++) output[c] = value > 0 ? (pixels[c]! * brighter) / value : brighter;
  }
  return output;
});

const water = [175 / 255, 238 / 255, 238 / 255] as const;
const mud = [63 / 255, 42 / 255, 20 / 255] as const;

/**
 * Drops on the lens, where blurred noise is high: of water, which brightens, in the lower severities, then of mud, which
 * covers. Constants: mean and standard deviation of the noise, sigma of its blur, what is a drop, strength (sigma, of mud).
 */
export const spatter = corruption(
  [
    [0.62, 0.1, 0.7, 0.7, 0.5, "water"],
    [0.65, 0.1, 0.8, 0.7, 0.5, "water"],
    [0.65, 0.3, 1, 0.69, 0.5, "water"],
    [0.65, 0.1, 0.7, 0.69, 0.6, "mud"],
    [0.65, 0.1, 0.5, 0.68, 0.6, "mud"],
  ] as const,
  (picture, [mean, std, sigma, least, strength, liquid], random) => {
    const { pixels, channels } = picture;
    const noise = normalLayer(picture, mean, std, random);
    const layer = gaussianBlur(noise, sigma);
    if (liquid === "water") {
      const depth = layer.map((x) => (x < least ? 0 : x));
      const deepest = depth.reduce((a, b) => Math.max(a, b), 0) || 1;
      const colour = colourFor(channels, water);
      return pixels.map(
        (x, i) => x + (strength * depth[Math.floor(i / channels)]! * colour[i % channels]!) / deepest,
      );
    }
    const drops = layer.map((x) => (x > least ? 1 : 0));
    const cover = gaussianBlur({ ...noise, pixels: drops }, strength).map((m) => (m < 0.8 ? 0 : m));
    const colour = colourFor(channels, mud);
    return pixels.map((x, i) => {
      const m = cover[Math.floor(i / channels)]!;
      return (1 - m) * x + m * colour[i % channels]!;
    });
  },
);
