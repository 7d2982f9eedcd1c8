import type { ImageShape } from "../data/dataset.ts";
import type { CropBox } from "./crop.ts";

/**
 * Resizes the part of `image` inside `box` to the whole of `output`, bilinearly. Both are [height, width,
 * channels].
 *
 * Pixel centres lie at half-integers, so output row y samples the source at (y + 1/2) h_box / h_out - 1/2,
 * clamped to the box: nothing outside it shows. A box of the output's own size is copied exactly. No low-pass
 * filter: meant for enlarging, which a crop at the image's own size always is.
 */
export function resizedCrop(
  image: Float32Array,
  shape: ImageShape,
  box: CropBox,
  output: Float32Array,
  outputShape: ImageShape,
): void {
  const { channels } = shape;
  const rowStride = shape.width * channels;
  const outputStride = outputShape.width * channels;

  // The box's rows in the output's width: each is needed by about two output rows.
  const rows = new Float64Array(box.height * outputStride);
  const scaleX = box.width / outputShape.width;
  const lastColumn = box.width - 1;
  for (let x = 0; x < outputShape.width; x++) {
    const source = clamp((x + 0.5) * scaleX - 0.5, lastColumn);
    const column = Math.floor(source);
    const weight = source - column;
    const toRight = column < lastColumn ? channels : 0;
    let left = box.top * rowStride + (box.left + column) * channels;
    for (let to = x * channels; to < rows.length; to += outputStride, left += rowStride) {
      for (let c = 0; c < channels; c++) {
        rows[to + c] = lerp(image[left + c]!, image[left + toRight + c]!, weight);
      }
    }
  }

  const scaleY = box.height / outputShape.height;
  const lastRow = box.height - 1;
  let out = 0;
  for (let y = 0; y < outputShape.height; y++) {
    const source = clamp((y + 0.5) * scaleY - 0.5, lastRow);
    const row = Math.floor(source);
    const weight = source - row;
    let upper = row * outputStride;
    let lower = row < lastRow ? upper + outputStride : upper;
    for (let i = 0; i < outputStride; i++) output[out++] = lerp(rows[upper++]!, rows[lower++]!, weight);
  }
}

/** To [0, max]. Not with Math.min and Math.max: they also order -0 and NaN, a quarter of a grey crop's time. */
function clamp(x: number, max: number): number {
  return x < 0 ? 0 : x > max ? max : x;
}

function lerp(a: number, b: number, weight: number): number {
  return a + (b - a) * weight;
}

/** Mirrors an image [height, width, channels] left to right, in place. */
export function flipHorizontal(image: Float32Array, { height, width, channels }: ImageShape): void {
  for (let y = 0; y < height; y++) {
    let left = y * width * channels;
    let right = left + (width - 1) * channels;
    for (; left < right; left += channels, right -= channels) {
      for (let c = 0; c < channels; c++) {
        const pixel = image[left + c]!;
        image[left + c] = image[right + c]!;
        image[right + c] = pixel;
      }
    }
  }
}

/** The source of an output pixel, as coefficients of its coordinates: (x, y) = (a u + b v + c, d u + e v + f). */
export type AffineMap = readonly [a: number, b: number, c: number, d: number, e: number, f: number];

/**
 * Moves the pixels of an image [height, width, channels] in place: the output pixel whose centre is (u, v) takes the
 * source pixel in which (x, y) lies, and `fill` where that is outside. As PIL's Image.transform with AFFINE and NEAREST.
 */
export function affine(
  image: Float32Array,
  { height, width, channels }: ImageShape,
  [a, b, c, d, e, f]: AffineMap,
  fill: number,
): void {
  const source = image.slice();
  let out = 0;
  for (let row = 0; row < height; row++) {
    const v = row + 0.5;
    for (let column = 0; column < width; column++) {
      const u = column + 0.5;
      const x = Math.floor(a * u + b * v + c);
      const y = Math.floor(d * u + e * v + f);
      if (x >= 0 && x < width && y >= 0 && y < height) {
        let from = (y * width + x) * channels;
        for (let k = 0; k < channels; k++) image[out++] = source[from++]!;
      } else {
        for (let k = 0; k < channels; k++) image[out++] = fill;
      }
    }
  }
}

/** Turns counter-clockwise about the centre of the image. */
export const rotation = (degrees: number, { height, width }: ImageShape): AffineMap => {
  const angle = (degrees * Math.PI) / 180;
  const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
  const [x, y] = [width / 2, height / 2];
  return [cos, -sin, x - cos * x + sin * y, sin, cos, y - sin * x - cos * y];
};

/** Paints the square [x - half, x + half) x [y - half, y + half), as far as it lies in the image, channel by channel. */
export function fillSquare(
  image: Float32Array,
  { height, width, channels }: ImageShape,
  { x, y, half }: { readonly x: number; readonly y: number; readonly half: number },
  fill: readonly number[],
): void {
  for (let row = Math.max(0, y - half); row < Math.min(height, y + half); row++) {
    for (let column = Math.max(0, x - half); column < Math.min(width, x + half); column++) {
      for (let c = 0; c < channels; c++) image[(row * width + column) * channels + c] = fill[c]!;
    }
  }
}
