import sharp from "sharp";
import type { ImageShape } from "../data/dataset.ts";

/** One small picture. */
export interface Tile extends ImageShape {
  /** [height, width, channels] bytes; 1 channel or 3. */
  readonly pixels: Uint8Array | Uint8ClampedArray;
}

/** Rows of tiles of one size under a title; the first column stands apart. */
export interface Sheet {
  readonly title: string;
  /** A heading for each column. */
  readonly columns: readonly string[];
  readonly rows: readonly { readonly label: string; readonly tiles: readonly Tile[] }[];
}

/** All in pixels. */
const leastSide = 64;
const gap = 6;
const top = 64;
const letter = 9;

/** The sheet as a PNG file. Small tiles are enlarged by whole pixels. */
export async function drawSheet({ title, columns, rows }: Sheet): Promise<Uint8Array> {
  const tiles = rows.flatMap((row) => row.tiles);
  const [height, width] = [tiles[0]?.height ?? 1, tiles[0]?.width ?? 1];
  const zoom = Math.max(1, Math.round(leastSide / Math.min(height, width)));
  const left = 2 * gap + letter * Math.max(...rows.map(({ label }) => label.length));
  const xOf = (column: number) => left + column * (width * zoom + gap) + (column > 0 ? 3 * gap : 0);
  const yOf = (row: number) => top + row * (height * zoom + gap);
  const size = { width: xOf(columns.length), height: yOf(rows.length) };

  const enlarged = await Promise.all(
    rows.flatMap((row, y) =>
      row.tiles.map(async (tile, x) => ({ input: await enlarge(tile, zoom), left: xOf(x), top: yOf(y) })),
    ),
  );
  const text = (content: string, x: number, y: number, attributes: string) =>
    `<text x="${x}" y="${y}" ${attributes}>${escape(content)}</text>`;
  const texts = [
    text(title, gap, 26, 'font-size="18"'),
    ...columns.map((name, i) => text(name, xOf(i) + (width * zoom) / 2, top - 10, 'text-anchor="middle"')),
    ...rows.map(({ label }, i) =>
      text(label, left - gap, yOf(i) + (height * zoom) / 2 + 5, 'text-anchor="end"'),
    ),
  ];
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}" font-family="sans-serif" font-size="14">${texts.join("")}</svg>`;
  const png = await sharp({ create: { ...size, channels: 3, background: "white" } })
    .composite([...enlarged, { input: Buffer.from(svg), left: 0, top: 0 }])
    .png()
    .toBuffer();
  return new Uint8Array(png);
}

/** As a PNG, in colour. */
const enlarge = ({ height, width, channels, pixels }: Tile, zoom: number): Promise<Buffer> =>
  sharp(pixels, { raw: { height, width, channels: channels === 1 ? 1 : 3 } })
    .toColourspace("srgb")
    .resize(width * zoom, height * zoom, { kernel: "nearest" })
    .png()
    .toBuffer();

const escape = (text: string): string =>
  text.replaceAll("&", "&amp;").replaceAll("<", "&lt;").replaceAll(">", "&gt;");
