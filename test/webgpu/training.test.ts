import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import { backward } from "../../engine/autograd.ts";
import type { Backend } from "../../engine/backend.ts";
import { init } from "../../engine/backend.ts";
import { randn, tensor } from "../../engine/create.ts";
import { Random } from "../../engine/random.ts";
import { keep, scope } from "../../engine/scope.ts";
import { contrastiveLosses, crossEntropy, l2Normalize, mean } from "../../kernels/index.ts";
import { Linear } from "../../nn/linear.ts";
import { SGD } from "../../nn/optim/sgd.ts";
import { resnet8 } from "../../nn/resnet/variants.ts";
import { skip } from "./adapter.ts";

describe("training on WebGPU", { skip }, () => {
  const backends: Backend[] = [];
  const start = async (backend: "cpu" | "webgpu") => {
    const made = await init({ backend });
    backends.push(made);
    return made;
  };
  after(() => Promise.all(backends.map((backend) => backend.destroy())));

  /** Losses of the first steps: a small ResNet, trained contrastively and as a classifier at once. */
  async function losses(backend: "cpu" | "webgpu", steps: number): Promise<number[]> {
    await start(backend);
    const random = new Random(3);
    const net = resnet8({ random, width: 4, inChannels: 1, numClasses: 8 });
    const optimizer = new SGD(net.namedParameters(), { lr: 0.02, momentum: 0.9, weightDecay: 1e-4 });
    const images = randn([16, 8, 8, 1], random);
    const labels = tensor(Int32Array.from({ length: 16 }, (_, i) => i % 4));
    const curve: number[] = [];
    for (let step = 0; step < steps; step++) {
      const loss = scope(() => {
        const features = net.forward(images);
        const value = mean(contrastiveLosses(l2Normalize(features), labels, 0.5));
        backward(value);
        optimizer.step();
        optimizer.zeroGrad();
        return keep(value);
      });
      curve.push(await loss.item());
      loss.dispose();
    }
    return curve;
  }

  it("follows the cpu backend's losses within 1e-3 over 20 steps", async () => {
    const [cpu, gpu] = [await losses("cpu", 20), await losses("webgpu", 20)];
    assert(cpu.at(-1)! < cpu[0]! - 0.1, "the loss falls");
    cpu.forEach((loss, step) => {
      assert(Math.abs(gpu[step]! - loss) < 1e-3, `step ${step}: ${gpu[step]} for ${loss}`);
    });
  });

  it("meets known buffers, pipelines and bind groups from the third step of a ResNet on", async () => {
    const backend = await start("webgpu");
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

  it("holds no more memory after 500 steps than after 2", async () => {
    const backend = await start("webgpu");
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
      held.push({ liveBytes, liveBuffers, peakBytes, made: caches?.buffers?.misses });
    }
    assert.deepEqual(held.at(-1), held[1]);
  });
});
