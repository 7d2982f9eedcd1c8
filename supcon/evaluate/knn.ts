import { noGrad } from "../../engine/autograd.ts";
import { tensor } from "../../engine/create.ts";
import { ValueError } from "../../engine/errors.ts";
import { scope } from "../../engine/scope.ts";
import { l2Normalize, matmul } from "../../kernels/index.ts";
import { checkComparable } from "./features.ts";
import type { LabelledFeatures } from "./features.ts";

/** Options of {@link knnTop1}. */
export interface KnnOptions {
  /** Neighbours that vote. Default 200, and never more than there are. */
  readonly k?: number;
  /** tau of the votes' weights. Default 0.07. */
  readonly temperature?: number;
  /** Test vectors whose similarities to all training vectors are computed at a time. Default 250. */
  readonly blockRows?: number;
}

/**
 * Top-1 accuracy, in [0, 1], of weighted k-nearest neighbours (Wu, Xiong, Yu and Lin, "Unsupervised Feature Learning via
 * Non-Parametric Instance Discrimination", CVPR 2018, section 3.4): of all training vectors, the k with the greatest
 * cosine s to the test vector each give e^(s/tau) votes to their class. There is nothing to train.
 *
 * Throws ValueError for options out of their range, or features that do not fit each other.
 */
export async function knnTop1(
  train: LabelledFeatures,
  test: LabelledFeatures,
  { k = 200, temperature = 0.07, blockRows = 250 }: KnnOptions = {},
): Promise<number> {
  checkComparable("knnTop1", train, test);
  for (const [name, value] of Object.entries({ k, blockRows })) {
    if (Number.isInteger(value) && value >= 1) continue;
    throw new ValueError(`knnTop1: expected ${name} to be a positive integer, got ${value}`);
  }
  if (!(temperature > 0 && temperature < Infinity)) {
    throw new ValueError(`knnTop1: expected a finite temperature > 0, got ${temperature}`);
  }
  const { length } = train;
  using all = noGrad(() => scope(() => l2Normalize(tensor(train.values, [train.count, length]))));
  const nearest = new Nearest(Math.min(k, train.count));
  let correct = 0;
  for (let start = 0; start < test.count; start += blockRows) {
    const rows = Math.min(blockRows, test.count - start);
    const block = test.values.subarray(start * length, (start + rows) * length);
    using products = noGrad(() =>
      scope(() => matmul(l2Normalize(tensor(block, [rows, length])), all, { transposeB: true })),
    );
    const similarities = await products.data();
    for (let row = 0; row < rows; row++) {
      nearest.search(similarities, row * train.count, train.count);
      const votes = new Float64Array(train.classes);
      for (const [index, s] of nearest.entries()) {
        const label = train.labels[index] ?? 0;
        // Less 1, the greatest cosine: the same factor for all, and no overflow.
        votes[label] = (votes[label] ?? 0) + Math.exp((s - 1) / temperature);
      }
      if (votes.indexOf(Math.max(...votes)) === test.labels[start + row]) correct++;
    }
  }
  return correct / test.count;
}

/** The k greatest numbers of a list, in a binary heap whose root is the least of them: most numbers are below it. */
class Nearest {
  readonly #values: Float64Array;
  readonly #indices: Int32Array;

  constructor(k: number) {
    this.#values = new Float64Array(k);
    this.#indices = new Int32Array(k);
  }

  /** Finds the greatest of `count` numbers from `start` on; of equal ones the first. */
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
