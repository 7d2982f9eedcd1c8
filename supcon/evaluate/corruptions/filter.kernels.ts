/** Weighted sums over the neighbourhood of each pixel: what all blurs are made of. */
import { nearest } from "../../augment/borders.ts";
import type { Border } from "../../augment/borders.ts";
import { convolveAxes, gaussianWeights } from "../../augment/filter.kernels.ts";
import type { Picture } from "./corruption.ts";

/** The weight of the pixel that lies (dy, dx) away. */
export interface Tap {
  readonly dy: number;
  readonly dx: number;
  readonly weight: number;
}

/** output(y, x) = sum over taps of weight image(y + dy, x + dx), channel by channel. */
export function correlate(
  { pixels, height, width, channels }: Picture,
  taps: readonly Tap[],
  border: Border,
): Float32Array {
  const output = new Float32Array(pixels.length);
  for (const { dy, dx, weight } of taps) {
    let out = 0;
    for (let y = 0; y < height; y++) {
      const row = border(y + dy, height) * width;
      for (let x = 0; x < width; x++) {
        const from = (row + border(x + dx, width)) * channels;
        for (let c = 0; c < channels; c++) output[out++]! += weight * pixels[from + c]!;
      }
    }
  }
  return output;
}

/** Taps whose weights sum to 1. */
export function normalized(taps: readonly Tap[]): Tap[] {
  const sum = taps.reduce((total, { weight }) => total + weight, 0);
  return taps.map((tap) => ({ ...tap, weight: tap.weight / sum }));
}

/** A Gaussian blur, cut off at `truncate` sigma. */
export function gaussianBlur(
  picture: Picture,
  sigma: number,
  { truncate = 4, border = nearest }: { readonly truncate?: number; readonly border?: Border } = {},
): Float32Array {
  const radius = Math.floor(truncate * sigma + 0.5);
  if (radius === 0) return picture.pixels.slice();
  return convolveAxes(picture.pixels, picture, gaussianWeights(radius, sigma), border);
}

/** A disc of a radius in pixels, of sum 1, whose rim is softened by a Gaussian over 3 x 3 pixels. */
export function disc(radius: number, softness: number): Tap[] {
  const reach = Math.floor(radius) + 1;
  const offsets = Array.from({ length: 2 * reach + 1 }, (_, i) => i - reach);
  const [outer = 0, inner = 0] = gaussianWeights(1, softness);
  const soft = (d: number) => (d === 0 ? inner : Math.abs(d) === 1 ? outer : 0);
  const inside = offsets.flatMap((y) =>
    offsets.filter((x) => x ** 2 + y ** 2 <= radius ** 2).map((x) => [y, x] as const),
  );
  const taps = offsets.flatMap((dy) =>
    offsets.map((dx) => ({
      dy,
      dx,
      weight: inside.reduce((sum, [y, x]) => sum + soft(dy - y) * soft(dx - x), 0),
    })),
  );
  return normalized(taps);
}

/** Half a Gaussian along a line of 2 radius + 1 pixels in the direction of an angle in radians: what a moved camera sees. */
export function line(radius: number, sigma: number, angle: number): Tap[] {
  return normalized(
    Array.from({ length: 2 * radius + 1 }, (_, i) => ({
      dy: Math.round(i * Math.sin(angle)),
      dx: Math.round(i * Math.cos(angle)),
      weight: Math.exp(-(i ** 2) / (2 * sigma ** 2)),
    })),
  );
}
