/** Pixels from other places, and of other sizes. */
import { nearest } from "../../augment/borders.ts";
import type { Border } from "../../augment/borders.ts";
import type { Picture } from "./corruption.ts";

/** output(y, x) = image at the place that `source` gives, between pixels bilinearly. */
export function warp(
  { pixels, height, width, channels }: Picture,
  source: (y: number, x: number) => readonly [y: number, x: number],
  border: Border = nearest,
): Float32Array {
  const output = new Float32Array(pixels.length);
  let out = 0;
  for (let y = 0; y < height; y++) {
    for (let x = 0; x < width; x++) {
      const [sourceY, sourceX] = source(y, x);
      const top = Math.floor(sourceY);
      const left = Math.floor(sourceX);
      const down = sourceY - top;
      const right = sourceX - left;
      const upper = border(top, height) * width;
      const lower = border(top + 1, height) * width;
      const before = border(left, width);
      const after = border(left + 1, width);
      for (let c = 0; c < channels; c++) {
        const above =
          (1 - right) * pixels[(upper + before) * channels + c]! +
          right * pixels[(upper + after) * channels + c]!;
        const below =
          (1 - right) * pixels[(lower + before) * channels + c]! +
          right * pixels[(lower + after) * channels + c]!;
        output[out++] = (1 - down) * above + down * below;
      }
    }
  }
  return output;
}

/** The middle of an image, enlarged by a factor >= 1 to the whole of it: what a zoom lens sees. */
export function zoom(picture: Picture, factor: number): Float32Array {
  // Corners of what is kept become corners of what is enlarged, of which a rim that is too much is cut off.
  const along = (n: number) => {
    const kept = Math.ceil(n / factor);
    const enlarged = Math.round(kept * factor);
    const step = enlarged > 1 ? (kept - 1) / (enlarged - 1) : 0;
    const [from, trim] = [(n - kept) >> 1, (enlarged - n) >> 1];
    return (i: number) => from + step * (i + trim);
  };
  const [row, column] = [along(picture.height), along(picture.width)];
  return warp(picture, (y, x) => [row(y), column(x)]);
}

/** Resized to height x width: the mean of the pixels whose centres a new pixel covers, or the nearest one if it covers none. */
export function boxResize(picture: Picture, height: number, width: number): Picture {
  const { pixels, channels } = picture;
  const output = new Float32Array(height * width * channels);
  const rows = coverage(picture.height, height);
  const columns = coverage(picture.width, width);
  let out = 0;
  for (const [top, bottom] of rows) {
    for (const [left, right] of columns) {
      const area = (bottom - top + 1) * (right - left + 1);
      for (let c = 0; c < channels; c++) {
        let sum = 0;
        for (let y = top; y <= bottom; y++) {
          for (let x = left; x <= right; x++) sum += pixels[(y * picture.width + x) * channels + c]!;
        }
        output[out++] = sum / area;
      }
    }
  }
  return { pixels: output, height, width, channels };
}

/** For each of `to` new pixels the first and the last of `from` old ones whose centres it covers. */
function coverage(from: number, to: number): [first: number, last: number][] {
  const scale = from / to;
  const half = Math.max(scale, 1) / 2;
  return Array.from({ length: to }, (_, i) => {
    const centre = (i + 0.5) * scale;
    return [Math.floor(centre - half + 0.5), Math.min(from - 1, Math.floor(centre + half - 0.5))];
  });
}
