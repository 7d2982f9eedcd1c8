import type { Random } from "../../engine/random.ts";
import type { CropRange } from "./policy.ts";

/** A rectangle of whole pixels inside an image. */
export interface CropBox {
  readonly top: number;
  readonly left: number;
  readonly height: number;
  readonly width: number;
}

/**
 * Draws the rectangle of a random resized crop as torchvision's RandomResizedCrop does (the "Inception crop",
 * Szegedy et al. 2015): area and log(aspect) uniform, then a uniform place; a rectangle that does not fit is
 * drawn again, and after ten failures the largest central one with an allowed aspect is taken.
 */
export function sampleCrop(height: number, width: number, range: CropRange, random: Random): CropBox {
  const [minAspect, maxAspect] = range.aspect;
  for (let attempt = 0; attempt < 10; attempt++) {
    const area = height * width * random.uniform(...range.area);
    const aspect = Math.exp(random.uniform(Math.log(minAspect), Math.log(maxAspect)));
    const w = Math.round(Math.sqrt(area * aspect));
    const h = Math.round(Math.sqrt(area / aspect));
    if (w < 1 || h < 1 || w > width || h > height) continue;
    return { top: random.integer(height - h + 1), left: random.integer(width - w + 1), height: h, width: w };
  }
  const h = Math.max(1, Math.min(height, Math.round(width / minAspect)));
  const w = Math.max(1, Math.min(width, Math.round(height * maxAspect)));
  return { top: Math.round((height - h) / 2), left: Math.round((width - w) / 2), height: h, width: w };
}
