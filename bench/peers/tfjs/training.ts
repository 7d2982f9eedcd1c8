/** A step of training with tfjs. */
import * as tf from "@tensorflow/tfjs";
import type { Tensor } from "@tensorflow/tfjs";
import * as inputs from "../../problems/inputs.ts";
import type { Training } from "../../problems/problem.ts";
import { CLASSES, runNetwork } from "../../problems/resnet.ts";
import type { Job } from "../library.ts";
import { checkGradient, done, meanCrossEntropy, normalize } from "./tensors.ts";

/** Throws Unable where convolutions have no gradient. */
export function training(mode: string, problem: Training): Job {
  checkGradient(mode, "Conv2DBackpropFilter");
  const { batch, size, network } = problem;
  const data = inputs.trainingInputs(problem);
  const x = tf.tensor(data.x, [batch, size, size, 3]);
  const targets = tf.oneHot(tf.tensor1d(data.labels, "int32"), CLASSES);
  const weights = new Map(
    [...inputs.networkParameters(network)].map(([name, { shape, data: values }]) => [
      name,
      tf.variable(tf.tensor(values, shape), true, name),
    ]),
  );
  const weight = (name: string): Tensor => {
    const found = weights.get(name);
    if (!found) throw new RangeError(`no parameter ${name}`);
    return found;
  };
  const forward = (): Tensor =>
    runNetwork<Tensor>(
      network,
      {
        conv: (value, name, stride) => {
          const w = weight(`${name}.weight`);
          return tf.conv2d(value, w, stride, Math.floor((w.shape[0] ?? 1) / 2));
        },
        norm: (value, name) => normalize(value, weight(`${name}.weight`), weight(`${name}.bias`)),
        relu: tf.relu,
        add: tf.add,
        share: (value) => value,
        maxPool: (value) => tf.maxPool(value, 3, 2, 1),
        averagePool: (value) => tf.mean(value, [1, 2]),
        linear: (value, name) => tf.add(tf.matMul(value, weight(`${name}.weight`)), weight(`${name}.bias`)),
      },
      x,
    );
  const optimizer = tf.train.momentum(inputs.SGD_OPTIONS.lr, inputs.SGD_OPTIONS.momentum);
  const step = (): Tensor => optimizer.minimize(() => meanCrossEntropy(forward(), targets), true);
  const lossOf = async (loss: Tensor): Promise<number> => {
    const [value = NaN] = await loss.data();
    loss.dispose();
    return value;
  };
  return {
    run: async () => {
      step().dispose();
      await done(mode, weight("conv1.weight"));
    },
    outputs: async () => [Float32Array.of(await lossOf(step()), await lossOf(step()))],
    dispose: () => {
      optimizer.dispose();
      tf.dispose([x, targets, ...weights.values()]);
    },
  };
}
