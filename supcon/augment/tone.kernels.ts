/**
 * Operations on the intensities of one image: a Float32Array of pixels with `channels` values each in [0, 1], changed in
 * place. They are PIL's (ImageOps), which knows bytes: where a definition counts or cuts bytes, a pixel is rounded to one.
 */

/** The nearest byte. */
const toByte = (x: number): number => (255 * x + 0.5) | 0;

/** x -> 1 - x. */
export function invert(image: Float32Array): void {
  for (let i = 0; i < image.length; i++) image[i] = 1 - image[i]!;
}

/** Keeps the highest `bits` (0 to 8) bits of each byte. */
export function posterize(image: Float32Array, bits: number): void {
  const mask = 0xff & (0xff << (8 - bits));
  for (let i = 0; i < image.length; i++) image[i] = (toByte(image[i]!) & mask) / 255;
}

/** Inverts what is at least `threshold`, a byte; 256 changes nothing. */
export function solarize(image: Float32Array, threshold: number): void {
  for (let i = 0; i < image.length; i++) if (toByte(image[i]!) >= threshold) image[i] = 1 - image[i]!;
}

/** Adds `addition`, a byte, to what is below 128, up to white. */
export function solarizeAdd(image: Float32Array, addition: number): void {
  for (let i = 0; i < image.length; i++) {
    const byte = toByte(image[i]!);
    if (byte < 128) image[i] = Math.min(255, byte + addition) / 255;
  }
}

/** Stretches each channel to [0, 1]: x -> (x - min) / (max - min). One that is flat stays as it is. */
export function autoContrast(image: Float32Array, channels: number): void {
  for (let c = 0; c < channels; c++) {
    let [min, max] = [Infinity, -Infinity];
    for (let i = c; i < image.length; i += channels) {
      min = Math.min(min, image[i]!);
      max = Math.max(max, image[i]!);
    }
    if (min === max) continue;
    for (let i = c; i < image.length; i += channels) image[i] = (image[i]! - min) / (max - min);
  }
}

/**
 * Equalises the histogram of each channel. With h the counts of the bytes and h_last that of the brightest one there is,
 * step = floor((sum h - h_last) / 255), a byte b becomes floor((floor(step / 2) + sum of h below b) / step), at most 255.
 * A channel of one byte, or of too few pixels for a step of 1, stays as it is.
 */
export function equalize(image: Float32Array, channels: number): void {
  for (let c = 0; c < channels; c++) {
    const counts = new Int32Array(256);
    for (let i = c; i < image.length; i += channels) counts[toByte(image[i]!)]!++;
    let last = 255;
    while (counts[last] === 0) last--;
    const step = Math.floor((image.length / channels - counts[last]!) / 255);
    if (step === 0) continue;
    const levels = new Float64Array(256);
    let below = Math.floor(step / 2);
    for (let byte = 0; byte < 256; below += counts[byte++]!) {
      levels[byte] = Math.min(255, Math.floor(below / step)) / 255;
    }
    for (let i = c; i < image.length; i += channels) image[i] = levels[toByte(image[i]!)]!;
  }
}
