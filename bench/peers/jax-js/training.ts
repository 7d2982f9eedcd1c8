/** A step of training with jax-js. */
import { blockUntilReady, jit, nn, numpy, tree, valueAndGrad } from "@jax-js/jax";
import type { Array } from "@jax-js/jax";
import * as inputs from "../../problems/inputs.ts";
import type { NetworkName, Training } from "../../problems/problem.ts";
import { CLASSES, runNetwork } from "../../problems/resnet.ts";
import { Unable } from "../library.ts";
import type { Job } from "../library.ts";
import { array, convolve, given, images, meanCrossEntropy, normalize, oneHot, weights } from "./arrays.ts";

/** Arrays by the names of a network's parameters. */
type Named = Readonly<Record<string, Array>>;

/** Of the parameters' initial values, in jax-js's layouts. */
function named(network: NetworkName, make: (values: Float32Array) => Float32Array): Named {
  return Object.fromEntries(
    [...inputs.networkParameters(network)].map(([name, { shape, data }]) => {
      const [h, w, i, o] = shape;
      const isConvolution = h !== undefined && w !== undefined && i !== undefined && o !== undefined;
      return [name, isConvolution ? weights(make(data), [h, w, i, o]) : array(make(data), shape)];
    }),
  );
}

/** Logits [batch, classes]. Uses up `x`, and keeps the parameters. */
function forward(network: NetworkName, parameters: Named, x: Array): Array {
  const kept = (name: string): Array => given(parameters[name]).ref;
  return runNetwork<Array>(
    network,
    {
      conv: (value, name, stride) => {
        const w = kept(`${name}.weight`);
        return convolve(value, w, { padding: Math.floor((w.shape[2] ?? 1) / 2), stride });
      },
      norm: (value, name) => normalize(value, kept(`${name}.weight`), kept(`${name}.bias`)),
      relu: (value) => nn.relu(value),
      add: (a, b) => a.add(b),
      share: (value) => value.ref,
      maxPool: () => {
        throw new Unable("no max pooling with padding");
      },
      averagePool: (value) => numpy.mean(value, [2, 3]),
      linear: (value, name) => numpy.matmul(value, kept(`${name}.weight`)).add(kept(`${name}.bias`)),
    },
    x,
  );
}

/** v <- mu v + g;  w <- w - lr v */
function stepOf(network: NetworkName) {
  const { lr, momentum } = inputs.SGD_OPTIONS;
  const lossOf = (parameters: Named, x: Array, targets: Array): Array => {
    const loss = meanCrossEntropy(forward(network, parameters, x), targets);
    tree.dispose(parameters);
    return loss;
  };
  return jit((parameters: Named, velocities: Named, x: Array, targets: Array) => {
    const [loss, gradients] = valueAndGrad(lossOf)(tree.ref(parameters), x, targets);
    const each = (make: (name: string) => Array): Named =>
      Object.fromEntries(Object.keys(parameters).map((name) => [name, make(name)]));
    const faster = each((name) => given(velocities[name]).mul(momentum).add(given(gradients[name])));
    const moved = each((name) => given(parameters[name]).sub(given(faster[name]).ref.mul(lr)));
    return [moved, faster, loss] as const;
  });
}

export function training(problem: Training): Job {
  const { batch, size, network } = problem;
  const data = inputs.trainingInputs(problem);
  const x = images(data.x, [batch, size, size, 3]);
  const targets = oneHot(data.labels, CLASSES);
  const step = stepOf(network);
  let parameters = named(network, (values) => values);
  let velocities = named(network, ({ length }) => new Float32Array(length));
  const advance = async (): Promise<Array> => {
    const [moved, faster, loss] = step(parameters, velocities, x.ref, targets.ref);
    [parameters, velocities] = [moved, faster];
    await blockUntilReady([moved, faster]);
    return loss;
  };
  const value = async (): Promise<number> => {
    const [loss = NaN] = await (await advance()).data();
    return loss;
  };
  return {
    run: async () => {
      (await advance()).dispose();
    },
    outputs: async () => [Float32Array.of(await value(), await value())],
    dispose: () => {
      for (const each of [parameters, velocities, x, targets]) tree.dispose(each);
    },
  };
}
