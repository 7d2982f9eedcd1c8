/** supcon/recipes: each is read whole, and says what its source says. */
import assert from "node:assert/strict";
import { readdirSync } from "node:fs";
import { join } from "node:path";
import { describe, it } from "node:test";
import { parseTrainCommand } from "../../supcon/commands/options.ts";
import type { TrainConfig } from "../../supcon/commands/options.ts";
import { cacheFolder } from "../../supcon/data/cache.ts";
import { findPublished, isPublished } from "../../supcon/data/published.ts";
import { runCommand } from "./command.ts";

const folder = join(import.meta.dirname, "..", "..", "supcon", "recipes");
const pathOf = (name: string): string => join(folder, `${name}.json`);
const recipe = (name: string): TrainConfig => parseTrainCommand(["--config", pathOf(name)]).config;

type Options = Partial<TrainConfig>;

/** SupContrast's runs on CIFAR, by PyTorch. */
const supContrast: Options = {
  ...{ trainImages: "all", crop: 0.2, jitter: 1, model: "resnet50", width: 64, stem: "cifar" },
  ...{ normalizeRepresentation: false, batch: 1024, optimizer: "sgd", momentum: 0.9, weightDecay: 1e-4 },
  ...{ schedule: "cosine 0.001", warmup: 10, warmupStart: 0.01 },
};
const contrastive: Options = {
  ...{ form: "two-stage", policy: "default", views: 2, head: "mlp", dim: 128 },
  ...{ summation: "out", denominator: "all", contrastMode: "all", scale: 0.07 },
  ...{ epochs: 1000, learningRate: 0.5 },
  ...{ linearEpochs: 100, linearBatch: 512, linearOptimizer: "sgd", linearMomentum: 0.9 },
  ...{ linearWeightDecay: 0, linearSchedule: "step 0.2 60,75,90", linearWarmup: 0 },
  ...{ linearPolicy: "crop-flip", linearRawFeatures: true, linearLabelSmoothing: 0 },
};
const supcon: Options = { loss: "supcon", temperature: 0.1, linearLearningRate: 5 };
const simclr: Options = { loss: "simclr", temperature: 0.5, linearLearningRate: 1 };
const crossEntropy: Options = {
  ...{ form: "cross-entropy", policy: "crop-flip", views: 1, epochs: 500, learningRate: 0.8 },
};

/** The authors' runs on ImageNet, by TensorFlow: learning rates are for 256 images there. */
const official: Options = {
  ...{ data: "folder:imagenet", imageSize: 224, trainImages: "all", crop: 0.08 },
  ...{ width: 64, stem: "imagenet", schedule: "cosine", warmup: 12, warmupStart: 0, momentum: 0.9 },
};
const secondStage: Options = {
  ...{ linearEpochs: 90, linearWarmup: 12, linearMomentum: 0.9, linearWeightDecay: 1e-6 },
  ...{ linearLabelSmoothing: 0.05, linearRawFeatures: true },
};
const officialSupCon: Options = {
  ...official,
  ...secondStage,
  ...{ form: "two-stage", loss: "supcon", temperature: 0.1, scale: "temperature", views: 2 },
  ...{ head: "linear", dim: 128, normalizeRepresentation: true, optimizer: "lars" },
  ...{ linearOptimizer: "rmsprop", linearSchedule: "exponential 0.97 0.5" },
};

/** What the sources say of each. */
const expected: Readonly<Record<string, Options>> = {
  "cifar10-supcon": { data: "cifar10", ...supContrast, ...contrastive, ...supcon },
  "cifar10-simclr": { data: "cifar10", ...supContrast, ...contrastive, ...simclr },
  "cifar10-ce": { data: "cifar10", ...supContrast, ...crossEntropy },
  "cifar100-supcon": { data: "cifar100", ...supContrast, ...contrastive, ...supcon },
  "cifar100-simclr": { data: "cifar100", ...supContrast, ...contrastive, ...simclr },
  "cifar100-ce": { data: "cifar100", ...supContrast, ...crossEntropy },
  "imagenet-supcon": {
    ...officialSupCon,
    ...{ model: "resnet50", policy: "autoaugment", linearPolicy: "autoaugment" },
    ...{ batch: 6144, epochs: 350, learningRate: 9.6, weightDecay: 1e-3 },
    ...{ linearBatch: 6144, linearLearningRate: 1.2 },
  },
  "imagenet-supcon-resnet101": {
    ...officialSupCon,
    ...{ model: "resnet101", policy: "autoaugment", linearPolicy: "autoaugment" },
    ...{ batch: 4096, epochs: 350, learningRate: 6.4, weightDecay: 1e-4 },
    ...{ linearBatch: 4096, linearLearningRate: 0.8 },
  },
  "imagenet-supcon-resnet200": {
    ...officialSupCon,
    ...{ model: "resnet200", policy: "stacked-randaugment", linearPolicy: "stacked-randaugment" },
    ...{ batch: 4096, epochs: 700, learningRate: 3.2, weightDecay: 1e-4, jitter: 2 },
    ...{ randLayers: 2, randMagnitude: 10, linearBatch: 4096, linearLearningRate: 0.8 },
  },
  "imagenet-simclr": {
    ...official,
    ...secondStage,
    ...{ form: "two-stage", loss: "simclr", temperature: 0.1, scale: "none", views: 2 },
    ...{ model: "resnet50", policy: "simaugment", jitter: 2, normalizeRepresentation: false },
    ...{ head: "mlp", dim: 128, optimizer: "lars", batch: 6144, epochs: 100, learningRate: 7.2 },
    ...{ weightDecay: 1e-4, linearPolicy: "simaugment", linearOptimizer: "nesterov" },
    ...{ linearSchedule: "cosine", linearBatch: 6144, linearLearningRate: 2.4 },
  },
  "imagenet-ce": {
    ...official,
    ...{ form: "cross-entropy", labelSmoothing: 0.05, views: 1, model: "resnet50", policy: "autoaugment" },
    ...{ normalizeRepresentation: false, optimizer: "nesterov", batch: 6144, epochs: 200 },
    ...{ learningRate: 2.4, weightDecay: 1e-4 },
  },
};

/** Those that end on two cores, each with a baseline beside it. */
const small = ["mnist", "fashion-mnist", "cifar10-small"];

describe("supcon/recipes", () => {
  it("has these", () => {
    const names = readdirSync(folder).filter((file) => file.endsWith(".json"));
    const known = [...Object.keys(expected), ...small, ...small.map((name) => `${name}-ce`)];
    assert.deepEqual(names.sort(), known.map((name) => `${name}.json`).sort());
  });

  for (const [name, options] of Object.entries(expected)) {
    it(`${name} is the published run`, () => {
      const config = recipe(name);
      assert.deepEqual({ ...config, ...options }, config);
    });
  }

  for (const name of small) {
    it(`${name}-ce differs from ${name} in what it minimises`, () => {
      assert.deepEqual(recipe(`${name}-ce`), { ...recipe(name), form: "cross-entropy" });
    });

    for (const each of [name, `${name}-ce`]) {
      const { data } = recipe(each);
      const isThere = isPublished(data) && findPublished(data, cacheFolder()) !== undefined;
      const skip = !isThere && `no ${data} here; npx tsx supcon/data.ts ${data} brings it`;
      it(`${each} can be run`, { skip }, async () => {
        // Batches are small for it to be quick.
        const args = ["--config", pathOf(each), "--batch", "16", "--dry-run"];
        const { code, stdout, stderr } = await runCommand("train", args);
        assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
        assert.match(stdout, /^stage 1 +[\d,]+ steps of \d+ ms \(measured\): about /m);
      });
    }
  }

  it("mnist is what train.ts does without options", () => {
    assert.deepEqual(recipe("mnist"), parseTrainCommand([]).config);
  });
});
