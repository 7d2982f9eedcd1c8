import { createHash } from "node:crypto";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { checkPositiveInteger } from "../../nn/check.ts";
import { balancedIndices, selectImages } from "../data/dataset.ts";
import type { ImageDataset } from "../data/dataset.ts";
import type { CorruptionReport } from "../run/evaluation.ts";
import { calibration } from "./calibration.ts";
import { corruptDataset } from "./corruptions/corrupt.ts";
import { corruptionsFor } from "./corruptions/index.ts";
import { topK } from "./scores.ts";
import { timed } from "./timed.ts";

/** Options of {@link measureRobustness}. */
export interface RobustnessOptions {
  /** Images at most, every class equally often where not all are taken. */
  readonly images: number;
  /** Of the choice of the images and of their damage. */
  readonly seed: number;
  /** The probabilities of each class, [count, classes], row-major. */
  readonly classify: (dataset: ImageDataset) => Promise<ArrayLike<number>>;
  /** Called after each corruption in each severity. */
  readonly onStep?: (name: string, severity: number) => void;
}

/** So many steps does {@link measureRobustness} take on images of so many channels. */
export const robustnessSteps = (channels: number): number => 5 * corruptionsFor(channels).length;

/**
 * The errors of a classifier on damaged images: all corruptions in all severities. Two classifiers see the same damage.
 * Throws ValueError for a number of images that is no positive integer.
 */
export async function measureRobustness(
  test: ImageDataset,
  { images: wanted, seed, classify, onStep }: RobustnessOptions,
): Promise<CorruptionReport> {
  checkPositiveInteger("measureRobustness", "images", wanted);
  const random = new Random(seed);
  const count = Math.min(wanted, test.count);
  const images =
    count === test.count ? test : selectImages(test, balancedIndices(test, count, random.fork(0)));
  const measure = async (dataset: ImageDataset) => {
    const scores = await classify(dataset);
    const predictions = { scores, labels: dataset.labels, classes: dataset.classes.length };
    return { error: 1 - topK(predictions, 1), ece: calibration(predictions).value };
  };
  const { value: found, seconds } = await timed(async () => {
    const clean = await measure(images);
    const byName: Record<string, CorruptionReport["byName"][string]> = {};
    for (const [i, [name, entry]] of corruptionsFor(test.channels).entries()) {
      const { group, severities, extra = false, nonStandard } = entry;
      const [errors, ece]: [number[], number[]] = [[], []];
      for (const [s, damage] of severities.entries()) {
        const ofDamage = random.fork(1 + i).fork(s);
        const result = await measure(await corruptDataset(images, damage, ofDamage));
        errors.push(result.error);
        ece.push(result.ece);
        onStep?.(name, s + 1);
      }
      byName[name] = { group, errors, ece, extra, ...(nonStandard !== undefined && { nonStandard }) };
    }
    return { clean, byName };
  });
  const counted = Object.values(found.byName).filter(({ extra }) => !extra);
  const bySeverity = (pick: (of: (typeof counted)[number]) => readonly number[]) =>
    [0, 1, 2, 3, 4].map((s) => mean(counted.map((each) => pick(each)[s] ?? 0)));
  const errors = bySeverity(({ errors }) => errors);
  return {
    images: count,
    digest: createHash("sha256").update(images.images).update(images.labels).digest("hex").slice(0, 16),
    seed,
    ...found,
    meanError: mean(errors),
    meanIncrease: mean(errors) - found.clean.error,
    bySeverity: { top1: errors.map((error) => 1 - error), ece: bySeverity(({ ece }) => ece) },
    seconds,
  };
}

/** How one classifier stands against another; 1 is as well. */
export interface RobustnessComparison {
  readonly mce: number;
  /** Over the corruptions by which the other one loses accuracy, and how many they are; null if there are none. */
  readonly relativeMce: number | null;
  readonly relativeOver: number;
}

/**
 * Mean corruption error against a baseline b, over the corruptions c that count, with E_sc the error in severity s and E
 * that without damage (Hendrycks and Dietterich, section 4.2, where the baseline is AlexNet):
 *
 *     mCE = mean_c  sum_s E_sc / sum_s E^b_sc
 *     relative mCE = mean_c  sum_s (E_sc - E) / sum_s (E^b_sc - E^b)
 *
 * The second mean leaves out corruptions by which the baseline loses nothing. Throws ValueError if the two were not measured
 * on the same damaged images, or the baseline has no error at all in some corruption, by which cannot be divided.
 */
export function compareRobustness(own: CorruptionReport, baseline: CorruptionReport): RobustnessComparison {
  if (own.digest !== baseline.digest || own.seed !== baseline.seed) {
    throw new ValueError(
      `compareRobustness: expected both to be measured on the same images, got ${own.images} with seed ${own.seed} ` +
        `(${own.digest}) and ${baseline.images} with seed ${baseline.seed} (${baseline.digest}); measure them alike`,
    );
  }
  const [ratios, relative]: [number[], number[]] = [[], []];
  for (const [name, { errors, extra }] of Object.entries(own.byName)) {
    const other = baseline.byName[name];
    if (extra || !other) continue;
    const [total, otherTotal] = [sum(errors), sum(other.errors)];
    if (otherTotal === 0) {
      throw new ValueError(
        `compareRobustness: expected errors of the baseline in "${name}", got none on ${baseline.images} images; take more images`,
      );
    }
    ratios.push(total / otherTotal);
    const otherLoss = otherTotal - 5 * baseline.clean.error;
    if (otherLoss > 0) relative.push((total - 5 * own.clean.error) / otherLoss);
  }
  return {
    mce: mean(ratios),
    relativeMce: relative.length > 0 ? mean(relative) : null,
    relativeOver: relative.length,
  };
}

const sum = (values: readonly number[]): number => values.reduce((total, value) => total + value, 0);
const mean = (values: readonly number[]): number => sum(values) / values.length;
