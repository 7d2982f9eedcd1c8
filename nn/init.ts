/**
 * Initial values of weights. A layer y = x W with fanIn inputs and independent weights of variance s^2 has
 * var(y) = fanIn s^2 E[x^2]; the rules below choose s so that signals (fan "in") or gradients (fan "out") keep their
 * size from layer to layer.
 */
import { ShapeError } from "../engine/errors.ts";
import type { Random } from "../engine/random.ts";
import { formatShape, sizeOf } from "../engine/shape.ts";
import type { Shape } from "../engine/shape.ts";

/** The values, row-major, of a weight [..., inputs, outputs], drawn from `random`. */
export type Initializer = (shape: Shape, random: Random) => Float64Array;

/** What keeps its size: the signal ("in") or its gradient ("out"). */
export type Fan = "in" | "out";

/** Normal values of mean 0. */
export const normal =
  (std: number): Initializer =>
  (shape, random) =>
    Float64Array.from({ length: sizeOf(shape) }, () => random.normal(0, std));

/** Uniform values on [-bound, bound). */
export const uniform =
  (bound: number): Initializer =>
  (shape, random) =>
    Float64Array.from({ length: sizeOf(shape) }, () => random.uniform(-bound, bound));

/**
 * Normal with variance 2 / fan, for layers followed by ReLU, which halves the mean square (He, Zhang, Ren and Sun,
 * "Delving Deep into Rectifiers", ICCV 2015). Throws ShapeError for a weight of fewer than two axes.
 */
export const kaimingNormal =
  (fan: Fan = "in"): Initializer =>
  (shape, random) =>
    normal(Math.sqrt(2 / fans(shape)[fan]))(shape, random);

/** {@link kaimingNormal}'s variance, uniform: a uniform value on [-b, b) has variance b^2 / 3. */
export const kaimingUniform =
  (fan: Fan = "in"): Initializer =>
  (shape, random) =>
    uniform(Math.sqrt(6 / fans(shape)[fan]))(shape, random);

/**
 * Uniform with variance 2 / (fanIn + fanOut), a compromise between signal and gradient for layers without ReLU
 * (Glorot and Bengio, AISTATS 2010). Throws ShapeError for a weight of fewer than two axes.
 */
export const glorotUniform: Initializer = (shape, random) => {
  const fan = fans(shape);
  return uniform(Math.sqrt(6 / (fan.in + fan.out)))(shape, random);
};

/**
 * How many inputs an output sees, and how many outputs see an input (away from borders, at stride 1): for a weight
 * [in, out] these two, for a convolution's [kernelHeight, kernelWidth, in, out] times the kernel's area. With groups,
 * `in` is one group's and `out` all groups', as in PyTorch: an input is then seen by fewer outputs.
 * Throws ShapeError for a weight of fewer than two axes.
 */
export function fans(shape: Shape): Record<Fan, number> {
  const [inputs, outputs] = shape.slice(-2);
  if (inputs === undefined || outputs === undefined) {
    throw new ShapeError(`init: expected a weight [..., inputs, outputs], got shape ${formatShape(shape)}`);
  }
  const area = sizeOf(shape.slice(0, -2));
  return { in: area * inputs, out: area * outputs };
}
