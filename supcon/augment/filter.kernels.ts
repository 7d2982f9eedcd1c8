/** Filters on one image [height, width, channels] with values in [0, 1]. */
import type { ImageShape } from "../data/dataset.ts";
import { mirror } from "./borders.ts";
import type { Border } from "./borders.ts";

/**
 * In place, x -> clamp(s + factor (x - s)), s the mean of the 3 x 3 pixels around with weight 5 / 13 in the middle and
 * 1 / 13 else. Pixels at the border stay as they are. As PIL's ImageEnhance.Sharpness: factor 0 smooths, 1 changes nothing.
 */
export function adjustSharpness(
  image: Float32Array,
  { height, width, channels }: ImageShape,
  factor: number,
): void {
  const source = image.slice();
  const row = width * channels;
  for (let y = 1; y < height - 1; y++) {
    for (let i = y * row + channels; i < (y + 1) * row - channels; i++) {
      const [above, below] = [i - row, i + row];
      const sum =
        source[above - channels]! + source[above]! + source[above + channels]! +
        source[i - channels]! + 5 * source[i]! + source[i + channels]! +
        source[below - channels]! + source[below]! + source[below + channels]!; // prettier-ignore
      const smooth = sum / 13;
      const sharpened = smooth + factor * (source[i]! - smooth);
      image[i] = sharpened < 0 ? 0 : sharpened > 1 ? 1 : sharpened;
    }
  }
}

/**
 * Convolves in place with a Gaussian of standard deviation `sigma` pixels, cut after `radius` pixels; beyond its border
 * the image is mirrored about its last pixel (as torchvision's gaussian_blur).
 */
export function gaussianBlur(image: Float32Array, shape: ImageShape, radius: number, sigma: number): void {
  image.set(convolveAxes(image, shape, gaussianWeights(radius, sigma), mirror));
}

/** e^(-i^2 / (2 sigma^2)) for i = -radius ... radius, scaled to sum 1. */
export function gaussianWeights(radius: number, sigma: number): Float64Array {
  const weights = new Float64Array(2 * radius + 1);
  let total = 0;
  for (let i = 0; i < weights.length; i++) {
    const distance = (i - radius) / sigma;
    weights[i] = Math.exp(-0.5 * distance * distance);
    total += weights[i]!;
  }
  for (let i = 0; i < weights.length; i++) weights[i]! /= total;
  return weights;
}

/** Convolves the rows with weights, then the columns: what a kernel that is the product of the two makes of an image. */
export function convolveAxes(
  image: Float32Array,
  { height, width, channels }: ImageShape,
  weights: Float64Array,
  border: Border,
): Float32Array {
  const half = convolveAxis(image, width, channels, weights, border);
  return convolveAxis(half, height, width * channels, weights, border);
}

/** The convolution of `source` (n, length, inner) along its middle axis. */
function convolveAxis(
  source: Float32Array,
  length: number,
  inner: number,
  weights: Float64Array,
  border: Border,
): Float32Array {
  const output = new Float32Array(source.length);
  const radius = weights.length >> 1;
  // Where the sources of a line lie, from `radius` before its beginning on.
  const offsets = Int32Array.from(
    { length: length + 2 * radius },
    (_, i) => border(i - radius, length) * inner,
  );
  for (let line = 0; line < source.length; line += length * inner) {
    for (let p = 0; p < length; p++) {
      const to = line + p * inner;
      for (let k = 0; k < weights.length; k++) {
        const from = line + offsets[p + k]!;
        const weight = weights[k]!;
        for (let i = 0; i < inner; i++) output[to + i]! += weight * source[from + i]!;
      }
    }
  }
  return output;
}
