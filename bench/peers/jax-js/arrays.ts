/**
 * Arrays of jax-js, channels first, and functions of them that it does not have. An array is consumed by use: `ref` keeps
 * one for another, so each function here uses up its operands.
 */
import { lax, nn, numpy } from "@jax-js/jax";
import type { Array } from "@jax-js/jax";
import { channelsFirst, outputsFirst, toNchw, toOihw } from "../../problems/layout.ts";
import type { ImageShape, WeightShape } from "../../problems/problem.ts";

export const array = (values: Float32Array, shape: readonly number[]): Array =>
  numpy.array(values, { shape });

/** Of our images and weights, channels last. */
export const images = (values: Float32Array, shape: ImageShape): Array => array(toNchw(values, shape), channelsFirst(shape)); // prettier-ignore
export const weights = (values: Float32Array, shape: WeightShape): Array => array(toOihw(values, shape), outputsFirst(shape)); // prettier-ignore

/** [labels, classes]: 1 at each label. */
export function oneHot(labels: Int32Array, classes: number): Array {
  const values = new Float32Array(labels.length * classes);
  labels.forEach((label, row) => { values[row * classes + label] = 1; }); // prettier-ignore
  return array(values, [labels.length, classes]);
}

/** x [batch, in, height, width], w [out, in / groups, height, width]; as many zeros on each side as `padding` says. */
export function convolve(
  x: Array,
  w: Array,
  {
    padding,
    stride,
    groups = 1,
    dilation = 1,
  }: Readonly<Record<"padding" | "stride", number>> &
    Partial<Readonly<Record<"groups" | "dilation", number>>>,
): Array {
  const around = [padding, padding] as const;
  return lax.convGeneralDilated(x, w, [stride, stride], [around, around], {
    rhsDilation: [dilation, dilation],
    featureGroupCount: groups,
  });
}

/** By the batch's statistics; x [batch, channels, height, width]; gamma, beta [channels]. */
export function normalize(x: Array, gamma: Array, beta: Array): Array {
  const axes = [0, 2, 3];
  const perChannel = [1, gamma.shape[0] ?? 1, 1, 1];
  const centred = x.ref.sub(numpy.mean(x, axes, { keepdims: true }));
  const variance = numpy.mean(numpy.square(centred.ref), axes, { keepdims: true });
  const scale = gamma.reshape(perChannel).div(numpy.sqrt(variance.add(1e-5)));
  return centred.mul(scale).add(beta.reshape(perChannel));
}

/** Of logits and one-hot targets, both [rows, classes]. */
export const meanCrossEntropy = (logits: Array, targets: Array): Array =>
  numpy.mean(numpy.sum(targets.mul(nn.logSoftmax(logits, 1)), 1)).neg();

/** Throws RangeError for an array that is not there. */
export function given(value: Array | undefined): Array {
  if (value === undefined) throw new RangeError("expected an array, got nothing");
  return value;
}
