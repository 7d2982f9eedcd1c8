/** What runs in the browser and, as the oracle, on the reference backend in Node. */
import {
  backward,
  grad,
  matmul,
  mean,
  Random,
  randn,
  reshape,
  scope,
  square,
  sub,
  tensor,
} from "../../index.ts";
import { conv2d } from "../../index.ts";
import { SGD } from "../../nn/index.ts";
import { supConLoss } from "../../supcon/losses/index.ts";
import { SupConModel } from "../../supcon/model.ts";

/** Numbers that every backend computes alike, within rounding. */
export interface Findings {
  /** The README's example: its loss, then the gradient. */
  readonly example: number[];
  /** Gradients of a convolution by its input and by its weights. */
  readonly convolution: number[];
  /** Losses of five steps of supervised contrastive training. */
  readonly training: number[];
}

/** Runs everything on the current backend. */
export const runProgram = async (): Promise<Findings> => ({
  example: await example(),
  convolution: await convolution(),
  training: await training(),
});

async function example(): Promise<number[]> {
  const x = tensor([[1, 2]]);
  const w = tensor([[3], [-1]], undefined, { requiresGrad: true });
  const loss = mean(square(sub(matmul(x, w), 3)));
  backward(loss);
  return [await loss.item(), ...((await w.grad?.data()) ?? [])];
}

async function convolution(): Promise<number[]> {
  const random = new Random(1);
  const x = randn([2, 7, 6, 3], random, { requiresGrad: true });
  const w = randn([3, 3, 3, 5], random, { requiresGrad: true });
  const gradients = scope(() => {
    const y = conv2d(x, w, { stride: 2, padding: 1 });
    return grad(y, [x, w], { gradient: randn(y.shape, random) });
  });
  const data = await Promise.all(gradients.map((each) => each.data()));
  return data.flatMap((each) => [...each]);
}

async function training(): Promise<number[]> {
  const random = new Random(2);
  const [samples, views, dim] = [8, 2, 16];
  const model = new SupConModel({ random, width: 4, inChannels: 1, dim });
  const optimizer = new SGD(model.namedParameters(), { lr: 0.05, momentum: 0.9 });
  const images = randn([samples * views, 12, 12, 1], random);
  const labels = Array.from({ length: samples }, (_, i) => i % 3);
  const losses: number[] = [];
  for (let step = 0; step < 5; step++) {
    using loss = scope(() => {
      const projections = reshape(model.forward(images), [samples, views, dim]);
      const value = supConLoss(projections, labels, { temperature: 0.5 });
      backward(value);
      optimizer.step();
      optimizer.zeroGrad();
      return value;
    });
    losses.push(await loss.item());
  }
  return losses;
}
