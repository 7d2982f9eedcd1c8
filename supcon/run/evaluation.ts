/** evaluation.json: all that a run's encoder was judged by. */
import { existsSync } from "node:fs";
import { join } from "node:path";
import { atomicWrite } from "./atomic.ts";
import {
  anyNumber,
  count,
  flag,
  list,
  nonNegative,
  nullable,
  object,
  objectWith,
  readJson,
  record,
  share,
  text,
} from "./schema.ts";
import type { TypeOf } from "./schema.ts";

/** Accuracies on the test images. */
const accuracy = { top1: share, top5: share, seconds: nonNegative };
/** Of classifiers that give probabilities: with the expected calibration error. */
const calibrated = { ...accuracy, ece: share };

const bin = object({
  ...{ from: share, to: share, count },
  ...{ accuracy: nullable(share), confidence: nullable(nonNegative) },
});

/** What tells more than an accuracy. */
const details = {
  /** Accuracy of each class; null without test images of it. */
  perClass: list(nullable(share)),
  /** [class][predicted class]: how many test images. */
  confusion: list(list(count)),
  /** Expected calibration error and the bins of the reliability diagram. */
  calibration: object({ value: share, bins: list(bin) }),
};

const fineTuned = object({
  ...calibrated,
  ...details,
  ...{ epochs: count, learningRate: nonNegative },
});

/** An encoder judged on the images of one data set. */
const judged = {
  data: text,
  classes: list(text),
  trainImages: count,
  testImages: count,
  /** Linear classifiers on frozen features. */
  linear: object({
    /** By the steps of an optimiser, sgd if none is named. */
    sgd: objectWith({ ...calibrated, epochs: count }, { optimizer: text }),
    lbfgs: object({ ...calibrated, l2: nonNegative, iterations: count, gradientNorm: nonNegative, converged: flag }), // prettier-ignore
  }),
  knn: object({ ...calibrated, k: count }),
  /** Nearest class mean. */
  ncm: object({ euclidean: object(accuracy), cosine: object(accuracy) }),
  /** Of the linear classifier by an optimiser. */
  ...details,
};

/** One kind of damage, in severities 1 to 5. */
const corruption = objectWith(
  { group: text, errors: list(share, 5), ece: list(share, 5), extra: flag },
  { nonStandard: text },
);

const corruptions = objectWith(
  {
    /** How many of the test images, of every class equally many, and a digest of which. */
    images: count,
    digest: text,
    seed: count,
    /** Of these images without damage. */
    clean: object({ error: share, ece: share }),
    byName: record(corruption),
    /** Over those that are not extra: the mean error, and by how much it exceeds that without damage. */
    meanError: share,
    meanIncrease: anyNumber,
    /** Over the same, for each severity. */
    bySeverity: object({ top1: list(share, 5), ece: list(share, 5) }),
    seconds: nonNegative,
  },
  {
    /** Against another run; see `compareRobustness`. */
    comparison: object({
      baseline: text,
      mce: nonNegative,
      relativeMce: nullable(anyNumber),
      relativeOver: count,
    }),
  },
);

const transfer = objectWith(judged, { fineTuned });

const evaluation = objectWith(judged, {
  fineTuned,
  corruptions,
  /** On other data sets, by name. */
  transfer: record(transfer),
});

/** What evaluation.json holds. */
export type Evaluation = TypeOf<typeof evaluation>;
/** An encoder judged on another data set. */
export type Transfer = TypeOf<typeof transfer>;
/** An encoder judged by classifiers on its frozen features. */
export type Judged = Omit<Transfer, "fineTuned">;
/** Encoder and classifier trained on together. */
export type FineTuned = TypeOf<typeof fineTuned>;
/** Errors on damaged images. */
export type CorruptionReport = TypeOf<typeof corruptions>;
/** Accuracies with a calibration error. */
export type CalibratedAccuracy = Pick<FineTuned, keyof typeof calibrated>;

/** Name of the file in a run folder. */
export const evaluationFile = "evaluation.json";

/** Writes the file as a whole. */
export function writeEvaluation(folder: string, content: Evaluation): void {
  atomicWrite(join(folder, evaluationFile), JSON.stringify(content, null, 2) + "\n");
}

/** Reads the file; undefined if there is none. Throws ValueError, naming the field, for one that is damaged. */
export function readEvaluation(folder: string): Evaluation | undefined {
  const path = join(folder, evaluationFile);
  if (!existsSync(path)) return undefined;
  return evaluation(readJson(path), path);
}
