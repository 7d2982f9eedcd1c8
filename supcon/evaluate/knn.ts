import { noGrad } from "../../engine/autograd.ts";
import { tensor } from "../../engine/create.ts";
import { ValueError } from "../../engine/errors.ts";
import { scope } from "../../engine/scope.ts";
import { l2Normalize, matmul } from "../../kernels/index.ts";
import { checkPositive, checkPositiveInteger } from "../../nn/check.ts";
import { checkComparable } from "./features.ts";
import type { Features, LabelledFeatures } from "./features.ts";
import { topK } from "./scores.ts";

/** A training vector near to another vector. */
export interface Neighbour {
  /** Among the training vectors. */
  readonly index: number;
  readonly label: number;
  /** Cosine of the two. */
  readonly similarity: number;
}

/** Options of {@link nearestNeighbours}. */
export interface NeighbourOptions {
  /** How many. Default 200, and never more than there are. */
  readonly k?: number;
  /** Vectors whose similarities to all training vectors are computed at a time. Default 250. */
  readonly blockRows?: number;
}

/** Options of {@link knnProbabilities}. */
export interface KnnOptions extends NeighbourOptions {
  /** tau of the votes' weights. Default 0.07. */
  readonly temperature?: number;
  /** Called after each test vector, with how many have been classified. What it throws ends the work. */
  readonly onVector?: (done: number) => Promise<void> | void;
}

/**
 * The k training vectors with the greatest cosine to each of `queries`, in no order. Throws ValueError for options out of
 * their range or features that do not fit each other.
 */
export async function* nearestNeighbours(
  train: LabelledFeatures,
  queries: Features,
  { k = 200, blockRows = 250 }: NeighbourOptions = {},
): AsyncGenerator<Neighbour[]> {
  checkPositiveInteger("nearestNeighbours", "k", k);
  checkPositiveInteger("nearestNeighbours", "blockRows", blockRows);
  const { length } = train;
  if (queries.length !== length) {
    throw new ValueError(`nearestNeighbours: expected queries of ${length} numbers, got ${queries.length}`);
  }
  using all = noGrad(() => scope(() => l2Normalize(tensor(train.values, [train.count, length]))));
  const nearest = new Nearest(Math.min(k, train.count));
  for (let start = 0; start < queries.count; start += blockRows) {
    const rows = Math.min(blockRows, queries.count - start);
    const block = queries.values.subarray(start * length, (start + rows) * length);
    using products = noGrad(() =>
      scope(() => matmul(l2Normalize(tensor(block, [rows, length])), all, { transposeB: true })),
    );
    const similarities = await products.data();
    for (let row = 0; row < rows; row++) {
      nearest.search(similarities, row * train.count, train.count);
      yield [...nearest.entries()].map(([index, similarity]) => {
        return { index, label: train.labels[index] ?? 0, similarity };
      });
    }
  }
}

/**
 * The votes of weighted k-nearest neighbours (Wu, Xiong, Yu and Lin, "Unsupervised Feature Learning via Non-Parametric
 * Instance Discrimination", CVPR 2018, section 3.4): of all training vectors, the k with the greatest cosine s to the test
 * vector each give e^(s/tau) votes to their class. There is nothing to train. Returns the share of the votes of each class,
 * [count, classes], row-major.
 *
 * Throws ValueError for options out of their range, or features that do not fit each other.
 */
export async function knnProbabilities(
  train: LabelledFeatures,
  test: LabelledFeatures,
  { temperature = 0.07, onVector, ...options }: KnnOptions = {},
): Promise<Float64Array> {
  checkComparable("knnProbabilities", train, test);
  checkPositive("knnProbabilities", "temperature", temperature);
  const shares = new Float64Array(test.count * train.classes);
  let row = 0;
  for await (const neighbours of nearestNeighbours(train, test, options)) {
    // Less the greatest cosine: the same factor for all, and no overflow.
    const greatest = neighbours.reduce((most, { similarity }) => Math.max(most, similarity), -Infinity);
    const votes = neighbours.map(({ similarity }) => Math.exp((similarity - greatest) / temperature));
    const total = votes.reduce((sum, each) => sum + each, 0);
    const ofRow = shares.subarray(row * train.classes, ++row * train.classes);
    for (const [i, { label }] of neighbours.entries()) ofRow[label] = (ofRow[label] ?? 0) + (votes[i] ?? 0) / total; // prettier-ignore
    await onVector?.(row);
  }
  return shares;
}

/** Top-1 accuracy, in [0, 1], of {@link knnProbabilities}. Throws as it does. */
export async function knnTop1(
  train: LabelledFeatures,
  test: LabelledFeatures,
  options: KnnOptions = {},
): Promise<number> {
  const scores = await knnProbabilities(train, test, options);
  return topK({ scores, labels: test.labels, classes: test.classes }, 1);
}

/** The k greatest numbers of a list, in a binary heap whose root is the least of them: most numbers are below it. */
class Nearest {
  readonly #values: Float64Array;
  readonly #indices: Int32Array;

  constructor(k: number) {
    this.#values = new Float64Array(k);
    this.#indices = new Int32Array(k);
  }

  /** Finds the greatest of `count` numbers from `start` on. */
  search(list: ArrayLike<number>, start: number, count: number): void {
    this.#values.fill(-Infinity);
    for (let i = 0; i < count; i++) {
      const value = list[start + i] ?? 0;
      if (value > (this.#values[0] ?? 0)) this.#replaceLeast(value, i);
    }
  }

  /** Positions from `start` on, and the numbers there. */
  *entries(): Generator<[index: number, value: number]> {
    for (const [i, value] of this.#values.entries()) yield [this.#indices[i] ?? 0, value];
  }

  #replaceLeast(value: number, index: number): void {
    const [values, indices] = [this.#values, this.#indices];
    let at = 0;
    for (let child = 1; child < values.length; child = 2 * at + 1) {
      if ((values[child + 1] ?? Infinity) < (values[child] ?? 0)) child++;
      const least = values[child] ?? 0;
      if (least >= value) break;
      values[at] = least;
      indices[at] = indices[child] ?? 0;
      at = child;
    }
    values[at] = value;
    indices[at] = index;
  }
}
