/** How the convolution passes cut a batch: into units of a few whole images, or of a band of rows of one image. */
import { i32 } from "../../engine/backends/cpu/assembler.ts";
import type { FunctionBuilder, Local, Value } from "../../engine/backends/cpu/assembler.ts";
import { minU } from "../../engine/backends/cpu/task.ts";

/** The cut of a batch into units: first by images, then each image by output rows. */
export interface Units {
  readonly unitImages: number;
  readonly bandRows: number;
  /** Bands in an image; 1 where units hold several images. */
  readonly bands: number;
  readonly units: number;
}

/** Cuts a batch: into bands of `rows` output rows where images have more, else into groups of `images` images. */
export function cutBatch(batch: number, outHeight: number, rows: number, images: number): Units {
  const bandRows = Math.max(1, Math.min(outHeight, rows));
  const bands = Math.ceil(outHeight / bandRows);
  const unitImages = bands > 1 ? 1 : Math.max(1, images);
  return { unitImages, bandRows, bands, units: Math.ceil(batch / unitImages) * bands };
}

/** Argument words that tell a task of its units. */
// prettier-ignore
export const unitWords = ["batch", "outHeight", "unitImages", "bandRows", "bands", "units", "shares"] as const;
type Reader = (name: (typeof unitWords)[number]) => Value<"i32">;

/** The images and output rows of a unit. */
interface UnitLocals {
  readonly firstImage: Local<"i32">;
  readonly images: Local<"i32">;
  readonly firstRow: Local<"i32">;
  readonly rows: Local<"i32">;
}

/** Writes a loop over the units of one share; `shares` of them divide the units evenly. */
export function forUnits(
  f: FunctionBuilder,
  word: Reader,
  share: Value<"i32">,
  body: (unit: UnitLocals, isFirst: Value<"i32">) => void,
): void {
  const unitsBefore = (shares: Value<"i32">): Value<"i32"> =>
    i32.divU(i32.mul(shares, word("units")), word("shares"));
  const first = f.let(unitsBefore(share));
  f.forRange(first, unitsBefore(i32.add(share, 1)), 1, (unit) => {
    const firstImage = f.let(i32.mul(i32.divU(unit, word("bands")), word("unitImages")));
    const firstRow = f.let(i32.mul(i32.remU(unit, word("bands")), word("bandRows")));
    const images = f.let(minU(i32.sub(word("batch"), firstImage), word("unitImages")));
    const rows = f.let(minU(i32.sub(word("outHeight"), firstRow), word("bandRows")));
    body({ firstImage, images, firstRow, rows }, i32.eq(unit, first));
  });
}
