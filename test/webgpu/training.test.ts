import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { backward } from "../../engine/autograd.ts";
import type { Backend } from "../../engine/backend.ts";
import { init } from "../../engine/backend.ts";
import { randn } from "../../engine/create.ts";
import { DeviceLostError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { scope } from "../../engine/scope.ts";
import { crossEntropy } from "../../kernels/index.ts";
import { Linear } from "../../nn/linear.ts";
import { SGD } from "../../nn/optim/sgd.ts";
import { resnet8 } from "../../nn/resnet/variants.ts";
import { skip } from "./adapter.ts";

describe("training on WebGPU", { skip }, () => {
  const backends: Backend[] = [];
  const start = async () => {
    const made = await init({ backend: "webgpu" });
    backends.push(made);
    return made;
  };
  after(() => Promise.all(backends.map((backend) => backend.destroy())));

  it("meets known buffers, pipelines and bind groups from the third step of a ResNet on", async () => {
    const backend = await start();
    const random = new Random(1);
    const net = resnet8({ random, width: 2, inChannels: 1, numClasses: 3 });
    const optimizer = new SGD(net.namedParameters(), { lr: 0.01, momentum: 0.9 });
    const step = async () => {
      // Images and labels are uploaded anew in each step.
      scope(() => { backward(crossEntropy(net.forward(randn([4, 8, 8, 1], random)), [0, 1, 2, 0])); }); // prettier-ignore
      optimizer.step();
      optimizer.zeroGrad();
      await backend.pace?.();
    };
    const misses = () => Object.values(backend.stats().caches ?? {}).map((cache) => cache.misses);
    await step();
    await step();
    const before = misses();
    assert.equal(before.length, 3);
    for (let i = 0; i < 5; i++) await step();
    assert.deepEqual(misses(), before);
  });

  it("tells of a device that is destroyed in the middle of a step, and goes on with another", async () => {
    const step = async (lose: (backend: Backend) => Promise<void>) => {
      const backend = await start();
      const net = resnet8({ random: new Random(1), width: 2, inChannels: 1, numClasses: 3 });
      const optimizer = new SGD(net.namedParameters(), { lr: 0.01 });
      const losses: number[] = [];
      for (let i = 0; i < 3; i++) {
        let lost = Promise.resolve();
        const loss = scope(() => {
          const value = crossEntropy(net.forward(randn([4, 8, 8, 1], new Random(i))), [0, 1, 2, 0]);
          if (i === 1) lost = lose(backend);
          backward(value);
          optimizer.step();
          optimizer.zeroGrad();
          return value;
        });
        losses.push(await loss.item());
        await lost;
      }
      return losses;
    };
    await assert.rejects(step((backend) => backend.destroy()), DeviceLostError); // prettier-ignore
    const losses = await step(() => Promise.resolve());
    assert.ok(losses.every(Number.isFinite), `losses ${losses.join(" ")}`);
  });

  it("holds no more memory after 500 steps than after 2", async () => {
    const backend = await start();
    const random = new Random(2);
    const layer = new Linear(8, 4, { random });
    const optimizer = new SGD(layer.namedParameters(), { lr: 0.01, momentum: 0.9 });
    const held: object[] = [];
    for (let step = 0; step < 500; step++) {
      scope(() => { backward(crossEntropy(layer.forward(randn([6, 8], random)), [0, 1, 2, 3, 0, 1])); }); // prettier-ignore
      optimizer.step();
      optimizer.zeroGrad();
      await backend.pace?.();
      const { liveBytes, liveBuffers, peakBytes, caches } = backend.stats();
      held.push({
        liveBytes,
        liveBuffers,
        peakBytes,
        made: Object.values(caches ?? {}).map(({ misses }) => misses),
      });
    }
    assert.deepEqual(held.at(-1), held[1]);
  });
});
