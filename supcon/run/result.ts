/** result.json: what a run has come to. */
import { join } from "node:path";
import { readJson } from "./files.ts";
import { anyNumber, count, flag, nonNegative, objectWith, share, text } from "./schema.ts";
import type { TypeOf } from "./schema.ts";

/** What decides the last bits of a run beside its options; the number of threads does not. */
const machine = { backend: text, threads: count, relaxedFma: flag };

/** Accuracies on the test images; evaluation.json tells more. */
const accuracies = {
  /** The linear classifier by an optimiser, with its expected calibration error. */
  linearTop1: share,
  linearTop5: share,
  ece: share,
  /** The one by L-BFGS. */
  lbfgsTop1: share,
  knnTop1: share,
  /** Nearest class mean, by cosine. */
  nearestMeanTop1: share,
};

/** Of the classifier that was trained with the encoder, where there was one. */
const beside = { classifierTop1: share };

const result = objectWith(
  {
    ...machine,
    ...accuracies,
    /** Of the whole run, and of stage 1; without the time between an interruption and what followed. */
    seconds: nonNegative,
    pretrainSeconds: nonNegative,
    /** The last epoch's. */
    loss: anyNumber,
    imagesPerSecond: nonNegative,
    parameters: count,
    seed: count,
  },
  beside,
);

/** What result.json holds. */
export type TrainResult = TypeOf<typeof result>;
/** The part of it that tells of the machine. */
export type RunMachine = Pick<TrainResult, keyof typeof machine>;
/** The part of it that tells of accuracies. */
export type TrainAccuracies = Pick<TrainResult, keyof typeof accuracies | keyof typeof beside>;

/** Name of the file in a run folder. */
export const resultFile = "result.json";

/** Reads the file. Throws ValueError, naming the field, for one that is missing or damaged. */
export function readResult(folder: string): TrainResult {
  const path = join(folder, resultFile);
  return result(readJson(path, "the result of a run"), path);
}
