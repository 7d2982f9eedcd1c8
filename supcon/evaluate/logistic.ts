import { grad, noGrad } from "../../engine/autograd.ts";
import { Random } from "../../engine/random.ts";
import { scope } from "../../engine/scope.ts";
import { add, crossEntropy, mul, square, sum } from "../../kernels/index.ts";
import { checkNonNegative } from "../../nn/check.ts";
import { checkFeatures } from "./features.ts";
import type { LabelledFeatures } from "./features.ts";
import { minimize } from "./lbfgs.ts";
import type { LBFGSOptions, Minimum } from "./lbfgs.ts";
import { LinearClassifier, standardization, toTensor } from "./linear.ts";

/** Options of {@link trainLogistic}. */
export interface LogisticOptions extends LBFGSOptions {
  /** Factor on the penalty. Default 1e-4. */
  readonly l2?: number;
}

/** A classifier, and how it was found. */
export interface LogisticResult extends Omit<Minimum, "x"> {
  readonly classifier: LinearClassifier;
}

/**
 * Multinomial logistic regression on frozen features, to its one optimum by L-BFGS: the weights W and biases b with the
 * least
 *
 *     mean cross-entropy of softmax(x W + b) + l2 / 2 |W|^2
 *
 * There is no learning rate and no seed to choose. Features are standardised as in `trainLinear`. (In scikit-learn's
 * terms, C = 1 / (l2 count).) Throws ValueError for options out of their range, or features that do not fit their labels.
 */
export async function trainLogistic(
  train: LabelledFeatures,
  { l2 = 1e-4, ...options }: LogisticOptions = {},
): Promise<LogisticResult> {
  checkFeatures("trainLogistic", "training", train);
  checkNonNegative("trainLogistic", "l2", l2);
  const { length: features, classes, labels } = train;
  const size = { features, classes, random: new Random(0) };
  const classifier = new LinearClassifier({ ...size, ...standardization(train) });
  try {
    using x = noGrad(() => scope(() => classifier.standardize(toTensor(train))));
    const weights = [classifier.linear.weight, classifier.linear.bias].flatMap((w) => (w ? [w] : []));
    const place = (point: Float64Array): void => {
      const state = new Map([
        ["weight", { shape: [features, classes], data: point.subarray(0, features * classes) }],
        ["bias", { shape: [classes], data: point.subarray(features * classes) }],
      ]);
      classifier.linear.loadStateDict(state);
    };
    const evaluate = async (point: Float64Array) => {
      place(point);
      const [loss, ...gradients] = scope(() => {
        const penalty = mul(sum(square(classifier.linear.weight)), l2 / 2);
        const value = add(crossEntropy(classifier.linear.forward(x), labels), penalty);
        return [value, ...grad(value, weights)] as const;
      });
      using value = loss;
      const gradient = new Float64Array(point.length);
      let offset = 0;
      for (const each of gradients) {
        using part = each;
        gradient.set(await part.data(), offset);
        offset += part.size;
      }
      return { value: await value.item(), gradient };
    };
    const { x: best, ...found } = await minimize(
      evaluate,
      new Float64Array((features + 1) * classes),
      options,
    );
    place(best);
    return { classifier, ...found };
  } catch (error) {
    classifier.dispose();
    throw error;
  }
}
