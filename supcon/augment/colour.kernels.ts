/**
 * Colour operations on one image: a Float32Array of pixels with `channels` values each in [0, 1], changed in
 * place. Definitions are torchvision's (functional_tensor), without its rounding to bytes in between.
 */

/** Luma by ITU-R BT.601. */
export function luma(red: number, green: number, blue: number): number {
  return 0.299 * red + 0.587 * green + 0.114 * blue;
}

function clampToUnit(x: number): number {
  return x < 0 ? 0 : x > 1 ? 1 : x;
}

/** Bytes 0..255 to [0, 1]. */
export function bytesToUnit(bytes: Uint8Array, output: Float32Array): void {
  for (let i = 0; i < output.length; i++) output[i] = bytes[i]! / 255;
}

/** x -> clamp(factor x). */
export function adjustBrightness(image: Float32Array, factor: number): void {
  for (let i = 0; i < image.length; i++) image[i] = clampToUnit(factor * image[i]!);
}

/** x -> clamp(m + factor (x - m)), m the mean luma of the image. */
export function adjustContrast(image: Float32Array, channels: number, factor: number): void {
  const mean = meanLuma(image, channels);
  for (let i = 0; i < image.length; i++) image[i] = clampToUnit(mean + factor * (image[i]! - mean));
}

function meanLuma(image: Float32Array, channels: number): number {
  let sum = 0;
  if (channels === 3) {
    for (let i = 0; i < image.length; i += 3) sum += luma(image[i]!, image[i + 1]!, image[i + 2]!);
  } else {
    for (let i = 0; i < image.length; i++) sum += image[i]!;
  }
  return (sum * (channels === 3 ? 3 : 1)) / image.length;
}

/** x -> clamp(l + factor (x - l)), l the pixel's luma. RGB only; factor 0 is {@link toGrayscale}. */
export function adjustSaturation(image: Float32Array, factor: number): void {
  for (let i = 0; i < image.length; i += 3) {
    const grey = luma(image[i]!, image[i + 1]!, image[i + 2]!);
    for (let c = i; c < i + 3; c++) image[c] = clampToUnit(grey + factor * (image[c]! - grey));
  }
}

/** Every channel becomes the luma. RGB only. */
export function toGrayscale(image: Float32Array): void {
  for (let i = 0; i < image.length; i += 3) {
    const grey = luma(image[i]!, image[i + 1]!, image[i + 2]!);
    for (let c = i; c < i + 3; c++) image[c] = grey;
  }
}

/**
 * Rotates the hue by `turns` of the colour circle, keeping value and chroma of HSV. RGB only.
 *
 * With value V = max, chroma C = max - min and hue h in sextants (0 red, 2 green, 4 blue), a channel is
 * V - C clamp(min(k, 4 - k)), k = (n + h) mod 6, with n = 5, 3, 1 for red, green, blue (Smith, "Color gamut
 * transform pairs", SIGGRAPH 1978, in closed form).
 */
export function adjustHue(image: Float32Array, turns: number): void {
  const shift = 6 * (turns - Math.floor(turns));
  for (let i = 0; i < image.length; i += 3) {
    const red = image[i]!;
    const green = image[i + 1]!;
    const blue = image[i + 2]!;
    // Not with Math.max and Math.min: see geometry.kernels.ts.
    const value = red > green ? (red > blue ? red : blue) : green > blue ? green : blue;
    const chroma = value - (red < green ? (red < blue ? red : blue) : green < blue ? green : blue);
    if (chroma === 0) continue; // grey has no hue
    let hue: number; // in [-1, 5]
    if (value === red) hue = (green - blue) / chroma;
    else if (value === green) hue = 2 + (blue - red) / chroma;
    else hue = 4 + (red - green) / chroma;
    hue += shift;
    image[i] = hueChannel(5 + hue, value, chroma);
    image[i + 1] = hueChannel(3 + hue, value, chroma);
    image[i + 2] = hueChannel(1 + hue, value, chroma);
  }
}

/** `sextant` in [0, 18). */
function hueChannel(sextant: number, value: number, chroma: number): number {
  const k = sextant < 6 ? sextant : sextant < 12 ? sextant - 6 : sextant - 12;
  return value - chroma * clampToUnit(k < 2 ? k : 4 - k);
}

/** x -> (x - mean) / std, channel by channel. */
export function normalize(image: Float32Array, mean: readonly number[], std: readonly number[]): void {
  const channels = mean.length;
  for (let c = 0; c < channels; c++) {
    const shift = mean[c]!;
    const scale = 1 / std[c]!;
    for (let i = c; i < image.length; i += channels) image[i] = (image[i]! - shift) * scale;
  }
}
