import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { currentBackend } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { digitPolicy, withoutAugmentation } from "../../supcon/augment/policy.ts";
import { makeViews } from "../../supcon/augment/views.ts";
import type { ImageDataset } from "../../supcon/data/dataset.ts";
import { encodeDataset, encodeViews } from "../../supcon/evaluate/features.ts";
import type { LabelledFeatures } from "../../supcon/evaluate/features.ts";
import { knnTop1 } from "../../supcon/evaluate/knn.ts";
import { LinearClassifier, linearTop1, trainLinear } from "../../supcon/evaluate/linear.ts";
import type { LinearOptions } from "../../supcon/evaluate/linear.ts";
import { SupConModel } from "../../supcon/model.ts";
import { useReference, values } from "../kernels/helpers.ts";
import { dot, normalized, normalRows } from "./oracle.ts";

before(useReference);

const featuresOf = (
  rows: readonly number[][],
  labels: readonly number[],
  classes: number,
): LabelledFeatures => ({
  values: Float32Array.from(rows.flat()),
  count: rows.length,
  length: rows[0]!.length,
  labels: Int32Array.from(labels),
  classes,
});

/** `count` points around one centre for each of three classes, far apart. */
function clusters(count: number, seed: number): LabelledFeatures {
  const centres = [[5, 0, 1], [0, 5, 1], [-5, -5, 1]]; // prettier-ignore
  const labels = Array.from({ length: count }, (_, i) => i % 3);
  const noise = normalRows(count, 3, seed);
  return featuresOf(noise.map((row, i) => row.map((x, k) => 0.5 * x + centres[labels[i]!]![k]!)), labels, 3); // prettier-ignore
}

describe("knnTop1", () => {
  it("classifies separable features without a mistake, whatever their lengths", async () => {
    const [train, test] = [clusters(30, 1), clusters(21, 2)];
    assert.equal(await knnTop1(train, test, { k: 5 }), 1);
    const longer = { ...test, values: test.values.map((x) => 1000 * x) };
    assert.equal(await knnTop1(train, longer, { k: 5 }), 1);
    const wrong = { ...test, labels: test.labels.map((label) => (label + 1) % 3) };
    assert.equal(await knnTop1(train, wrong, { k: 5 }), 0);
  });

  it("is what sorting all neighbours gives, for any k and block size", () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          count: fc.integer({ min: 1, max: 25 }),
          tests: fc.integer({ min: 1, max: 9 }),
          k: fc.integer({ min: 1, max: 30 }),
          blockRows: fc.integer({ min: 1, max: 10 }),
          temperature: fc.constantFrom(0.07, 1),
          seed: fc.nat(1e6),
        }),
        async ({ count, tests, k, blockRows, temperature, seed }) => {
          const random = new Random(seed);
          const [trainRows, testRows] = [normalRows(count, 3, seed), normalRows(tests, 3, seed + 1)];
          const labelsFor = (rows: readonly number[][]) => rows.map(() => random.integer(3));
          const [trainLabels, testLabels] = [labelsFor(trainRows), labelsFor(testRows)];
          let correct = 0;
          normalized(testRows).forEach((z, i) => {
            const neighbours = normalized(trainRows)
              .map((row, j) => ({ s: dot(z, row), label: trainLabels[j]! }))
              .sort((a, b) => b.s - a.s)
              .slice(0, k);
            const votes = [0, 1, 2].map((c) =>
              neighbours.reduce(
                (sum, { s, label }) => sum + (label === c ? Math.exp(s / temperature) : 0),
                0,
              ),
            );
            if (votes.indexOf(Math.max(...votes)) === testLabels[i]) correct++;
          });
          const found = await knnTop1(
            featuresOf(trainRows, trainLabels, 3),
            featuresOf(testRows, testLabels, 3),
            { k, blockRows, temperature },
          );
          assert.equal(found, correct / tests);
        },
      ),
      { numRuns: 60 },
    ));

  it("refuses what does not fit", async () => {
    const [train, test] = [clusters(6, 1), clusters(3, 2)];
    await assert.rejects(
      knnTop1(train, test, { k: 0 }),
      /nearestNeighbours: expected k to be a positive integer, got 0/,
    );
    await assert.rejects(knnTop1(train, test, { temperature: 0 }), ValueError);
    await assert.rejects(knnTop1(train, { ...test, classes: 4 }), /one set of classes, .* 3 and 4 classes/);
    await assert.rejects(knnTop1({ ...train, count: 5 }, test), /expected 5 training features of 3 numbers/);
    const none = { ...train, count: 0, values: new Float32Array(0), labels: new Int32Array(0) };
    await assert.rejects(
      knnTop1(none, test),
      /knnProbabilities: expected at least one .* training features, got 0/,
    );
  });
});

/** Trains on one and judges by the other. */
async function trainAndTest(
  train: LabelledFeatures,
  test: LabelledFeatures,
  options: LinearOptions,
): Promise<number> {
  using classifier = await trainLinear(train, options);
  return await linearTop1(classifier, test);
}

describe("linear classifier", () => {
  it("learns separable features, at any scale and place, and the same from the same seed", async () => {
    const [train, test] = [clusters(60, 3), clusters(30, 4)];
    const losses: number[] = [];
    const options = {
      epochs: 10,
      batchSize: 16,
      onEpoch: (_: number, loss: number) => void losses.push(loss),
    };
    assert.equal(await trainAndTest(train, test, options), 1);
    assert.equal(losses.length, 10);
    assert.ok(losses.at(-1)! < 0.1 * losses[0]!, `losses ${losses.join(" ")}`);
    const moved = (features: LabelledFeatures) => ({
      ...features,
      values: features.values.map((x, i) => 1000 * x + 50 * (i % 3)),
    });
    assert.equal(await trainAndTest(moved(train), moved(test), options), 1);
    await trainAndTest(train, test, options);
    assert.deepEqual(losses.slice(20), losses.slice(0, 10));
    await trainAndTest(train, test, { ...options, seed: 1 });
    assert.notEqual(losses[30], losses[0]);
  });

  it("takes features that are constant, leaves nothing behind, and refuses what does not fit", async () => {
    const { liveBuffers } = currentBackend().stats();
    const constant = clusters(12, 5).values.map((x, i) => (i % 3 === 2 ? 7 : x));
    const train = { ...clusters(12, 5), values: constant };
    assert.equal(await trainAndTest(train, train, { epochs: 10, batchSize: 5 }), 1);
    assert.equal(currentBackend().stats().liveBuffers, liveBuffers);
    await assert.rejects(trainLinear(train, { epochs: 0 }), /trainLinear: expected epochs .* got 0/);
    await assert.rejects(trainLinear({ ...train, count: 5 }), /expected 5 training features of 3 numbers/);
    await assert.rejects(trainLinear(train, { lr: -1 }), ValueError);
    await assert.rejects(trainLinear(train, { momentum: 1 }), ValueError);
    await assert.rejects(trainLinear({ ...train, classes: 2 }), /trainLinear: expected labels .* 2, got 2/);
    const stop = (): void => { throw new Error("stop"); }; // prettier-ignore
    await assert.rejects(trainLinear(train, { epochs: 1, onEpoch: stop }), /stop/);
    assert.equal(currentBackend().stats().liveBuffers, liveBuffers, "failures leave nothing behind either");
  });

  it("takes the optimiser, schedule and smoothing of the official codes, and features as they are", async () => {
    const [train, test] = [clusters(60, 3), clusters(30, 4)];
    const lossesOf = async (options: LinearOptions): Promise<number[]> => {
      const losses: number[] = [];
      const onEpoch = (_: number, loss: number) => void losses.push(loss);
      assert.equal(await trainAndTest(train, test, { epochs: 12, batchSize: 16, ...options, onEpoch }), 1);
      return losses;
    };
    const usual = await lossesOf({});
    const said = { optimizer: "sgd", schedule: "cosine", warmup: 0, labelSmoothing: 0, standardize: true } as const; // prettier-ignore
    assert.deepEqual(await lossesOf(said), usual, "these are the defaults");
    const official = { optimizer: "rmsprop", lr: 0.05, schedule: "exponential 0.97 0.5", warmup: 2 } as const;
    assert.notDeepEqual(await lossesOf(official), usual);
    // The least cross-entropy with targets 1 - e + e / 3 and e / 3.
    const [smoothing, off] = [0.3, 0.1];
    const floor = -(1 - 2 * off) * Math.log(1 - 2 * off) - 2 * off * Math.log(off);
    assert.ok((await lossesOf({ labelSmoothing: smoothing })).every((loss) => loss > floor));
    assert.ok(usual.at(-1)! < floor);

    using raw = await trainLinear(train, { epochs: 1, standardize: false });
    assert.deepEqual([await values(raw.mean), await values(raw.scale)].map((row) => [...row]), [[0, 0, 0], [1, 1, 1]]); // prettier-ignore
    await assert.rejects(trainLinear(train, { schedule: "linear" }), /schedule: expected cosine/);
  });

  it("may see other views of the training images in each epoch", async () => {
    const [train, test] = [clusters(60, 3), clusters(30, 4)];
    const seen: number[] = [];
    const views = (epoch: number) => {
      seen.push(epoch);
      return Promise.resolve({ ...train, values: train.values.map((x, i) => x + 0.1 * Math.sin(i + epoch)) });
    };
    assert.equal(await trainAndTest(train, test, { epochs: 10, batchSize: 16, views }), 1);
    assert.deepEqual(seen, [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });

  it("gives probabilities, and the same ones when its state is loaded into another", async () => {
    const [train, test] = [clusters(60, 3), clusters(30, 4)];
    using classifier = await trainLinear(train, { epochs: 10, batchSize: 16 });
    const probabilities = await classifier.probabilities(test);
    for (let i = 0; i < test.count; i++) {
      const row = [...probabilities.subarray(3 * i, 3 * i + 3)];
      assert.ok(Math.abs(row.reduce((a, b) => a + b) - 1) < 1e-12, `row ${i} sums to 1`);
      assert.equal(row.indexOf(Math.max(...row)), test.labels[i]);
    }
    using other = new LinearClassifier({ features: 3, classes: 3, random: new Random(9) });
    other.loadStateDict(await classifier.stateDict());
    assert.deepEqual(await other.probabilities(test), probabilities);
  });
});

describe("encodeDataset", () => {
  const dataset: ImageDataset = {
    ...{ name: "noise", count: 7, height: 8, width: 8, channels: 1, classes: ["a", "b"] },
    images: Uint8Array.from({ length: 7 * 64 }, (_, i) => (i * 37) % 256),
    labels: Int32Array.of(0, 1, 0, 1, 0, 1, 1),
  };

  it("gives the encoder's features of the images as they are, whatever the batches", async () => {
    using model = new SupConModel({ random: new Random(0), width: 2, inChannels: 1, dim: 4 });
    const { liveBuffers } = currentBackend().stats();
    const whole = await encodeDataset(model, dataset, digitPolicy);
    assert.deepEqual(
      { ...whole, values: whole.values.length },
      { values: 7 * 8, count: 7, length: 8, labels: dataset.labels, classes: 2 },
    );
    assert.ok(model.training, "the model is in training as before");
    assert.deepEqual(await encodeDataset(model, dataset, digitPolicy, { batchSize: 3 }), whole);
    assert.equal(currentBackend().stats().liveBuffers, liveBuffers);

    model.eval();
    const images = makeViews(dataset, [4], 1, withoutAugmentation(digitPolicy), new Random(9));
    const alone = await values(model.encode(tensor(images, [1, 8, 8, 1])));
    assert.deepEqual(Float32Array.from(alone), whole.values.slice(4 * 8, 5 * 8));
    await encodeDataset(model, dataset, digitPolicy);
    assert.ok(!model.training, "the model is in evaluation as before");
    model.train();
    model.encoder.bn1.eval();
    await encodeDataset(model, dataset, digitPolicy);
    const modes = [model.training, model.encoder.bn1.training];
    assert.deepEqual(modes, [true, false], "each module is in its mode as before");
    await assert.rejects(encodeDataset(model, dataset, digitPolicy, { batchSize: 0 }), ValueError);
  });

  it("encodes a random view of each image, the same ones from the same random state", async () => {
    using model = new SupConModel({ random: new Random(0), width: 2, inChannels: 1, dim: 4 });
    const [one, again, other] = [1, 1, 2].map((seed) => encodeViews(model, dataset, digitPolicy, new Random(seed), { batchSize: 3 })); // prettier-ignore
    assert.deepEqual(await one, await again);
    assert.notDeepEqual((await one)?.values, (await other)?.values);
    assert.deepEqual((await one)?.labels, dataset.labels);
  });

  it("normalises representations where the model does", async () => {
    const options = { random: new Random(0), width: 2, inChannels: 1, head: "linear" } as const;
    using model = new SupConModel({ ...options, normalizeRepresentation: true });
    const { values: found, length } = await encodeDataset(model, dataset, digitPolicy);
    for (let i = 0; i < dataset.count; i++) {
      const row = [...found.subarray(i * length, (i + 1) * length)];
      assert.ok(Math.abs(dot(row, row) - 1) < 1e-6, `row ${i} has length ${Math.sqrt(dot(row, row))}`);
    }
    assert.deepEqual([...model.namedParameters().keys()].slice(-2), ["head.weight", "head.bias"]);
  });
});
