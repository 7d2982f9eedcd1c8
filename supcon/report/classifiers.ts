import type { FineTuned, Judged } from "../run/evaluation.ts";

/** A judged encoder, perhaps fine-tuned. */
export type Classified = Judged & { readonly fineTuned?: FineTuned };

/** What a classifier on an encoder reaches. */
export interface Classifier {
  readonly name: string;
  readonly top1: number;
  readonly top5: number;
  /** Of those that give probabilities. */
  readonly ece?: number;
  readonly seconds: number;
}

/** What the linear classifier in `sgd` was trained by. */
export const optimizerOf = ({ sgd }: Judged["linear"]): string => sgd.optimizer ?? "sgd";

const epochsOf = ({ epochs }: { readonly epochs: number }): string =>
  `${epochs} ${epochs === 1 ? "epoch" : "epochs"}`;

/** All classifiers of an evaluation. */
export function classifiersOf({ linear, knn, ncm, fineTuned }: Classified): Classifier[] {
  const { iterations, converged } = linear.lbfgs;
  return [
    { name: `linear, ${optimizerOf(linear)}, ${epochsOf(linear.sgd)}`, ...linear.sgd },
    { name: `linear, L-BFGS, ${iterations} steps${converged ? "" : ", not converged"}`, ...linear.lbfgs },
    { name: `k-NN, k = ${knn.k}`, ...knn },
    { name: "nearest class mean, Euclidean", ...ncm.euclidean },
    { name: "nearest class mean, cosine", ...ncm.cosine },
    ...(fineTuned ? [{ name: `fine-tuned, ${epochsOf(fineTuned)}`, ...fineTuned }] : []),
  ];
}
