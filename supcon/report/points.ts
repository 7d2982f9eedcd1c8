/** The test images that a report shows. */
import { noGrad } from "../../engine/autograd.ts";
import { tensor } from "../../engine/create.ts";
import type { Random } from "../../engine/random.ts";
import { scope } from "../../engine/scope.ts";
import { l2Normalize } from "../../kernels/index.ts";
import type { RunFeatures } from "../run/features.ts";

/** So many test images are shown at most: UMAP takes seconds for them. */
const shown = 1000;

/** Some of the test images. */
export interface Points {
  /** Which, in random order. */
  readonly indices: readonly number[];
  /** [count], by position here. */
  readonly labels: readonly number[];
  /** Names of the classes, by label. */
  readonly classes: readonly string[];
  /** Their features at length 1: [count, length], row-major. */
  readonly unit: Float32Array;
  readonly count: number;
  readonly length: number;
}

/** Chooses at random, on the current backend. */
export async function choosePoints({ test, classes }: RunFeatures, random: Random): Promise<Points> {
  const { length, values, labels } = test;
  const indices = [...random.permutation(test.count).subarray(0, shown)];
  const chosen = new Float32Array(indices.length * length);
  for (const [i, index] of indices.entries()) {
    chosen.set(values.subarray(index * length, (index + 1) * length), i * length);
  }
  using unit = noGrad(() => scope(() => l2Normalize(tensor(chosen, [indices.length, length]))));
  return {
    ...{ indices, classes, length, count: indices.length },
    labels: indices.map((index) => labels[index] ?? 0),
    unit: Float32Array.from(await unit.data()),
  };
}

/** Positions of about `count` points, by class, from each class equally many if it has them. */
export function ofEachClass({ labels, classes }: Points, count: number): number[] {
  const each = Math.max(1, Math.floor(count / classes.length));
  return classes.flatMap((_, label) =>
    labels.flatMap((own, position) => (own === label ? [position] : [])).slice(0, each),
  );
}

/** The rows of some points. */
export function rowsOf({ unit, length }: Points, positions: readonly number[]): Float32Array {
  const rows = new Float32Array(positions.length * length);
  for (const [i, position] of positions.entries()) {
    rows.set(unit.subarray(position * length, (position + 1) * length), i * length);
  }
  return rows;
}
