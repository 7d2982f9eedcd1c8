/** What problems on tfjs share. */
import * as tf from "@tensorflow/tfjs";
import type { Tensor } from "@tensorflow/tfjs";
import { Unable } from "../library.ts";

/**
 * Resolves when a tensor is computed, and all that was queued before. Ops in JavaScript and WebAssembly are done when they
 * return; of a GPU one element is read back, there being no public way to wait.
 */
export async function done(mode: string, last: Tensor | undefined): Promise<void> {
  if (mode !== "webgpu" || !last) return;
  const element = tf.tidy(() => tf.slice(tf.reshape(last, [-1]), [0], [1]));
  await element.data();
  element.dispose();
}

/** Throws {@link Unable} where convolutions have no gradient. */
export function checkGradient(mode: string, kernel: string): void {
  if (tf.getKernel(kernel, mode) === undefined) throw new Unable(`no ${kernel} on ${mode}`);
}

/** By the batch's statistics; x [batch, height, width, channels]; gamma, beta [channels]. */
export const normalize = (x: Tensor, gamma: Tensor, beta: Tensor): Tensor => {
  const { mean, variance } = tf.moments(x, [0, 1, 2]);
  return tf.batchNorm(x, mean, variance, beta, gamma, 1e-5);
};

/** Of logits and one-hot targets, both [rows, classes]. */
export const meanCrossEntropy = (logits: Tensor, targets: Tensor): Tensor =>
  tf.neg(tf.mean(tf.sum(tf.mul(targets, tf.logSoftmax(logits)), 1)));
