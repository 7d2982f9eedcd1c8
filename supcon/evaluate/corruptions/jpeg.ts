import sharp from "sharp";
import { corruption } from "./corruption.ts";

/** Through a JPEG file and back. Constants: quality. Chroma is stored at half the resolution (4:2:0). */
export const jpegCompression = corruption(
  [80, 65, 58, 50, 40],
  async ({ pixels, height, width, channels }, quality) => {
    const bytes = Uint8Array.from(pixels, (x) => Math.round(255 * Math.min(1, Math.max(0, x))));
    const raw = { height, width, channels: channels === 3 ? 3 : 1 } as const;
    const file = await sharp(bytes, { raw }).jpeg({ quality, chromaSubsampling: "4:2:0" }).toBuffer();
    const decoded = await sharp(file).toColourspace(channels === 3 ? "srgb" : "b-w").raw().toBuffer(); // prettier-ignore
    return Float32Array.from(decoded, (byte) => byte / 255);
  },
);
