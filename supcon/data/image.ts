import sharp from "sharp";
import type { ImageShape } from "./dataset.ts";
import { DataError } from "./dataset.ts";
import { reasonOf } from "../reason.ts";

/** Options of {@link decodeImage}. */
export interface DecodeOptions {
  readonly invert?: boolean;
  readonly fit?: "contain" | "cover";
}

/**
 * Decodes an image file (JPEG, PNG, WebP, ... through sharp) to bytes [height, width, channels]: as a camera has held it,
 * transparency on black, not distorted, made to fit into the size, the rest black ("contain"), or to fill it, what stands
 * out on two sides cut off ("cover"). One channel is grey.
 * `invert` exchanges dark and bright, as for ink on paper: transparency is then white before, and the rest is still black.
 * Throws DataError for a file that is missing or no image.
 */
export async function decodeImage(
  path: string,
  { height, width, channels }: ImageShape,
  { invert = false, fit = "contain" }: DecodeOptions = {},
): Promise<Uint8Array> {
  const background = invert ? "white" : "black"; // sharp negates last.
  try {
    const image = sharp(path, { failOn: "error" })
      .autoOrient()
      .flatten({ background })
      .resize(width, height, { fit, background })
      .negate(invert)
      .toColourspace(channels === 1 ? "b-w" : "srgb")
      .raw();
    const { data, info } = await image.toBuffer({ resolveWithObject: true });
    if (info.channels !== channels) {
      throw new DataError(`${path}: expected an image of ${channels} channels, got ${info.channels}`);
    }
    return new Uint8Array(data);
  } catch (cause) {
    throw cause instanceof DataError ? cause : undecodable(path, cause);
  }
}

/** What to throw for a file of which sharp makes no image. */
export const undecodable = (path: string, cause: unknown): DataError =>
  new DataError(`${path}: expected an image file, got none that can be decoded (${reasonOf(cause).trim()})`, { cause }); // prettier-ignore
