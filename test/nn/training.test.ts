import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { backward } from "../../engine/autograd.ts";
import { currentBackend, init } from "../../engine/backend.ts";
import { randn } from "../../engine/create.ts";
import { Random } from "../../engine/random.ts";
import { keep, scope } from "../../engine/scope.ts";
import { crossEntropy } from "../../kernels/index.ts";
import { Relu } from "../../nn/activation.ts";
import { clipGradNorm, clipGradValue } from "../../nn/clip.ts";
import { Dropout } from "../../nn/dropout.ts";
import { EMA } from "../../nn/ema.ts";
import { Linear } from "../../nn/linear.ts";
import { AdamW } from "../../nn/optim/adam.ts";
import { SGD } from "../../nn/optim/sgd.ts";
import { resnet8 } from "../../nn/resnet/variants.ts";
import { cosineSchedule } from "../../nn/schedule.ts";
import { Sequential } from "../../nn/sequential.ts";

before(() => init({ backend: "reference" }));

describe("training", () => {
  it("lowers the loss, and holds no more memory after step 20 than after step 2", async () => {
    const random = new Random(0);
    const net = resnet8({ random, width: 2, inChannels: 1, numClasses: 3 });
    const schedule = cosineSchedule({ peak: 0.1, steps: 20, warmupSteps: 4, start: 0.02 });
    const optimizer = new SGD(net.namedParameters(), { lr: 0, momentum: 0.9, weightDecay: 1e-4 });
    const images = randn([6, 4, 4, 1], random);
    const labels = [0, 1, 2, 0, 1, 2];

    const losses: number[] = [];
    const held: { bytes: number; buffers: number }[] = [];
    for (let step = 0; step < 20; step++) {
      optimizer.lr = schedule(step);
      const loss = scope(() => {
        const value = crossEntropy(net.forward(images), labels);
        backward(value);
        optimizer.step();
        optimizer.zeroGrad();
        return keep(value);
      });
      losses.push(await loss.item());
      loss.dispose();
      const { liveBytes, liveBuffers } = currentBackend().stats();
      held.push({ bytes: liveBytes, buffers: liveBuffers });
    }
    assert.deepEqual(held.slice(1), held.slice(1).map(() => held[1])); // prettier-ignore
    assert.ok(losses.at(-1)! < 0.5 * losses[0]!, `losses ${losses.map((loss) => loss.toFixed(3)).join(" ")}`);

    [net, optimizer, images].forEach((owner) => { owner.dispose(); }); // prettier-ignore
    const { liveBytes, liveBuffers } = currentBackend().stats();
    assert.deepEqual({ liveBytes, liveBuffers }, { liveBytes: 0, liveBuffers: 0 });
  });

  it("is the same on the cpu backend, within f32: dropout, clipping, AdamW and averages together", async () => {
    const train = async () => {
      const random = new Random(0);
      const net = new Sequential(
        new Linear(8, 16, { random }),
        new Relu(),
        new Dropout(0.25, { random }),
        new Linear(16, 3, { random }),
      );
      const optimizer = new AdamW(net.namedParameters(), { lr: 0.03, weightDecay: 0.1 });
      const ema = new EMA(net, { decay: 0.5 });
      const x = randn([6, 8], random);
      for (let step = 0; step < 10; step++) {
        scope(() => { backward(crossEntropy(net.forward(x), [0, 1, 2, 0, 1, 2])); }); // prettier-ignore
        clipGradNorm(net.parameters(), 0.5).dispose();
        clipGradValue(net.parameters(), 0.2);
        optimizer.step();
        optimizer.zeroGrad();
        ema.update();
      }
      ema.swap();
      net.eval();
      return Array.from(await net.forward(x).data());
    };
    const expected = await train();
    const cpu = await init({ backend: "cpu", threads: 2 });
    try {
      const logits = await train();
      const error = Math.max(...logits.map((logit, i) => Math.abs(logit - expected[i]!)));
      assert.ok(error < 1e-4, `expected ${expected.join()}, got ${logits.join()}`);
    } finally {
      await cpu.destroy();
    }
  });
});
