import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import type { ImageDataset } from "../../supcon/data/dataset.ts";
import { compareRobustness, measureRobustness, robustnessSteps } from "../../supcon/evaluate/robustness.ts";
import { readEvaluation, writeEvaluation } from "../../supcon/run/evaluation.ts";
import type { CorruptionReport, Evaluation } from "../../supcon/run/evaluation.ts";

const random = new Random(0);
/** Dark and bright images of noise, in colour. */
const dataset: ImageDataset = {
  ...{ name: "noise", count: 12, height: 8, width: 9, channels: 3, classes: ["dark", "bright"] },
  images: Uint8Array.from(
    { length: 12 * 216 },
    (_, i) => random.integer(80) + (Math.floor(i / 216) % 2) * 90,
  ),
  labels: Int32Array.from({ length: 12 }, (_, i) => i % 2),
};

/** Sure by the mean of an image. */
const classify = ({ images, count }: ImageDataset): Promise<number[]> =>
  Promise.resolve(
    Array.from({ length: count }, (_, i) => {
      const own = images.subarray(i * 216, (i + 1) * 216);
      const isBright = own.reduce((sum, x) => sum + x, 0) / 216 > 85;
      return isBright ? [0.1, 0.9] : [0.9, 0.1];
    }).flat(),
  );

describe("measureRobustness", () => {
  it("measures all corruptions in all severities, the same from the same seed", async () => {
    const steps: string[] = [];
    const onStep = (name: string, severity: number) => steps.push(`${name} ${severity}`);
    const options = { images: 6, seed: 3, classify, onStep };
    const { seconds, ...found } = await measureRobustness(dataset, options);
    assert.equal(steps.length, robustnessSteps(3));
    assert.equal(new Set(steps).size, 95);
    assert.ok(seconds > 0);
    assert.equal(found.images, 6);
    assert.equal(found.clean.error, 0);
    assert.ok(Math.abs(found.clean.ece - 0.1) < 1e-9, "right, and sure to 0.9");
    // Brightness alone takes dark images for bright ones: half of them are dark.
    const { brightness, "gaussian noise": noise } = found.byName;
    assert.deepEqual([brightness?.errors[4], noise?.errors[0]], [0.5, 0]);
    const counted = Object.values(found.byName).filter(({ extra }) => !extra);
    assert.equal(counted.length, 15);
    const mean = counted.flatMap(({ errors }) => errors).reduce((a, b) => a + b, 0) / 75;
    assert.ok(Math.abs(found.meanError - mean) < 1e-12);
    assert.ok(Math.abs(found.bySeverity.top1.reduce((a, b) => a + b, 0) / 5 - (1 - mean)) < 1e-12);
    const { seconds: _, ...again } = await measureRobustness(dataset, options);
    assert.deepEqual(again, found);
    const other = await measureRobustness(dataset, { ...options, seed: 4 });
    assert.notEqual(other.digest, found.digest);
    await assert.rejects(measureRobustness(dataset, { ...options, images: 0 }), ValueError);
  });
});

/** Errors of two corruptions that count, and of one that does not. */
const report = (a: number[], b: number[], clean: number): CorruptionReport => {
  const corruption = { group: "noise", ece: [0, 0, 0, 0, 0] };
  return {
    ...{ images: 10, digest: "d", seed: 0, clean: { error: clean, ece: 0 }, meanError: 0, meanIncrease: 0 },
    byName: {
      a: { ...corruption, errors: a, extra: false },
      b: { ...corruption, errors: b, extra: false },
      c: { ...corruption, errors: [1, 1, 1, 1, 1], extra: true },
    },
    ...{ bySeverity: { top1: [1, 1, 1, 1, 1], ece: [0, 0, 0, 0, 0] }, seconds: 1 },
  };
};

describe("compareRobustness", () => {
  const own = report([0.1, 0.1, 0.2, 0.2, 0.4], [0.1, 0.1, 0.1, 0.1, 0.1], 0.05);

  it("is worked by hand", () => {
    const baseline = report([0.2, 0.2, 0.4, 0.4, 0.8], [0.1, 0.2, 0.3, 0.2, 0.2], 0.1);
    const { mce, relativeMce, relativeOver } = compareRobustness(own, baseline);
    assert.ok(Math.abs(mce - (1 / 2 + 0.5 / 1) / 2) < 1e-12);
    assert.ok(Math.abs(relativeMce! - (0.75 / 1.5 + 0.25 / 0.5) / 2) < 1e-12);
    assert.equal(relativeOver, 2);
    const itself = compareRobustness(own, own);
    assert.ok(Math.abs(itself.mce - 1) < 1e-12 && Math.abs(itself.relativeMce! - 1) < 1e-12);
  });

  it("leaves out of the relative one what the baseline does not suffer from, and refuses what cannot be compared", () => {
    const calm = report([0.2, 0.2, 0.4, 0.4, 0.8], [0.1, 0.1, 0.1, 0.1, 0.1], 0.1);
    const { relativeMce, relativeOver } = compareRobustness(own, calm);
    assert.deepEqual([relativeOver, Math.abs(relativeMce! - 0.5) < 1e-12], [1, true]);
    const none = report([0.1, 0.1, 0.1, 0.1, 0.1], [0.1, 0.1, 0.1, 0.1, 0.1], 0.2);
    assert.equal(compareRobustness(own, none).relativeMce, null);
    const perfect = report([0, 0, 0, 0, 0], [0.1, 0.1, 0.1, 0.1, 0.1], 0);
    assert.throws(() => compareRobustness(own, perfect), /expected errors of the baseline in "a", got none on 10 images/); // prettier-ignore
    assert.throws(() => compareRobustness(own, { ...own, digest: "e" }), /on the same images/);
    assert.throws(() => compareRobustness(own, { ...own, seed: 1 }), /seed 0 \(d\) and 10 with seed 1/);
  });
});

describe("evaluation.json", () => {
  const folder = mkdtempSync(join(tmpdir(), "spheregrad-evaluation-"));
  after(() => { rmSync(folder, { recursive: true }); }); // prettier-ignore

  const accuracy = { top1: 0.5, top5: 1, seconds: 0.1 };
  const calibrated = { ...accuracy, ece: 0.02 };
  const evaluation: Evaluation = {
    ...{ data: "noise", classes: ["dark", "bright"], trainImages: 4, testImages: 2 },
    linear: {
      sgd: { ...calibrated, epochs: 3, optimizer: "lars" },
      lbfgs: { ...calibrated, l2: 1e-4, iterations: 7, gradientNorm: 1e-6, converged: true },
    },
    knn: { ...calibrated, k: 5 },
    ncm: { euclidean: accuracy, cosine: accuracy },
    perClass: [0.5, null],
    confusion: [[1, 1], [0, 0]], // prettier-ignore
    calibration: {
      value: 0.02,
      bins: [{ from: 0, to: 1, count: 2, accuracy: 0.5, confidence: 0.52 }],
    },
  };

  it("is read as it was written, or is not there", () => {
    assert.equal(readEvaluation(folder), undefined);
    const corruptions = { ...report([0, 0, 0, 0, 0], [0, 0, 0, 0, 0], 0), comparison: { baseline: "b", mce: 1, relativeMce: null, relativeOver: 0 } }; // prettier-ignore
    const { linear, knn, ncm, perClass, confusion, calibration, ...rest } = evaluation;
    const fineTuned = { ...calibrated, perClass, confusion, calibration, epochs: 1, learningRate: 0.1 };
    const judged = { ...rest, linear, knn, ncm, perClass, confusion, calibration };
    const full = { ...evaluation, corruptions, fineTuned, transfer: { other: { ...judged, fineTuned } } };
    for (const each of [evaluation, full]) {
      writeEvaluation(folder, each);
      assert.deepEqual(readEvaluation(folder), each);
    }
  });

  it("is refused where it is damaged, by the name of the field", () => {
    const path = join(folder, "evaluation.json");
    const damage = (change: (json: string) => string, message: RegExp) => {
      writeEvaluation(folder, evaluation);
      const before = readFileSync(path, "utf8");
      writeFileSync(path, change(before));
      assert.notEqual(readFileSync(path, "utf8"), before);
      assert.throws(() => readEvaluation(folder), (error) => error instanceof ValueError && message.test(error.message)); // prettier-ignore
    };
    damage((json) => json.slice(0, 50), /evaluation.json: expected JSON/);
    damage(() => "[]", /evaluation.json: expected an object, got \[\]/);
    damage((json) => json.replace('"top1": 0.5', '"top1": 1.5'), /linear.sgd.top1: expected a number from 0 to 1, got 1.5/); // prettier-ignore
    damage((json) => json.replace('"k": 5', '"k": 5.5'), /knn.k: expected an integer >= 0, got 5.5/);
    damage((json) => json.replace('"k": 5', '"n": 5'), /knn.k: expected an integer >= 0, got nothing/);
    damage((json) => json.replace('"converged": true', '"converged": 1'), /lbfgs.converged: expected true or false/); // prettier-ignore
    damage((json) => json.replace('"dark"', "7"), /classes\[0\]: expected a text, got 7/);
    damage(
      (json) => json.replace('"perClass": [', '"perClass": 3, "x": ['),
      /perClass: expected a list, got 3/,
    );
    damage((json) => json.replace("{", '{ "corruptions": {},'), /corruptions.images: expected an integer/);
  });
});
