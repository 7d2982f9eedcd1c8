import type { CalibratedAccuracy, Judged } from "../run/evaluation.ts";
import { calibration } from "./calibration.ts";
import { checkComparable } from "./features.ts";
import type { LabelledFeatures } from "./features.ts";
import { knnProbabilities } from "./knn.ts";
import { trainLinear } from "./linear.ts";
import type { LinearClassifier, LinearOptions } from "./linear.ts";
import { trainLogistic } from "./logistic.ts";
import { nearestClassMean } from "./nearest-mean.ts";
import type { MeanDistance } from "./nearest-mean.ts";
import { confusionMatrix, perClassAccuracy, topK } from "./scores.ts";
import type { Predictions } from "./scores.ts";
import { timed } from "./timed.ts";

/** Called often, with what is being done. What it throws ends the work. */
export type OnWork = (what: string) => Promise<void> | void;

/** Options of {@link judgeFeatures}, and of the linear classifier by an optimiser. */
export interface JudgeOptions extends Omit<LinearOptions, "onEpoch"> {
  readonly epochs: number;
  /** Neighbours that vote. */
  readonly k: number;
  /** Penalty on the weights of the one by L-BFGS. Default that of `trainLogistic`. */
  readonly l2?: number;
  readonly onWork?: OnWork;
}

/** What was found, and the linear classifier by an optimiser, which is the caller's. */
export interface Judgement {
  readonly judged: Omit<Judged, "data" | "classes" | "trainImages" | "testImages">;
  readonly classifier: LinearClassifier;
}

/**
 * Judges an encoder by every classifier that its frozen features can be given to. Throws ValueError for options out of
 * their range, or features that do not fit each other.
 */
export async function judgeFeatures(
  train: LabelledFeatures,
  test: LabelledFeatures,
  { k, l2 = 1e-4, onWork, ...linear }: JudgeOptions,
): Promise<Judgement> {
  checkComparable("judgeFeatures", train, test);
  const predictions = (scores: ArrayLike<number>): Predictions => ({ ...test, scores });

  const { value: lbfgs, seconds: lbfgsSeconds } = await timed(async () => {
    const { classifier, ...found } = await trainLogistic(train, {
      l2,
      onIteration: (step) => onWork?.(`L-BFGS, step ${step}`),
    });
    using trained = classifier;
    return { ...found, scores: await trained.probabilities(test) };
  });
  const knn = await timed(() =>
    knnProbabilities(train, test, { k, onVector: (done) => onWork?.(`k-NN, ${done} of ${test.count}`) }),
  );
  const byMean = async (distance: MeanDistance) => {
    const { value: scores, seconds } = await timed(async () => {
      using means = nearestClassMean(train, distance);
      return await means.probabilities(test);
    });
    return { ...accuracies(predictions(scores)), seconds };
  };
  const ncm = { euclidean: await byMean("euclidean"), cosine: await byMean("cosine") };

  const onEpoch = (epoch: number) => onWork?.(`linear classifier, epoch ${epoch} of ${linear.epochs}`);
  const sgd = await timed(() => trainLinear(train, { ...linear, onEpoch }));
  const { value: classifier } = sgd;
  const scores = await classifier.probabilities(test);
  const { gradientNorm, iterations, converged } = lbfgs;
  return {
    classifier,
    judged: {
      linear: {
        sgd: {
          ...calibratedAccuracy(predictions(scores), sgd.seconds),
          ...{ epochs: linear.epochs, optimizer: linear.optimizer ?? "sgd" },
        },
        lbfgs: {
          ...calibratedAccuracy(predictions(lbfgs.scores), lbfgsSeconds),
          ...{ l2, iterations, gradientNorm, converged },
        },
      },
      knn: { ...calibratedAccuracy(predictions(knn.value), knn.seconds), k: Math.min(k, train.count) },
      ncm,
      ...detailsOf(predictions(scores)),
    },
  };
}

/** Top-1, top-5 and calibration error of probabilities. */
export const calibratedAccuracy = (predictions: Predictions, seconds: number): CalibratedAccuracy => ({
  ...accuracies(predictions),
  ece: calibration(predictions).value,
  seconds,
});

/** What classes are mistaken for which, and how well probabilities tell how often they are right. */
export function detailsOf(predictions: Predictions): Pick<Judged, "perClass" | "confusion" | "calibration"> {
  const confusion = confusionMatrix(predictions);
  return { perClass: perClassAccuracy(confusion), confusion, calibration: calibration(predictions) };
}

const accuracies = (predictions: Predictions) => ({
  top1: topK(predictions, 1),
  top5: topK(predictions, 5),
});
