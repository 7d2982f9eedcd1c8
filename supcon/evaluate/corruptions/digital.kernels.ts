/** What processing does to images. */
import type { Random } from "../../../engine/random.ts";
import { mirror, symmetric } from "../../augment/borders.ts";
import { corruption } from "./corruption.ts";
import type { Picture } from "./corruption.ts";
import { gaussianBlur } from "./filter.kernels.ts";
import { boxResize, warp } from "./sample.kernels.ts";

/** x -> m + factor (x - m), m the mean of the channel. */
export const contrast = corruption([0.75, 0.5, 0.4, 0.3, 0.15], ({ pixels, channels }, factor) => {
  const means = new Float64Array(channels);
  for (let i = 0; i < pixels.length; i++) means[i % channels]! += (pixels[i]! * channels) / pixels.length;
  return pixels.map((x, i) => means[i % channels]! + factor * (x - means[i % channels]!));
});

/**
 * A random affine map near the identity, then smooth random shifts (Simard, Steinkraus and Platt, ICDAR 2003). Constants,
 * as shares of the shorter side: size of the shifts, sigma of their smoothing, reach of the affine map.
 */
export const elasticTransform = corruption(
  [[0, 0, 0.08], [0.05, 0.2, 0.07], [0.08, 0.06, 0.06], [0.1, 0.04, 0.05], [0.1, 0.03, 0.03]] as const, // prettier-ignore
  (picture, [size, smoothness, reach], random) => {
    const side = Math.min(picture.height, picture.width);
    const moved = { ...picture, pixels: warp(picture, randomAffine(picture, reach * side, random), mirror) };
    const down = shifts(picture, size * side, smoothness * side, random);
    const right = shifts(picture, size * side, smoothness * side, random);
    const source = (y: number, x: number): [number, number] => {
      const i = y * picture.width + x;
      return [y + down[i]!, x + right[i]!];
    };
    return warp(moved, source, symmetric);
  },
);

/** Smoothed uniform deviates on [-size, size], [height, width]. */
function shifts({ height, width }: Picture, size: number, sigma: number, random: Random): Float32Array {
  const pixels = new Float32Array(height * width).map(() => random.uniform(-1, 1));
  const smooth = gaussianBlur({ pixels, height, width, channels: 1 }, sigma, { truncate: 3, border: symmetric }); // prettier-ignore
  return smooth.map((x) => size * x);
}

/**
 * Where the pixels of an affine map come from that moves three corners of the square of a third of the image's side around
 * its middle by up to `reach` pixels each, down and across.
 */
function randomAffine({ height, width }: Picture, reach: number, random: Random) {
  const third = Math.floor(Math.min(height, width) / 3);
  const middle = [Math.floor(height / 2), Math.floor(width / 2)] as const;
  const corners = ([[third, third], [third, -third], [-third, -third]] as const).map(([y, x]) => [middle[0] + y, middle[1] + x] as const); // prettier-ignore
  const [a, b, c] = corners.map(([y, x]) => [
    y + random.uniform(-reach, reach),
    x + random.uniform(-reach, reach),
  ]) as [[number, number], [number, number], [number, number]];
  // With p = b + s (a - b) + t (c - b), the map sends p back to corner b + s (0, 2 third) + t (-2 third, 0).
  const [ay, ax, cy, cx] = [a[0] - b[0], a[1] - b[1], c[0] - b[0], c[1] - b[1]];
  const determinant = ay * cx - ax * cy || 1;
  return (y: number, x: number): [number, number] => {
    const [py, px] = [y - b[0], x - b[1]];
    const s = (py * cx - px * cy) / determinant;
    const t = (ay * px - ax * py) / determinant;
    return [middle[0] + third - 2 * third * t, middle[1] - third + 2 * third * s];
  };
}

/** Made smaller, and large again. Constants: share of the side. */
export const pixelate = corruption([0.95, 0.9, 0.85, 0.75, 0.65], (picture, share) => {
  const smaller = (side: number) => Math.max(1, Math.floor(share * side));
  const small = boxResize(picture, smaller(picture.height), smaller(picture.width));
  return boxResize(small, picture.height, picture.width).pixels;
});

/**
 * Saturation S (HSV) becomes a S + b, at most 1. With value V, the greatest channel, x = V - V S k, where k, from 0 to 1,
 * tells the hue: x' = V - (V - x) S' / S. A grey has the hue of red. Constants: a, b. RGB only.
 */
export const saturate = corruption(
  [[0.3, 0], [0.1, 0], [1.5, 0], [2, 0.1], [2.5, 0.2]] as const, // prettier-ignore
  ({ pixels }, [factor, more]) => {
    const output = new Float32Array(pixels.length);
    for (let i = 0; i < pixels.length; i += 3) {
      const value = Math.max(pixels[i]!, pixels[i + 1]!, pixels[i + 2]!);
      const chroma = value - Math.min(pixels[i]!, pixels[i + 1]!, pixels[i + 2]!);
      const saturation = value > 0 ? chroma / value : 0;
      const stronger = Math.min(1, factor * saturation + more);
      for (let c = 0; c < 3; c++) {
        const distance = chroma > 0 ? (value - pixels[i + c]!) / chroma : c === 0 ? 0 : 1;
        output[i + c] = value - value * stronger * distance;
      }
    }
    return output;
  },
);
