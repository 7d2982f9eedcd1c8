import { ValueError } from "../../engine/errors.ts";
import { MAX_MAGNITUDE } from "./rand-augment.ts";
import type { RandAugmentOptions } from "./rand-augment.ts";

/** A closed interval [min, max]. */
export type Range = readonly [min: number, max: number];

/** Which rectangles a random resized crop draws. */
export interface CropRange {
  /** Share of the image's area, within (0, 1]. */
  readonly area: Range;
  /** Width / height of the rectangle, drawn uniformly in its logarithm. */
  readonly aspect: Range;
}

/** Colour jitter: each strength s > 0 is one operation (s = 0: none); the operations come in random order. */
export interface JitterRange {
  /** Probability that a view is jittered at all. */
  readonly probability: number;
  /** Factor uniform on [max(0, 1 - s), 1 + s]; for the next two as well. */
  readonly brightness: number;
  readonly contrast: number;
  readonly saturation: number;
  /** Rotation uniform on [-s, s], in turns of the colour circle; at most 1/2. */
  readonly hue: number;
}

/** Strengths s times a factor. */
export const scaleJitter = (range: JitterRange, factor: number): JitterRange => ({
  ...{ probability: range.probability, brightness: factor * range.brightness },
  ...{ contrast: factor * range.contrast, saturation: factor * range.saturation, hue: factor * range.hue },
});

/** The greatest factor that leaves the hue of {@link cifar10Policy} in its range. */
export const MAX_JITTER = 5;

/** Gaussian blur, with a kernel of about a tenth of the image's side: 2 floor(floor(side / 10) / 2) + 1, as SimCLR has it. */
export interface BlurRange {
  readonly probability: number;
  /** Standard deviation in pixels, drawn uniformly. */
  readonly sigma: Range;
}

/** A square that takes the colour of the mean, and so is 0 after normalisation. */
export interface CutoutSize {
  /** Share of the image's shorter side, within (0, 1]. */
  readonly side: number;
}

/**
 * How a view is drawn from an image, in the order of the fields: crop, flip, jitter, AutoAugment, RandAugment, grayscale,
 * blur, cutout, normalise. Plain JSON. Fields that may be left out are not applied then. Crop to jitter and grayscale are
 * torchvision's, as used by SupContrast; the whole order is that of the authors' TensorFlow code.
 */
export interface AugmentPolicy {
  /** null: the whole image. */
  readonly crop: CropRange | null;
  /**
   * Probability of a horizontal flip; 0 for data in which left and right differ in meaning, such as digits.
   */
  readonly flip: number;
  readonly jitter: JitterRange | null;
  /** The sub-policies found for CIFAR-10; what comes in at the borders, on the scale [0, 1]. */
  readonly autoAugment?: { readonly fill: number } | null;
  readonly randAugment?: RandAugmentOptions | null;
  /** Probability of losing the colour. */
  readonly grayscale: number;
  readonly blur?: BlurRange | null;
  readonly cutout?: CutoutSize | null;
  /** One per channel, on the scale [0, 1]. */
  readonly mean: readonly number[];
  readonly std: readonly number[];
}

const TORCHVISION_ASPECT: Range = [3 / 4, 4 / 3];

/**
 * Grey digits. MNIST's digits fill the middle 20 x 20 of 28 x 28 pixels, so a crop loses strokes sooner than
 * one of a photograph: measured on 5,000 images, crops of area 0.5 to 1 keep 96 % of the ink on average and
 * at least 80 % in 19 of 20 cases; those of area 0.2 to 1 keep 82 % and 39 %.
 */
export const digitPolicy: AugmentPolicy = {
  crop: { area: [0.5, 1], aspect: TORCHVISION_ASPECT },
  flip: 0,
  jitter: { probability: 0.8, brightness: 0.4, contrast: 0.4, saturation: 0, hue: 0 },
  grayscale: 0,
  mean: [0.1307],
  std: [0.3081],
};

/** SupContrast's recipe for CIFAR-10 (HobbitLong/SupContrast, main_supcon.py). */
export const cifar10Policy: AugmentPolicy = {
  crop: { area: [0.2, 1], aspect: TORCHVISION_ASPECT },
  flip: 0.5,
  jitter: { probability: 0.8, brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 },
  grayscale: 0.2,
  mean: [0.4914, 0.4822, 0.4465],
  std: [0.2023, 0.1994, 0.201],
};

/** The same for CIFAR-100, which differs in its normalisation only. */
export const cifar100Policy: AugmentPolicy = {
  ...cifar10Policy,
  mean: [0.5071, 0.4867, 0.4408],
  std: [0.2675, 0.2565, 0.2761],
};

/** The policy of evaluation: no randomness, the same normalisation. */
export function withoutAugmentation({ mean, std }: AugmentPolicy): AugmentPolicy {
  return { crop: null, flip: 0, jitter: null, grayscale: 0, mean, std };
}

/**
 * Throws ValueError, naming the field, where a policy makes no sense or does not fit images of `channels`
 * channels.
 */
export function checkPolicy(policy: AugmentPolicy, channels: number): void {
  const { crop, jitter, flip, grayscale, mean, std } = policy;
  const require = (
    holds: boolean,
    field: string,
    expected: string,
    got: number | readonly number[],
  ): void => {
    if (!holds) throw new ValueError(`augment: expected ${field} ${expected}, got ${JSON.stringify(got)}`);
  };
  const isShare = (x: number) => x >= 0 && x <= 1;

  if (crop) {
    const { area, aspect } = crop;
    require(area[0] > 0 && area[0] <= area[1] && area[1] <= 1, "crop.area", "0 < min <= max <= 1", area);
    require(aspect[0] > 0 &&
      aspect[0] <= aspect[1] &&
      aspect[1] < Infinity, "crop.aspect", "0 < min <= max", aspect);
  }
  require(isShare(flip), "flip", "in [0, 1]", flip);
  require(isShare(grayscale), "grayscale", "in [0, 1]", grayscale);
  if (jitter) {
    require(isShare(jitter.probability), "jitter.probability", "in [0, 1]", jitter.probability);
    for (const field of ["brightness", "contrast", "saturation"] as const) {
      require(jitter[field] >= 0 && jitter[field] < Infinity, `jitter.${field}`, ">= 0", jitter[field]);
    }
    require(jitter.hue >= 0 && jitter.hue <= 0.5, "jitter.hue", "in [0, 0.5]", jitter.hue);
  }
  const { autoAugment, randAugment, blur, cutout } = policy;
  if (autoAugment) require(isShare(autoAugment.fill), "autoAugment.fill", "in [0, 1]", autoAugment.fill);
  if (randAugment) {
    const { layers, magnitude, fill } = randAugment;
    require(Number.isInteger(layers) && layers >= 1, "randAugment.layers", "to be an integer >= 1", layers);
    require(magnitude >= 0 && magnitude <= MAX_MAGNITUDE, "randAugment.magnitude", "in [0, 10]", magnitude);
    require(isShare(fill), "randAugment.fill", "in [0, 1]", fill);
  }
  if (blur) {
    const [min, max] = blur.sigma;
    require(isShare(blur.probability), "blur.probability", "in [0, 1]", blur.probability);
    require(min > 0 && min <= max && max < Infinity, "blur.sigma", "0 < min <= max", blur.sigma);
  }
  if (cutout) require(cutout.side > 0 && cutout.side <= 1, "cutout.side", "in (0, 1]", cutout.side);
  if (channels !== 3) {
    const coloured = grayscale > 0 || (jitter !== null && (jitter.saturation > 0 || jitter.hue > 0));
    require(!coloured, "grayscale, saturation and hue", "to be 0 except for 3 channels", [channels]);
  }
  require(mean.length === channels && mean.every(Number.isFinite), "mean", `of ${channels} numbers`, mean);
  require(std.length === channels &&
    std.every((s) => s > 0 && s < Infinity), "std", `of ${channels} numbers > 0`, std);
}
