/** The inputs of problems: the same numbers in each process, from a fixed seed. */
import { Random } from "../../engine/random.ts";
import { sizeOf } from "../../engine/shape.ts";
import type { Shape } from "../../engine/shape.ts";
import { convolutionShape } from "./problem.ts";
import type { Conv2d, Matmul, NetworkName, Training } from "./problem.ts";
import { CLASSES, parameterShapes } from "./resnet.ts";

const SEED = 20260101;

/** Uniform in [-1, 1); `stream` keeps inputs of one problem apart. */
export function uniform(shape: Shape, stream = 0): Float32Array {
  const random = new Random(SEED).fork(stream);
  return Float32Array.from({ length: sizeOf(shape) }, () => 2 * random.uniform() - 1);
}

/** One class of `classes` for each of `count` samples, in turns. */
export const labels = (count: number, classes: number): Int32Array => Int32Array.from({ length: count }, (_, i) => i % classes); // prettier-ignore

/** Shapes and elements of both operands of a product. */
export function productInputs({ m, n, k, batch }: Matmul) {
  const shapes = [[m, k], [k, n]].map((shape) => (batch === undefined ? shape : [batch, ...shape])); // prettier-ignore
  const [a = [], b = []] = shapes;
  return [
    { shape: a, data: uniform(a, 0) },
    { shape: b, data: uniform(b, 1) },
  ] as const;
}

/** x, w and dy of a convolution; weights small enough for results of about 1. */
export function convolutionInputs(problem: Conv2d) {
  const { x, w } = problem;
  const bound = Math.sqrt(3 / (w[0] * w[1] * w[2]));
  return {
    x: uniform(x, 0),
    w: uniform(w, 1).map((value) => bound * value),
    dy: uniform(convolutionShape(problem), 2),
  };
}

/** Rows of length 1, [rows, columns]. */
export function unitRows(rows: number, columns: number): Float32Array {
  const values = uniform([rows, columns]);
  for (let row = 0; row < rows; row++) {
    const own = values.subarray(row * columns, (row + 1) * columns);
    const length = Math.hypot(...own);
    own.forEach((value, i) => { own[i] = value / length; }); // prettier-ignore
  }
  return values;
}

/** Initial parameters of a network by name: weights as He et al. (2015) have them, scales 1, shifts 0. */
export function networkParameters(
  name: NetworkName,
): ReadonlyMap<string, { shape: Shape; data: Float32Array }> {
  let stream = 1;
  return new Map(
    [...parameterShapes(name)].map(([key, shape]) => {
      const fanIn = sizeOf(shape) / (shape.at(-1) ?? 1);
      const bound = Math.sqrt(6 / fanIn);
      const data = key.endsWith("bias")
        ? new Float32Array(sizeOf(shape))
        : shape.length === 1
          ? new Float32Array(sizeOf(shape)).fill(1)
          : uniform(shape, stream++).map((value) => bound * value);
      return [key, { shape, data }];
    }),
  );
}

/** Images [batch, size, size, 3] and their labels. */
export const trainingInputs = ({ batch, size }: Training) => ({
  x: uniform([batch, size, size, 3]),
  labels: labels(batch, CLASSES),
});

/** Learning rate and momentum of all training problems. */
export const SGD_OPTIONS = { lr: 0.05, momentum: 0.9 } as const;

/**
 * What a loss that stores all pairs is made of, [m, m]: 1e9 where a row meets itself, to be taken from the similarities;
 * and the weights of positives, 1 / |P| in each row.
 */
export function pairMasks(m: number, classes: Int32Array): { itself: Float32Array; positives: Float32Array } {
  const [itself, positives] = [new Float32Array(m * m), new Float32Array(m * m)];
  const counts = new Map<number, number>();
  for (const label of classes) counts.set(label, (counts.get(label) ?? 0) + 1);
  for (let i = 0; i < m; i++) {
    const own = classes[i] ?? 0;
    itself[i * m + i] = 1e9;
    for (let j = 0; j < m; j++) {
      if (j !== i && classes[j] === own) positives[i * m + j] = 1 / ((counts.get(own) ?? 0) - 1);
    }
  }
  return { itself, positives };
}
