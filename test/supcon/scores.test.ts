import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { calibration } from "../../supcon/evaluate/calibration.ts";
import type { LabelledFeatures } from "../../supcon/evaluate/features.ts";
import { judgeFeatures } from "../../supcon/evaluate/judge.ts";
import { nearestClassMean } from "../../supcon/evaluate/nearest-mean.ts";
import { confusionMatrix, perClassAccuracy, topK } from "../../supcon/evaluate/scores.ts";
import type { Predictions } from "../../supcon/evaluate/scores.ts";
import { useReference } from "../kernels/helpers.ts";
import { dot, normalized, normalRows } from "./oracle.ts";

before(useReference);

/** Four predictions of three classes. */
const four: Predictions = {
  scores: [0.7, 0.2, 0.1, 0.3, 0.6, 0.1, 0.4, 0.4, 0.2, 0.1, 0.2, 0.7],
  labels: Int32Array.of(0, 0, 1, 2),
  classes: 3,
};

describe("topK", () => {
  it("counts labels among the k greatest, first classes first among equals", () => {
    assert.deepEqual([1, 2, 3, 5].map((k) => topK(four, k)), [0.5, 1, 1, 1]); // prettier-ignore
  });

  it("is what sorting gives, for any scores", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8 }), fc.integer({ min: 1, max: 7 }), fc.integer({ min: 1, max: 9 }), fc.nat(1e6), (rows, classes, k, seed) => {
        const random = new Random(seed);
        const scores = Float64Array.from({ length: rows * classes }, () => random.integer(4));
        const labels = Int32Array.from({ length: rows }, () => random.integer(classes));
        const correct = [...labels].filter((label, i) => {
          const row = [...scores.subarray(i * classes, (i + 1) * classes).entries()];
          return row.sort(([a, x], [b, y]) => y - x || a - b).slice(0, k).some(([c]) => c === label);
        });
        assert.equal(topK({ scores, labels, classes }, k), correct.length / rows);
      }),
    ); // prettier-ignore
  });

  it("refuses what does not fit", () => {
    assert.throws(() => topK({ ...four, classes: 4 }, 1), /topK: expected 4 scores for each .* got 12 and 4 labels/); // prettier-ignore
    assert.throws(() => confusionMatrix({ ...four, scores: [], labels: new Int32Array() }), ValueError);
  });
});

describe("confusionMatrix", () => {
  it("counts predictions by label, and gives the accuracy of each class", () => {
    const confusion = confusionMatrix(four);
    assert.deepEqual(confusion, [[1, 1, 0], [1, 0, 0], [0, 0, 1]]); // prettier-ignore
    assert.deepEqual(perClassAccuracy(confusion), [0.5, 0, 1]);
    assert.deepEqual(perClassAccuracy([[2, 0], [0, 0]]), [1, null]); // prettier-ignore
  });
});

describe("calibration", () => {
  it("is, worked by hand, the weighted gap between how sure and how right", () => {
    // Confidences 0.7 right, 0.6 wrong, 0.4 wrong, 0.7 right; in bins of a fifth: (0.2, 0.4], (0.4, 0.6], (0.6, 0.8].
    const { value, bins } = calibration(four, 5);
    assert.ok(Math.abs(value - (0.4 + 0.6 + 2 * 0.3) / 4) < 1e-12, `${value}`);
    assert.deepEqual(bins.map(({ count }) => count), [0, 1, 1, 2, 0]); // prettier-ignore
    assert.deepEqual([bins[3]!.accuracy, bins[2]!.accuracy, bins[0]!.accuracy], [1, 0, null]);
    assert.ok(Math.abs(bins[3]!.confidence! - 0.7) < 1e-12);
  });

  it("is 0 for who is right as often as he is sure, and the gap for who is always sure", () => {
    const rows = Array.from({ length: 10 }, () => [0.8, 0.2]).flat();
    const labels = Int32Array.from({ length: 10 }, (_, i) => (i < 8 ? 0 : 1));
    assert.ok(calibration({ scores: rows, labels, classes: 2 }).value < 1e-12);
    const sure = rows.map((p) => Math.round(p));
    assert.ok(Math.abs(calibration({ scores: sure, labels, classes: 2 }).value - 0.2) < 1e-12);
    assert.equal(calibration({ scores: sure.map((p) => 1.0000001 * p), labels, classes: 2 }).bins[14]!.count, 10); // prettier-ignore
  });

  it("puts each prediction into one bin, and is never below the gap over all", () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 30 }), fc.integer({ min: 1, max: 20 }), fc.nat(1e6), (rows, count, seed) => {
        const random = new Random(seed);
        const scores = Array.from({ length: rows }, () => random.uniform()).flatMap((p) => [p, 1 - p]);
        const labels = Int32Array.from({ length: rows }, () => random.integer(2));
        const { value, bins } = calibration({ scores, labels, classes: 2 }, count);
        assert.equal(bins.reduce((sum, bin) => sum + bin.count, 0), rows);
        for (const { from, to, confidence } of bins) assert.ok(confidence === null || (confidence > from - 1e-12 && confidence < to + 1e-12));
        const accuracy = topK({ scores, labels, classes: 2 }, 1);
        const confidence = scores.reduce((sum, p, i) => sum + (i % 2 === 0 ? Math.max(p, 1 - p) : 0), 0) / rows;
        assert.ok(value >= Math.abs(accuracy - confidence) - 1e-12);
      }),
    ); // prettier-ignore
    assert.throws(() => calibration(four, 0), ValueError);
  });
});

function randomFeatures(count: number, seed: number): LabelledFeatures & { rows: number[][] } {
  const rows = normalRows(count, 4, seed);
  const labels = Int32Array.from(rows, (row) => (row[0]! > 0.5 ? 2 : row[1]! > 0 ? 1 : 0));
  return { rows, values: Float32Array.from(rows.flat()), count, length: 4, labels, classes: 4 };
}

describe("nearestClassMean", () => {
  it("predicts the class of the nearest mean, and never one without vectors", async () => {
    const [train, test] = [randomFeatures(40, 1), randomFeatures(30, 2)];
    for (const distance of ["euclidean", "cosine"] as const) {
      using classifier = nearestClassMean(train, distance);
      const scores = await classifier.probabilities(test);
      const prepared = (rows: number[][]) => (distance === "cosine" ? normalized(rows) : rows);
      const means = [0, 1, 2].map((c) => {
        const own = prepared(train.rows).filter((_, i) => train.labels[i] === c);
        return own[0]!.map((_, k) => own.reduce((sum, row) => sum + row[k]!, 0) / own.length);
      });
      const targets = distance === "cosine" ? normalized(means) : means;
      prepared(test.rows).forEach((row, i) => {
        const distances = targets.map((m) => dot(row.map((x, k) => x - m[k]!), row.map((x, k) => x - m[k]!))); // prettier-ignore
        const found = [...scores.subarray(4 * i, 4 * i + 4)];
        assert.equal(found.indexOf(Math.max(...found)), distances.indexOf(Math.min(...distances)));
        assert.equal(found[3], 0, "class 3 has no vectors");
      });
    }
    assert.throws(() => nearestClassMean({ ...train, count: 3 }, "cosine"), ValueError);
  });
});

/** Around (2, 0, 0, 0), (0, 2, 0, 0) and (0, 0, 2, 0). */
function clusters(count: number, seed: number): LabelledFeatures {
  const features = randomFeatures(count, seed);
  const labels = features.labels.map((_, i) => i % 3);
  const values = features.values.map((x, i) => x / 2 + (i % 4 === labels[i >> 2] ? 2 : 0));
  return { ...features, values, labels };
}

describe("judgeFeatures", () => {
  it("lets each classifier tell separable classes, in figures that fit each other", async () => {
    const [train, test] = [clusters(200, 3), clusters(60, 4)];
    const { judged, classifier } = await judgeFeatures(train, test, {
      epochs: 10,
      seed: 0,
      k: 5,
      optimizer: "nesterov",
    });
    classifier.dispose();
    const { linear, knn, ncm, confusion, perClass, calibration: found } = judged;
    for (const { top1, top5 } of [linear.sgd, linear.lbfgs, knn, ncm.euclidean, ncm.cosine]) {
      assert.ok(top1 > 0.9, `top-1 ${top1}`);
      assert.equal(top5, 1, "there are four classes");
    }
    const trace = confusion.reduce((sum, row, c) => sum + row[c]!, 0);
    assert.ok(Math.abs(trace / 60 - linear.sgd.top1) < 1e-12);
    assert.equal(found.value, linear.sgd.ece);
    assert.equal(linear.sgd.optimizer, "nesterov");
    assert.equal(perClass[3], null);
    await assert.rejects(judgeFeatures(train, { ...test, classes: 5 }, { epochs: 1, seed: 0, k: 5 }), /one set of classes/); // prettier-ignore
  });
});
