import { luma } from "../../augment/colour.kernels.ts";
import type { Picture } from "./corruption.ts";

/** [height, width]: the luma of each pixel of three channels, the mean of other numbers of channels. */
export function greyOf({ pixels, channels }: Picture): Float32Array {
  return new Float32Array(pixels.length / channels).map((_, i) => {
    const pixel = pixels.subarray(i * channels, (i + 1) * channels);
    if (channels === 3) return luma(pixel[0]!, pixel[1]!, pixel[2]!);
    return pixel.reduce((sum, value) => sum + value, 0) / channels;
  });
}

/** A colour for images of so many channels: its luma where they are not three. */
export const colourFor = (
  channels: number,
  [red, green, blue]: readonly [number, number, number],
): number[] =>
  channels === 3 ? [red, green, blue] : Array.from({ length: channels }, () => luma(red, green, blue));
