/** Steps of training and of optimisers with this library. */
import { backward, crossEntropy, mul, Random, scope, sum, tensor } from "../../../index.ts";
import type { Backend, Tensor } from "../../../index.ts";
import { Adam, LARS, parameter, resnet18, resnet20, resnet8, SGD } from "../../../nn/index.ts";
import * as inputs from "../../problems/inputs.ts";
import type { NetworkName, Optimizer, Training } from "../../problems/problem.ts";
import { CLASSES, parameterShapes } from "../../problems/resnet.ts";
import type { Job } from "../library.ts";

const networks = { resnet8, resnet20, resnet18 };

async function load(name: NetworkName) {
  const network = networks[name]({ random: new Random(0), numClasses: CLASSES });
  network.loadStateDict(new Map([...(await network.stateDict()), ...inputs.networkParameters(name)]));
  return network;
}

/** Time of a step: forward, loss, backward, update. */
export async function trainingJob(backend: Backend, problem: Training): Promise<Job> {
  const { batch, size } = problem;
  const data = inputs.trainingInputs(problem);
  const x = tensor(data.x, [batch, size, size, 3]);
  const labels = tensor(data.labels);
  const network = await load(problem.network);
  const optimizer = new SGD(network.namedParameters(), inputs.SGD_OPTIONS);
  const before = backend.stats().liveBytes;
  const step = (): Tensor =>
    scope(() => {
      const loss = crossEntropy(network.forward(x), labels);
      backward(loss);
      optimizer.step();
      optimizer.zeroGrad();
      return loss;
    });
  return {
    run: () => {
      step().dispose();
      return backend.sync();
    },
    outputs: async () => {
      using first = step();
      using second = step();
      return [Float32Array.of(await first.item(), await second.item())];
    },
    extraBytes: () => backend.stats().peakBytes - before,
    dispose: () => {
      optimizer.dispose();
      network.dispose();
      for (const each of [x, labels]) each.dispose();
    },
  };
}

/** An update of all parameters of a network, with gradients that stay. */
export function optimizerJob(backend: Backend, { name, network }: Optimizer): Job {
  const parameters = new Map<string, Tensor>();
  let stream = 0;
  for (const [key, shape] of parameterShapes(network)) {
    const weight = parameter(shape, inputs.uniform(shape, stream++));
    using gradient = tensor(inputs.uniform(shape, stream++), shape);
    backward(sum(mul(weight, gradient)));
    parameters.set(key, weight);
  }
  const optimizer = {
    sgd: () => new SGD(parameters, inputs.SGD_OPTIONS),
    adam: () => new Adam(parameters, { lr: 1e-3 }),
    lars: () => new LARS(parameters, inputs.SGD_OPTIONS),
  }[name]();
  const run = () => {
    scope(() => { optimizer.step(); }); // prettier-ignore
    return backend.sync();
  };
  return {
    run,
    outputs: async () => {
      await run();
      const values = await Promise.all([...parameters.values()].map((weight) => weight.data()));
      return values.map((value) => Float32Array.from(value));
    },
    dispose: () => {
      optimizer.zeroGrad();
      optimizer.dispose();
      for (const weight of parameters.values()) weight.dispose();
    },
  };
}
