/** Many small images as one, from which CSS cuts them. */
import sharp from "sharp";
import type { ImageDataset } from "../data/dataset.ts";
import { Html, html } from "./html.ts";

/** An image of a data set. */
export interface Picked {
  readonly dataset: ImageDataset;
  readonly index: number;
}

/** A grid of images, row by row. */
export interface Sheet {
  /** A data URL. */
  readonly source: string;
  readonly columns: number;
  readonly rows: number;
  /** Width by height of each. */
  readonly ratio: number;
}

/** The longer side of an image, in pixels, is at most this. */
const longest = 48;

/** Images of one shape as a sheet. */
export async function drawSheet(images: readonly [Picked, ...Picked[]]): Promise<Sheet> {
  const { height, width, channels } = images[0].dataset;
  const scale = Math.min(1, longest / Math.max(height, width));
  const size = { width: Math.max(1, Math.round(width * scale)), height: Math.max(1, Math.round(height * scale)) }; // prettier-ignore
  const columns = Math.ceil(Math.sqrt(images.length));
  const rows = Math.ceil(images.length / columns);
  const pixels = new Uint8Array(rows * size.height * columns * size.width * channels);
  for (const [i, image] of images.entries()) {
    const tile = scale < 1 ? await shrink(image, size) : bytesOf(image);
    const [left, top] = [(i % columns) * size.width, Math.floor(i / columns) * size.height];
    for (let y = 0; y < size.height; y++) {
      const row = tile.subarray(y * size.width * channels, (y + 1) * size.width * channels);
      pixels.set(row, ((top + y) * columns * size.width + left) * channels);
    }
  }
  const whole = raw(pixels, { width: columns * size.width, height: rows * size.height, channels });
  const encoded = await whole.webp(channels === 1 ? { lossless: true } : { quality: 88 }).toBuffer();
  const source = `data:image/webp;base64,${encoded.toString("base64")}`;
  return { source, columns, rows, ratio: size.width / size.height };
}

const raw = (pixels: Uint8Array, shape: { width: number; height: number; channels: number }) =>
  sharp(pixels, { raw: { ...shape, channels: shape.channels === 1 ? 1 : 3 } });

function bytesOf({ dataset: { images, height, width, channels }, index }: Picked): Uint8Array {
  const size = height * width * channels;
  return images.subarray(index * size, (index + 1) * size);
}

async function shrink(image: Picked, size: { width: number; height: number }): Promise<Uint8Array> {
  const shrunk = raw(bytesOf(image), image.dataset).resize(size.width, size.height, { fit: "fill" });
  return shrunk
    .toColourspace(image.dataset.channels === 1 ? "b-w" : "srgb")
    .raw()
    .toBuffer();
}

/** What a page that shows images of the sheet needs once. */
export const sheetStyle = ({ source, columns, rows, ratio }: Sheet): string =>
  `:root { --sheet: url(${source}) }\n.tile { background-size: ${100 * columns}% ${100 * rows}%; aspect-ratio: ${ratio} }\n`;

/** Image i of the sheet; `text` says what it is. */
export function tile({ columns, rows }: Sheet, i: number, text: string): Html {
  const share = (at: number, count: number) => (count > 1 ? (100 * at) / (count - 1) : 0).toFixed(4);
  const place = `${share(i % columns, columns)}% ${share(Math.floor(i / columns), rows)}%`;
  return html`<span
    class="tile"
    role="img"
    aria-label="${text}"
    title="${text}"
    style="background-position:${place}"
  ></span>`;
}
