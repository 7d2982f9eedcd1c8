/** What stage 1 can be trained for: forms, losses and optimisers, and whom their gradients reach. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { randn } from "../../engine/create.ts";
import { reshape } from "../../kernels/index.ts";
import { Linear } from "../../nn/index.ts";
import { parametricLoss } from "../../supcon/losses/index.ts";
import { Random } from "../../engine/random.ts";
import { scope } from "../../engine/scope.ts";
import { currentBackend } from "../../engine/backend.ts";
import { ValueError } from "../../engine/errors.ts";
import { digitPolicy } from "../../supcon/augment/policy.ts";
import { Pretraining } from "../../supcon/commands/pretrain.ts";
import type { PretrainOptions } from "../../supcon/commands/pretrain-options.ts";
import { SupConModel } from "../../supcon/model.ts";
import { contrastiveLoss, contrastiveLosses } from "../../supcon/training/contrastive.ts";
import { Objective, trainingForms } from "../../supcon/training/objective.ts";
import type { ObjectiveOptions, Views } from "../../supcon/training/objective.ts";
import { optimizerNames } from "../../supcon/training/optimizers.ts";
import { useReference } from "../kernels/helpers.ts";

before(useReference);

const shape = { height: 8, width: 8, channels: 1 };
const labels = Int32Array.of(0, 1, 0, 1, 2);
const random = new Random(1);
const batch: Views = {
  images: Float32Array.from({ length: 5 * 2 * 64 }, () => random.normal()),
  labels,
  views: 2,
  shape,
};
const makeModel = () => new SupConModel({ random: new Random(3), width: 2, inChannels: 1, dim: 4 });

/** Gradients of a step, by name, and its loss. */
async function gradients(options: Partial<ObjectiveOptions>) {
  using model = makeModel();
  using objective = new Objective(model, {
    classCounts: [2, 2, 1],
    random: new Random(4),
    makeModel,
    ...options,
  });
  using loss = scope(() => objective.backward(batch).loss);
  const found = new Map<string, number[]>();
  for (const [name, { grad }] of objective.parameters()) if (grad) found.set(name, [...(await grad.data())]);
  return { loss: await loss.item(), found };
}

/** Those of the encoder alone, and of the projection head. */
const part = ({ found }: { found: Map<string, number[]> }, of: "encoder" | "head" | "classifier") =>
  [...found].flatMap(([name, values]) => (name.startsWith(of) ? values : []));

const near = (actual: readonly number[], expected: readonly number[]) => {
  assert.equal(actual.length, expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  actual.forEach((value, i) => {
    assert.ok(Math.abs(value - expected[i]!) <= 1e-12 * scale, `${i}: ${value} for ${expected[i]}`);
  });
};

describe("forms of training", () => {
  it("one-stage: the classifier learns, and its gradient on the encoder is exactly zero", async () => {
    const [two, one] = [await gradients({}), await gradients({ form: "one-stage" })];
    assert.deepEqual(part(one, "encoder"), part(two, "encoder"));
    assert.deepEqual(part(one, "head"), part(two, "head"));
    assert.ok(
      part(one, "classifier").some((value) => value !== 0),
      "the classifier has a gradient",
    );
    assert.equal(part(two, "classifier").length, 0);
  });

  it("joint: the weighted sum of both losses, and of both gradients", async () => {
    const contrastive = await gradients({});
    const classification = await gradients({ form: "cross-entropy" });
    const joint = await gradients({ form: "joint", contrastiveWeight: 0.5, classificationWeight: 3 });
    const mixed = (a: readonly number[], b: readonly number[]) =>
      a.map((value, i) => 0.5 * value + 3 * b[i]!);
    near([joint.loss], mixed([contrastive.loss], [classification.loss]));
    near(part(joint, "encoder"), mixed(part(contrastive, "encoder"), part(classification, "encoder")));
  });

  it("bpaco: the parametric loss in which all positives count alike, and the balanced one", async () => {
    const z = randn([5, 2, 4], new Random(5));
    const centres = new Linear(4, 3, { random: new Random(6), bias: false });
    const context = { centres, classCounts: [2, 2, 1], queue: undefined, keys: null };
    const balanced = await contrastiveLoss(z, labels, { loss: "balanced", temperature: 0.2 }, context).item();
    const logits = centres.forward(reshape(z, [10, 4]));
    const parametric = await parametricLoss(z, labels, logits, { alpha: 1, classCounts: [2, 2, 1] }).item();
    near([await contrastiveLoss(z, labels, { loss: "bpaco" }, context).item()], [balanced + parametric]);
  });

  it("cross-entropy: on all views, without a projection head", async () => {
    const { loss, found } = await gradients({ form: "cross-entropy" });
    assert.ok(loss > 0 && loss < 5, `loss ${loss}`);
    assert.ok(![...found.keys()].some((name) => name.startsWith("head")), "the head has no gradient");
  });

  it("gives the gradient of one pass for a chunk that holds the batch", async () => {
    const [whole, chunk] = [await gradients({ form: "joint" }), await gradients({ form: "joint", chunk: 5 })];
    assert.deepEqual(chunk, whole);
  });

  it("refuses what does not fit", () => {
    using model = makeModel();
    const make = (options: Partial<ObjectiveOptions>) => () =>
      new Objective(model, { classCounts: [1], random, makeModel, ...options });
    assert.throws(make({ loss: "triplet", queue: 4 }), ValueError);
    assert.throws(make({ form: "cross-entropy", queue: 4 }), /takes a queue, got cross-entropy/);
    assert.throws(make({ positivesCap: 2, queue: 4 }), /expected positivesCap alone/);
    assert.throws(make({ loss: "parametric", keyMomentum: 0.9 }), /takes a momentum encoder, got parametric/);
  });
});

describe("training by name", () => {
  const dataset = {
    ...{ name: "noise", count: 12, ...shape, classes: ["a", "b", "c"] },
    images: Uint8Array.from({ length: 12 * 64 }, () => random.integer(256)),
    labels: Int32Array.from({ length: 12 }, (_, i) => i % 3),
  };
  const base: PretrainOptions = {
    ...{
      epochs: 2,
      batch: 6,
      views: 2,
      policy: digitPolicy,
      learningRate: 0.01,
      momentum: 0.9,
      weightDecay: 0,
    },
    ...{ warmup: 0, random: new Random(2), makeModel },
  };
  const names = {
    loss: contrastiveLosses,
    form: trainingForms,
    optimizer: optimizerNames,
  };
  for (const [option, values] of Object.entries(names)) {
    for (const value of values) {
      it(`${option} ${value} trains, and leaves nothing behind`, async () => {
        const { liveBuffers } = currentBackend().stats();
        {
          using model = makeModel();
          const before = await model.stateDict();
          using training = new Pretraining(model, dataset, { ...base, [option]: value });
          const losses: number[] = [];
          await training.run({ onStep: ({ loss }) => void losses.push(loss) });
          assert.equal(losses.length, 4);
          assert.ok(losses.every(Number.isFinite), `losses ${losses.join(" ")}`);
          assert.notDeepEqual(await model.stateDict(), before);
        }
        assert.equal(currentBackend().stats().liveBuffers, liveBuffers);
      });
    }
  }
});
