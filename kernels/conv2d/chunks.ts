/** How the gradient of the weights cuts the sum over all output pixels, which is long where dw is small. */
import type { ConvGeometry } from "./geometry.ts";

/** With fewer pixels in a chunk, adding the chunks would cost too much. */
const CHUNK_PIXELS = 256;
/** At most so many chunks, and so many bytes of sums in all. */
const CHUNKS = 16;
const SUMS_BYTES = 1 << 25;

/** Into how many chunks the pixels of the batch are cut, each of which keeps `sumsBytes` of sums. */
export function chunkCount(g: ConvGeometry, sumsBytes: number): number {
  const useful = Math.ceil((g.batch * g.outHeight * g.outWidth) / CHUNK_PIXELS);
  const fitting = Math.max(1, Math.floor(SUMS_BYTES / sumsBytes));
  return Math.max(1, Math.min(CHUNKS, useful, fitting));
}
