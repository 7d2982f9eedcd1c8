/** The training command's first stage on the GPU: the cpu's loss curve, and nothing made anew from step to step. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { init } from "../../engine/backend.ts";
import type { BackendStats } from "../../engine/backend.ts";
import { Random } from "../../engine/random.ts";
import { digitPolicy } from "../../supcon/augment/policy.ts";
import { Pretraining } from "../../supcon/commands/pretrain.ts";
import type { ImageDataset } from "../../supcon/data/dataset.ts";
import { SupConModel } from "../../supcon/model.ts";
import { skip } from "./adapter.ts";

const SIDE = 12;
const COUNT = 64;
const classes = ["horizontal", "vertical", "dot", "ring"];

/** Bars, dots and rings, at random places. */
function shapes(): ImageDataset {
  const random = new Random(5);
  const labels = Int32Array.from({ length: COUNT }, (_, i) => i % classes.length);
  const images = new Uint8Array(COUNT * SIDE * SIDE);
  labels.forEach((label, i) => {
    const [cy, cx] = [3 + random.integer(SIDE - 6), 3 + random.integer(SIDE - 6)];
    for (let p = 0; p < SIDE * SIDE; p++) {
      const [dy, dx] = [Math.floor(p / SIDE) - cy, (p % SIDE) - cx];
      const distance = Math.hypot(dy, dx);
      const drawn = [Math.abs(dy) < 1, Math.abs(dx) < 1, distance < 2, distance > 2 && distance < 3.5];
      if (drawn[label]) images[i * SIDE * SIDE + p] = 255;
    }
  });
  return { name: "shapes", height: SIDE, width: SIDE, channels: 1, count: COUNT, images, labels, classes };
}

/** Losses of 20 steps, over several epochs, and what the backend tells after each. */
async function curve(name: "cpu" | "webgpu"): Promise<{ losses: number[]; stats: BackendStats[] }> {
  const backend = await init({ backend: name });
  const random = new Random(7);
  const model = new SupConModel({ random, width: 4, inChannels: 1, dim: 16 });
  const [losses, stats]: [number[], BackendStats[]] = [[], []];
  const recipe = { epochs: 5, batch: 16, views: 2, policy: digitPolicy, temperature: 0.1, random };
  const steps = { learningRate: 0.05, momentum: 0.9, weightDecay: 1e-4, warmup: 1 };
  const onStep = ({ loss }: { loss: number }) => {
    losses.push(loss);
    stats.push(backend.stats());
  };
  using training = new Pretraining(model, shapes(), { ...recipe, ...steps });
  await training.run({ onStep });
  await backend.destroy();
  return { losses, stats };
}

describe("pre-training on WebGPU", { skip }, () => {
  it("follows the cpu's losses within 1e-3 over 20 steps", async () => {
    const [cpu, gpu] = [await curve("cpu"), await curve("webgpu")];
    assert.equal(cpu.losses.length, 20);
    assert.ok(cpu.losses.at(-1)! < cpu.losses[0]! - 0.3, `the loss falls: ${cpu.losses.join(" ")}`);
    cpu.losses.forEach((loss, step) => {
      const found = gpu.losses[step]!;
      assert.ok(Math.abs(found - loss) < 1e-3, `step ${step}: expected ${loss}, got ${found}`);
    });
  });

  it("finds every pipeline, bind group and buffer in its caches from the third step on", async () => {
    const { stats } = await curve("webgpu");
    const misses = stats.map(({ caches }) => Object.values(caches ?? {}).map((cache) => cache.misses));
    assert.equal(misses[0]?.length, 3, "pipelines, bind groups, buffers");
    // The last step of an epoch, every fourth here, is measured as well: a step of another kind, which comes for the
    // third time in the third epoch.
    misses.forEach((made, i) => {
      const isKnown = i % 4 === 3 ? i >= 3 * 4 - 1 : i >= 2;
      if (isKnown) assert.deepEqual(made, misses[i - 1], `made in step ${i + 1}`);
    });
  });
});
