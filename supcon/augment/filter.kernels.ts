/** Filters on one image [height, width, channels] with values in [0, 1], changed in place. */
import type { ImageShape } from "../data/dataset.ts";

/**
 * x -> clamp(s + factor (x - s)), s the mean of the 3 x 3 pixels around with weight 5 / 13 in the middle and 1 / 13 else.
 * Pixels at the border stay as they are. As PIL's ImageEnhance.Sharpness: factor 0 smooths, 1 changes nothing.
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
 * Convolves with a Gaussian of standard deviation `sigma` pixels, cut after `radius` pixels and of sum 1; beyond its border
 * the image is mirrored about its last pixel (as torchvision's gaussian_blur). `radius` is below height and width.
 */
export function gaussianBlur(image: Float32Array, shape: ImageShape, radius: number, sigma: number): void {
  const { height, width, channels } = shape;
  const weights = gaussian(radius, sigma);
  // The kernel is a product of one along rows and one along columns.
  const half = new Float32Array(image.length);
  blurAxis(image, half, width, channels, weights);
  image.fill(0);
  blurAxis(half, image, height, width * channels, weights);
}

function gaussian(radius: number, sigma: number): Float64Array {
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

/** Adds to `output` (n, length, inner) what the convolution along the middle axis makes of `source`. */
function blurAxis(
  source: Float32Array,
  output: Float32Array,
  length: number,
  inner: number,
  weights: Float64Array,
): void {
  const radius = weights.length >> 1;
  for (let line = 0; line < source.length; line += length * inner) {
    for (let p = 0; p < length; p++) {
      const to = line + p * inner;
      for (let k = 0; k < weights.length; k++) {
        const at = Math.abs(p + k - radius);
        const from = line + (at < length ? at : 2 * (length - 1) - at) * inner;
        const weight = weights[k]!;
        for (let i = 0; i < inner; i++) output[to + i]! += weight * source[from + i]!;
      }
    }
  }
}
