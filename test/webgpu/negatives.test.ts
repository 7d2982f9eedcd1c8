import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { init } from "../../engine/backend.ts";
import { randn } from "../../engine/create.ts";
import { Random } from "../../engine/random.ts";
import { scope } from "../../engine/scope.ts";
import { BatchNorm2d, Dropout, Flatten, LARS, Linear, RMSProp, Sequential } from "../../nn/index.ts";
import { chunkedBackward, MemoryQueue, MomentumEncoder, supConLoss } from "../../supcon/index.ts";
import { skip } from "./adapter.ts";

/** Losses of some steps with a momentum encoder, a queue and a batch in two chunks, and the queue's keys at the end. */
async function run(name: "cpu" | "webgpu"): Promise<number[]> {
  const backend = await init({ backend: name });
  try {
    const random = new Random(1);
    const make = () =>
      new Sequential(
        new BatchNorm2d(6),
        new Flatten(),
        new Dropout(0.2, { random }),
        new Linear(6, 4, { random }),
      );
    const model = make();
    const encoder = new MomentumEncoder(model, make(), { momentum: 0.5 });
    using memory = new MemoryQueue({ capacity: 8, dim: 4 });
    const parameters = model.namedParameters();
    const optimizers = [
      new LARS(parameters, { lr: 5, weightDecay: 0.1, nesterov: true }),
      new LARS(parameters, { lr: 5, weightDecay: 0.1, variant: "pytorch" }),
      new RMSProp(parameters, { lr: 0.01, momentum: 0.9, epsilon: 1e-3 }),
    ];
    const losses: number[] = [];
    for (let step = 0; step < 9; step++) {
      const labels = [0, 1, 2, 0, 1, 2];
      const images = (part: number) => randn([3, 1, 1, 6], new Random(2 * step + part));
      using loss = scope(() => {
        encoder.update();
        const keys = encoder.forward(images(0));
        const chunks = [0, 1].map((part) => () => model.forward(images(part)));
        const value = chunkedBackward(model, chunks, (z) => supConLoss(z, labels, memory.options()));
        memory.enqueue(keys, labels.slice(0, 3));
        const optimizer = optimizers[step % 3]!;
        optimizer.step();
        optimizer.zeroGrad();
        return value;
      });
      losses.push(await loss.item());
    }
    const keys = await scope(() => memory.options().queue!.keys).data();
    return [...losses, ...keys];
  } finally {
    await backend.destroy();
  }
}

describe("more negatives on WebGPU", { skip }, () => {
  it("follows the cpu backend: queue, momentum encoder, chunks, LARS and RMSProp", async () => {
    const [cpu, gpu] = [await run("cpu"), await run("webgpu")];
    assert.equal(gpu.length, 9 + 8 * 4);
    cpu.forEach((value, i) => {
      assert.ok(Math.abs(gpu[i]! - value) < 1e-3, `number ${i}: ${gpu[i]} for ${value}`);
    });
  });
});
