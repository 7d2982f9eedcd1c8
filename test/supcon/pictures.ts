/** Pictures to be damaged, and what their pixels are measured by. */
import assert from "node:assert/strict";
import type { Corruption, Picture } from "../../supcon/evaluate/corruptions/corruption.ts";
import { corruptions } from "../../supcon/evaluate/corruptions/index.ts";
import type { CorruptionName } from "../../supcon/evaluate/corruptions/index.ts";

/** Bytes over 255 [height, width, channels]: a gradient with a disc and a bar on it. */
export function scene(height: number, width: number, channels: number): Picture {
  const pixels = new Float32Array(height * width * channels).map((_, i) => {
    const [c, x, y] = [i % channels, Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    const inDisc = (y - height / 2) ** 2 + (x - width / 3) ** 2 < (height / 5) ** 2;
    const inBar = x > (2 * width) / 3 && x < (5 * width) / 6;
    const value = inDisc ? 0.9 - 0.3 * c : inBar ? 0.1 + 0.3 * c : 0.3 + (0.3 * x) / width + (0.1 * y) / height; // prettier-ignore
    return Math.round(255 * value) / 255;
  });
  return { pixels, height, width, channels };
}

/** Of one value. */
export const flat = (value: number, height = 16, width = 20, channels = 1): Picture => ({
  ...{ height, width, channels },
  pixels: new Float32Array(height * width * channels).fill(value),
});

/** One bright pixel in the middle of 21 x 21 dark ones. */
export const dot = (): Picture => {
  const picture = flat(0, 21, 21);
  picture.pixels[10 * 21 + 10] = 1;
  return picture;
};

/** A corruption in its five severities. */
export const severities = (name: CorruptionName): Corruption => corruptions[name].severities;

/** Of numbers. */
export const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((a, b) => a + b, 0) / values.length;

/** Standard deviation. */
export const std = (values: ArrayLike<number>): number => {
  const m = mean(values);
  return Math.sqrt(mean(Array.from(values, (x) => (x - m) ** 2)));
};

/** Root mean square of the differences. */
export const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.sqrt(mean(Array.from(a, (x, i) => (x - b[i]!) ** 2)));

/** Fails unless a number is as expected, give or take. */
export const near = (got: number, expected: number, tolerance: number, what: string): void => {
  assert.ok(
    Math.abs(got - expected) <= tolerance,
    `${what}: expected ${expected} +- ${tolerance}, got ${got}`,
  );
};
