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
  const scaleY = box.height / outputShape.height;
  const scaleX = box.width / outputShape.width;
  const lastRow = box.height - 1;
  const lastColumn = box.width - 1;
  let out = 0;
  for (let y = 0; y < outputShape.height; y++) {
    const sourceY = clamp((y + 0.5) * scaleY - 0.5, lastRow);
    const row = Math.floor(sourceY);
    const weightY = sourceY - row;
    const upper = (box.top + row) * rowStride + box.left * channels;
    const lower = row < lastRow ? upper + rowStride : upper;
    for (let x = 0; x < outputShape.width; x++) {
      const sourceX = clamp((x + 0.5) * scaleX - 0.5, lastColumn);
      const column = Math.floor(sourceX);
      const weightX = sourceX - column;
      const left = column * channels;
      const right = column < lastColumn ? left + channels : left;
      for (let c = 0; c < channels; c++) {
        const above = lerp(image[upper + left + c]!, image[upper + right + c]!, weightX);
        const below = lerp(image[lower + left + c]!, image[lower + right + c]!, weightX);
        output[out++] = lerp(above, below, weightY);
      }
    }
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
