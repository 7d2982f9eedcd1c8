/**
 * The corruptions of CIFAR-10-C (Hendrycks and Dietterich, "Benchmarking Neural Network Robustness to Common Corruptions and
 * Perturbations", ICLR 2019): 15 that count in the mean, and 4 extra ones to tune on, in five severities with the published
 * constants. Pixels are computed here anew and differ from the published files, to which figures do not compare exactly.
 */
import * as blurs from "./blur.kernels.ts";
import type { Corruption } from "./corruption.ts";
import * as digital from "./digital.kernels.ts";
import { jpegCompression } from "./jpeg.ts";
import * as noises from "./noise.kernels.ts";
import * as weather from "./weather.kernels.ts";

/** A corruption, and what is to be known of it. */
export interface CorruptionEntry {
  readonly group: "noise" | "blur" | "weather" | "digital";
  readonly severities: Corruption;
  /** One of the 4 that do not count in the mean. */
  readonly extra?: true;
  /** Why it is only like the published one. */
  readonly nonStandard?: string;
  /** Only images of three channels have what it changes. */
  readonly colourOnly?: true;
}

/** All of them by name, in the order of the paper's tables. */
export const corruptions = {
  "gaussian noise": { group: "noise", severities: noises.gaussianNoise },
  "shot noise": { group: "noise", severities: noises.shotNoise },
  "impulse noise": { group: "noise", severities: noises.impulseNoise },
  "defocus blur": { group: "blur", severities: blurs.defocusBlur },
  "glass blur": { group: "blur", severities: blurs.glassBlur },
  "motion blur": { group: "blur", severities: blurs.motionBlur },
  "zoom blur": { group: "blur", severities: blurs.zoomBlur },
  snow: { group: "weather", severities: weather.snow },
  frost: {
    ...{ group: "weather", severities: weather.frost },
    nonStandard: "a fractal texture stands for photographs of ice",
  },
  fog: { group: "weather", severities: weather.fog },
  brightness: { group: "weather", severities: weather.brightness },
  contrast: { group: "digital", severities: digital.contrast },
  "elastic transform": { group: "digital", severities: digital.elasticTransform },
  pixelate: { group: "digital", severities: digital.pixelate },
  "jpeg compression": { group: "digital", severities: jpegCompression },
  "speckle noise": { group: "noise", severities: noises.speckleNoise, extra: true },
  "gaussian blur": { group: "blur", severities: blurs.blur, extra: true },
  spatter: {
    ...{ group: "weather", severities: weather.spatter, extra: true },
    nonStandard: "drops of water have no shaded rims",
  },
  saturate: { group: "digital", severities: digital.saturate, extra: true, colourOnly: true },
} as const satisfies Record<string, CorruptionEntry>;

/** Name of a corruption. */
export type CorruptionName = keyof typeof corruptions;

/** Those that images of so many channels can have. */
export const corruptionsFor = (channels: number): [name: string, entry: CorruptionEntry][] =>
  Object.entries<CorruptionEntry>(corruptions).filter(([, { colourOnly }]) => channels === 3 || !colourOnly);
