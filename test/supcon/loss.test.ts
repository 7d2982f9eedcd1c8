import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { grad } from "../../engine/autograd.ts";
import { full, tensor } from "../../engine/create.ts";
import { DTypeError, NotDifferentiableError, ShapeError, ValueError } from "../../engine/errors.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { sum } from "../../kernels/index.ts";
import { supConAnchorLosses, supConDiagnostics, supConLoss } from "../../supcon/losses/index.ts";
import type { SupConOptions } from "../../supcon/losses/index.ts";
import { assertRefused, useReference, values } from "../kernels/helpers.ts";
import { goldenFeatures, goldenLabels, normalRows } from "./oracle.ts";

const implementations = ["composed", "fused"] as const;

/** Golden values are given with `digits` decimals: they are met to half of the last one. */
function assertDigits(actual: readonly number[], expected: readonly number[], digits: number): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    const off = Math.abs(value - expected[i]!);
    assert.ok(off <= 0.500001 * 10 ** -digits, `element ${i}: expected ${expected[i]}, got ${value}`);
  });
}

/** One label for each of `copies` rows of every class. */
const repeated = (rows: readonly number[][], copies: number): { rows: number[][]; labels: number[] } => ({
  rows: rows.flatMap((row) => Array.from({ length: copies }, () => row)),
  labels: rows.flatMap((_, label) => Array.from({ length: copies }, () => label)),
});

const oneHot = (length: number, i: number): number[] => Array.from({ length }, (_, k) => (k === i ? 1 : 0));

for (const implementation of implementations) {
  describe(`supConLoss, ${implementation}, in double precision`, () => {
    before(useReference);

    const loss = (features: Tensor, labels: readonly number[] | null, options: SupConOptions = {}) =>
      supConLoss(features, labels, { ...options, implementation }).item();
    const bySample = async (
      features: readonly number[][][],
      labels: number[] | null,
      options: SupConOptions,
    ) => {
      const anchors = supConAnchorLosses(tensor(features), labels, { ...options, implementation });
      const rows = await values(anchors);
      const views = features[0]!.length;
      return features.map((_, n) => rows.slice(n * views, (n + 1) * views).reduce((a, b) => a + b) / views);
    };

    it("is log(M - 1) where all embeddings are equal, for any labels (closed form 1)", async () => {
      const features = full([10, 3], 1);
      for (const labels of [
        [0, 0, 1, 1, 2, 0, 0, 1, 1, 2],
        new Array(10).fill(7),
        [1, 1, 2, 2, 3, 3, 4, 4, 5, 5],
      ]) {
        assertDigits([await loss(features, labels)], [2.1972245773], 10);
      }
    });

    it("starts at log(2B - 1) on collapsed embeddings (closed form 2)", async () => {
      const labels = (samples: number) => Array.from({ length: samples }, (_, i) => i % 10);
      const at = (samples: number, options?: SupConOptions) =>
        loss(full([samples, 2, 2], 1), labels(samples), options);
      assertDigits([await at(32), await at(64)], [4.143135, 4.844187], 6);
      const supContrast = { scale: { base: 0.07 } };
      assertDigits([await at(32, supContrast), await at(64, supContrast)], [5.9188, 6.9203], 4);
    });

    it("is at its least on a regular simplex (closed form 3)", async () => {
      const simplex = (classes: number, copies: number, temperature: number) => {
        // One-hot vectors less their mean: equal angles, cos = -1 / (C - 1).
        const corners = Array.from({ length: classes }, (_, c) =>
          oneHot(classes, c).map((x) => x - 1 / classes),
        );
        const { rows, labels } = repeated(corners, copies);
        return loss(tensor(rows), labels, { temperature });
      };
      const found = [await simplex(10, 4, 0.1), await simplex(10, 26, 0.1), await simplex(3, 4, 0.5)];
      assertDigits(found, [1.0987916167, 3.2190157035, 1.2232742905], 10);
    });

    it("knows antipodal and orthogonal classes (closed forms 4 and 5)", async () => {
      const antipodal = repeated([[1, 0], [-1, 0]], 2); // prettier-ignore
      const orthogonal = repeated([0, 1, 2].map((c) => oneHot(3, c)), 4); // prettier-ignore
      const found = [
        await loss(tensor(antipodal.rows), antipodal.labels, { temperature: 0.5 }),
        await loss(tensor(orthogonal.rows), orthogonal.labels, { temperature: 1 }),
      ];
      assertDigits(found, [0.0359762997, 1.7822200347], 10);
    });

    it("is log 3 on a tetrahedron without labels, at any temperature (closed form 6)", async () => {
      const corners = [[[1, 1, 1], [1, -1, -1]], [[-1, 1, -1], [-1, -1, 1]]]; // prettier-ignore
      for (const temperature of [0.05, 0.1, 1]) {
        assertDigits([await loss(tensor(corners), null, { temperature })], [1.0986123], 7);
      }
      const scaled = await loss(tensor(corners), null, { temperature: 0.1, scale: "temperature" });
      assertDigits([scaled], [0.1098612], 7);
    });

    it("gives TensorFlow's values on one-hot embeddings (closed forms 7 and 8)", async () => {
      const views = [2, 1, 0].map((i) => [oneHot(3, i), oneHot(3, i)]);
      assertDigits(
        await bySample(views, [0, 0, 1], { temperature: 1 }),
        [1.5714991, 1.5714991, 0.9048324],
        7,
      );
      const mixed = [[oneHot(3, 2), oneHot(3, 1)], [oneHot(3, 0), [0, -1, 0]]]; // prettier-ignore
      assertDigits([await loss(tensor(mixed), null, { temperature: 1 })], [0.9803035], 7);
    });

    it("gives TensorFlow's values for features that are not normalised (option matrix, out, ALL)", async () => {
      const options = { temperature: 1, normalize: false };
      const found = await bySample(goldenFeatures, goldenLabels, options);
      // Their single precision holds to 1e-5.
      assertDigits(found.map((x) => x * 10), [16.755852, 17.973773, 15.8471], 4); // prettier-ignore
    });

    it("has the golden losses and gradients", async () => {
      const features = tensor(goldenFeatures, undefined, { requiresGrad: true });
      const anchors = supConAnchorLosses(features, goldenLabels, { implementation });
      const [a, b, c, d, e, f] = await values(anchors);
      // The golden rows are listed view by view.
      assertDigits(
        [a!, c!, e!, b!, d!, f!],
        [2.46502036, 3.22632976, 1.59040365, 2.44554144, 2.59785321, 1.56825548],
        8,
      );
      const total = supConLoss(features, goldenLabels, { implementation });
      assertDigits([await total.item()], [2.3155673168], 10);
      const [g] = grad(total, [features]);
      const gradient = await values(g);
      assertDigits(gradient.slice(0, 3), [-5.56011921, -7.98044829, 1.53721541], 8);
      // Row 4 of six, view by view: the second view of the second sample.
      assertDigits(gradient.slice(9, 12), [0.09774864, 0.28224169, -0.48297555], 8);
      const warmer = await loss(features, goldenLabels, { temperature: 0.5 });
      assertDigits([warmer, await loss(features, null)], [1.6775823115, 2.0564857947], 10);
    });

    it("treats anchors without positives as the policy says", async () => {
      const features = tensor(normalRows(4, 3, 1), undefined, { requiresGrad: true });
      const labels = [0, 1, 1, 3];
      const zero = supConLoss(features, labels, { implementation });
      const skip = supConLoss(features, labels, { implementation, emptyAnchors: "skip" });
      assertDigits([2 * (await zero.item())], [await skip.item()], 12);
      assert.deepEqual(
        (await values(supConAnchorLosses(features, labels, { implementation }))).map((x) => x === 0),
        [true, false, false, true],
      );
      // They are still negatives of the others, and have no term of their own.
      const [g] = grad(zero, [features]);
      const [h] = grad(skip, [features]);
      const [half, whole] = [await values(g), await values(h)];
      assertDigits(half.map((x) => 2 * x), whole, 11); // prettier-ignore
      assert.deepEqual(half.slice(0, 3).map((x) => x === 0), [false, false, false]); // prettier-ignore
      assertRefused(
        () => supConLoss(features, labels, { implementation, emptyAnchors: "error" }),
        ValueError,
        /expected a positive for every anchor, got 2 of 4 anchors without one; use two views/,
      );
      const alone = [0, 1, 2, 3];
      assert.equal(await loss(features, alone), 0);
      assertRefused(
        () => supConLoss(features, alone, { implementation, emptyAnchors: "skip" }),
        ValueError,
        /got none among 4/,
      );
    });

    it("takes labels as a tensor, and any integers", async () => {
      const features = tensor(normalRows(6, 3, 2));
      const expected = await loss(features, [0, 1, 0, 2, 2, 1]);
      assert.equal(await loss(features, [-5, 2 ** 40, -5, 7, 7, 2 ** 40]), expected);
      const onDevice = tensor(Int32Array.of(4, 9, 4, -3, -3, 9));
      assert.equal(await supConLoss(features, onDevice, { implementation }).item(), expected);
    });
  });
}

describe("supConLoss", () => {
  before(useReference);

  it("refuses bad input before any work", () => {
    const features = tensor(normalRows(4, 3, 0));
    const refused = (labels: never, options: object, type: new (m: string) => Error, message: RegExp) => {
      assertRefused(() => supConLoss(features, labels, options), type, message);
    };
    const labels = [0, 0, 1, 1] as never;
    refused(labels, { temperature: 0 }, ValueError, /supConLoss: expected temperature .* > 0, got 0/);
    refused(labels, { scale: { base: -1 } }, ValueError, /expected scale.base to be .* got -1/);
    refused(labels, { scale: "tau" }, ValueError, /expected scale among "none", "temperature", got "tau"/);
    refused(
      labels,
      { emptyAnchors: "drop" },
      ValueError,
      /expected emptyAnchors among "zero", "skip", "error"/,
    );
    refused(labels, { normalize: 1 }, ValueError, /expected normalize among true, false, "verify", got 1/);
    refused(labels, { implementation: "fast" }, ValueError, /expected implementation among/);
    refused([0, 1] as never, {}, ShapeError, /expected labels \[4\], .* features \[4, 3\], got \[2\]/);
    refused([0, 0.5, 1, 1] as never, {}, DTypeError, /expected integers as labels, got 0.5 at position 1/);
    refused(full([4], 1) as never, {}, DTypeError, /expected i32 for labels, got f32/);
    refused(null as never, {}, ShapeError, /expected features \[N, V, D\] with V >= 2 .* no labels/);
    assertRefused(() => supConLoss(full([3], 1), [0, 0, 1]), ShapeError, /expected features \[M, D\] or/);
    assertRefused(() => supConLoss(full([1, 3], 1), [0]), ValueError, /expected at least 2 anchors, got 1/);
    assertRefused(
      () => supConLoss(tensor(Int32Array.of(1, 2), [2, 1]), [0, 0]),
      DTypeError,
      /expected f32 for features, got i32/,
    );
  });

  it("fused, says that it cannot be differentiated twice; composed can", () => {
    const features = tensor(goldenFeatures, undefined, { requiresGrad: true });
    const twice = (implementation: "fused" | "composed") => {
      const [g] = grad(supConLoss(features, goldenLabels, { implementation }), [features], {
        createGraph: true,
      });
      return grad(sum(g), [features]);
    };
    assertRefused(() => twice("fused"), NotDifferentiableError, /contrastiveLosses.gradient/);
    assert.deepEqual([...twice("composed")[0].shape], [3, 2, 3]);
  });
});

describe("supConDiagnostics", () => {
  it("counts, and tells where the loss can be", () => {
    const found = supConDiagnostics([0, 1, 1, 3], 1);
    assert.deepEqual([found.anchors, found.emptyAnchors], [4, 2]);
    assert.equal(supConDiagnostics([0, 1, 1, 3], 2).emptyAnchors, 0);
    const skipping = supConDiagnostics([0, 1, 1, 3], 1, { emptyAnchors: "skip" });
    assert.equal(found.floor, skipping.floor / 2);
    // |P| = 1 and |N| = 2: log(1 + 2 e^-20), log 3 + 20
    assertDigits([skipping.floor, skipping.ceiling], [Math.log1p(2 * Math.exp(-20)), Math.log(3) + 20], 12);
    assert.throws(() => supConDiagnostics([0, 1, 1, 3], 1, { emptyAnchors: "error" }), ValueError);
    const raw = supConDiagnostics([0, 0, 0], 1, { normalize: false });
    assertDigits([raw.floor], [Math.log(2)], 12);
    assert.equal(raw.ceiling, Infinity);
  });

  it("knows the loss of collapsed embeddings (closed form 2)", () => {
    const at = (samples: number, options?: SupConOptions) => {
      const labels = Array.from({ length: samples }, (_, i) => i % 10);
      return supConDiagnostics(labels, 2, options).collapsed;
    };
    const samples = [32, 64, 128, 256, 512, 1024];
    assertDigits(samples.map((n) => at(n)), [4.143135, 4.844187, 5.541264, 6.23637, 6.930495, 7.624131], 6); // prettier-ignore
    const supContrast = { scale: { base: 0.07 } };
    assertDigits(samples.map((n) => at(n, supContrast)), [5.9188, 6.9203, 7.9161, 8.9091, 9.9007, 10.8916], 4); // prettier-ignore
  });
});
