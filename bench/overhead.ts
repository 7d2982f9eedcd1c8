/**
 * What an op costs besides its arithmetic: the checks, the tape, memory, and the way to the kernel. Tensors are so small
 * that little else is left.
 *
 *     npx tsx bench/overhead.ts
 *
 * Chains of one op: microseconds for each op without a tape, and for each with its gradient. A training step of
 * ResNet-20 on two images of 4 x 4: microseconds for each kernel that it runs, of which there are as many as for large
 * images. All on one thread; times are minima, since whatever disturbs a run only makes it longer.
 */
import { Bench } from "tinybench";
import { backward, noGrad } from "../engine/autograd.ts";
import { init } from "../engine/backend.ts";
import { ones, tensor } from "../engine/create.ts";
import { Random } from "../engine/random.ts";
import { scope } from "../engine/scope.ts";
import type { Tensor } from "../engine/tensor.ts";
import { add, crossEntropy, matmul, mul, relu, sum } from "../kernels/index.ts";
import { resnet20, SGD } from "../nn/index.ts";

/** Something to time, and of how many ops or kernels it consists. */
interface Job {
  readonly name: string;
  readonly count: number;
  readonly run: () => void;
}

/** Ops in a chain: enough that a single one at its end does not count. */
const LENGTH = 50;

const backend = await init({ backend: "cpu", threads: 1 });

/** h <- op(h), LENGTH times, alone and with the derivative of the last h. */
function chain(name: string, op: (h: Tensor, x: Tensor) => Tensor): Job[] {
  const x = ones([4, 4], { requiresGrad: true });
  const last = (): Tensor => {
    let h = x;
    for (let i = 0; i < LENGTH; i++) h = op(h, x);
    return h;
  };
  const forward = () => { scope(() => noGrad(last)); }; // prettier-ignore
  const both = (): void => {
    scope(() => { backward(sum(last())); }); // prettier-ignore
    x.zeroGrad();
  };
  return [
    { name: `${name}, without tape`, count: LENGTH, run: forward },
    { name: `${name}, with gradient`, count: LENGTH, run: both },
  ];
}

function trainingStep(): Job {
  const model = resnet20({ inChannels: 3, numClasses: 10, random: new Random(0) });
  const optimizer = new SGD(model.namedParameters(), { lr: 0, momentum: 0.9 });
  const x = ones([2, 4, 4, 3]);
  const labels = tensor([0, 1], [2], { dtype: "i32" });
  const run = (): void => {
    scope(() => { backward(crossEntropy(model.forward(x), labels)); }); // prettier-ignore
    optimizer.step();
    optimizer.zeroGrad();
  };
  const before = backend.stats().kernelsRun;
  run();
  return { name: "ResNet-20 step", count: backend.stats().kernelsRun - before, run };
}

const jobs = [
  ...chain("relu(h)", (h) => relu(h)),
  ...chain("add(h, 1)", (h) => add(h, 1)),
  ...chain("mul(h, x)", (h, x) => mul(h, x)),
  ...chain("matmul(h, x)", (h, x) => matmul(h, x)),
  trainingStep(),
];
const bench = new Bench({ time: 1500, warmupTime: 1000 });
for (const { name, run } of jobs) bench.add(name, run);
await bench.run();
console.log(backend.describe());
for (const { name, count } of jobs) {
  const result = bench.getTask(name)?.result;
  if (result?.state !== "completed") {
    throw new Error(`${name}: expected a completed run, got ${result?.state ?? "none"}`);
  }
  const microseconds = ((1000 * result.latency.min) / count).toFixed(2);
  console.log(name.padEnd(32) + `${microseconds} us`.padStart(10) + `  (${count})`);
}
await backend.destroy();
