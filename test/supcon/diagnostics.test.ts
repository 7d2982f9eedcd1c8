import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { grad } from "../../engine/autograd.ts";
import { full, tensor } from "../../engine/create.ts";
import { DTypeError, ShapeError, ValueError } from "../../engine/errors.ts";
import {
  collapseWarning,
  embeddingDiagnostics,
  neighbourAccuracy,
  supConDiagnostics,
  supConLoss,
} from "../../supcon/losses/index.ts";
import { assertRefused, useReference, values } from "../kernels/helpers.ts";
import { dot, normalized, normalRows, oracle } from "./oracle.ts";

const close = (actual: number, expected: number, tolerance = 1e-10): void => {
  const off = Math.abs(actual - expected);
  assert.ok(off <= tolerance * Math.max(1, Math.abs(expected)), `expected ${expected}, got ${actual}`);
};
const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length;

describe("neighbourAccuracy", () => {
  it("is by hand 3 of 4: the last row's neighbour is of the other class; lengths mean nothing", () => {
    const rows = [1, 0, 9, 1, 0, 5, 1, 0.9];
    assert.equal(neighbourAccuracy(rows, [0, 0, 1, 1], { width: 2 }), 0.75);
  });
  it("does not count a sample's own views, and is NaN where there is no other sample", () => {
    assert.equal(neighbourAccuracy([1, 0, 1, 0, 0, 1, 0, 1], [0, 1], { width: 2, views: 2 }), 0);
    assert.equal(neighbourAccuracy([1, 0, 0, 1], [3], { width: 2, views: 2 }), NaN);
  });
  it("refuses rows that do not fit", () => {
    assertRefused(() => neighbourAccuracy([1, 2, 3], [0, 1], { width: 2 }), ShapeError, /^neighbourAccuracy: expected 2 samples of 1 rows of length 2, got 3 numbers/); // prettier-ignore
  });
});

describe("embeddingDiagnostics", () => {
  it("knows a collapsed batch, and classes at opposite poles", () => {
    const collapsed = embeddingDiagnostics(new Float32Array(12).fill(2), [0, 0, 1, 1], { width: 3 });
    const { alignment, uniformity, positiveHardness, negativeHardness } = collapsed;
    for (const x of [alignment, uniformity, positiveHardness, negativeHardness]) close(x, 0, 1e-7);
    const poles = embeddingDiagnostics([1, 0, 3, 0, -1, 0, -2, 0], [5, 9], { width: 2, views: 2 });
    // Each has one other at 0 and two at |z_i - z_a|^2 = 4.
    close(poles.uniformity, Math.log((1 + 2 * Math.exp(-8)) / 3));
    assert.deepEqual([poles.alignment, poles.confused], [0, 0]);
    assert.deepEqual([poles.positiveSimilarity, poles.negativeSimilarity], [1, -1]);
    assert.deepEqual([poles.positiveHardness, poles.negativeHardness], [0, 0]);
  });

  it("weighs examples as their parts in the gradient are long", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 10 }),
        fc.nat(1e6),
        fc.constantFrom("out", "in"),
        (count, seed, summation) => {
          const rows = normalRows(count, 3, seed);
          const labels = rows.map((_, i) => (i * i) % 3);
          const z = normalized(rows);
          const { coefficientsOut, coefficientsIn, positives } = oracle(z, labels, 0.2);
          const g = summation === "out" ? coefficientsOut : coefficientsIn;
          const own = z.map((_, i) => i).filter((i) => positives[i]! > 0);
          // The part of z_a at right angles to z_i, times its coefficient.
          const parts = (same: boolean) =>
            own.map((i) =>
              z.reduce((sum, other, a) => {
                if (a === i || (labels[a] === labels[i]) !== same) return sum;
                const s = dot(z[i]!, other);
                return sum + Math.abs(g[i]![a]!) * Math.hypot(...other.map((x, k) => x - s * z[i]![k]!));
              }, 0),
            );
          const found = embeddingDiagnostics(rows.flat(), labels, { width: 3, temperature: 0.2, summation });
          if (own.length === 0) return;
          close(found.positiveHardness, mean(parts(true)), 1e-8);
          close(found.negativeHardness, mean(parts(false)), 1e-8);
          const pairs = own.flatMap((i) => z.flatMap((b, a) => (a !== i && labels[a] === labels[i] ? [Math.hypot(...b.map((x, k) => x - z[i]![k]!)) ** 2] : []))); // prettier-ignore
          close(found.alignment, mean(pairs), 1e-8);
        },
      ),
      { numRuns: 50 },
    );
  });

  it("refuses what does not fit", () => {
    const call = (labels: number[], options: object) => () =>
      embeddingDiagnostics(new Float32Array(12), labels, { width: 3, ...options });
    assertRefused(
      call([0, 1, 2], {}),
      ShapeError,
      /expected 3 samples of 1 rows of length 3, got 12 numbers/,
    );
    assertRefused(call([0, 1, 2, 0.5], {}), DTypeError, /expected integers as labels, got 0.5 at position 3/);
    assertRefused(call([0, 1, 2, 3], { temperature: -1 }), ValueError, /expected temperature/);
    assertRefused(call([0, 1, 2, 3], { summation: "none" }), ValueError, /expected summation among/);
  });
});

describe("supConDiagnostics of other denominators", () => {
  before(useReference);

  it("reaches its bounds where positives are at 1 and negatives at -1, and the other way round", async () => {
    const poles = (signs: number[]) => tensor(signs.map((x) => [x, 0]));
    const labels = [0, 0, 1, 1];
    for (const denominator of ["all", "onePositive", "negatives"] as const) {
      const options = { denominator, temperature: 0.7 };
      const { floor, ceiling } = supConDiagnostics(labels, 1, options);
      close(await supConLoss(poles([1, 1, -1, -1]), labels, options).item(), floor);
      if (denominator === "all") continue;
      // Each anchor has its positive at -1, and one negative at 1 and one at -1.
      const worst = await supConLoss(poles([1, -1, 1, -1]), labels, options).item();
      assert.ok(worst < ceiling && worst > ceiling - Math.LN2, `expected ${worst} near ${ceiling}`);
    }
  });

  it("counts a queue, a mask, a cap and one view as the loss does", async () => {
    const keys = full([5, 3], 1);
    const features = full([4, 2, 3], 1);
    const labels = [0, 0, 1, 1];
    const mask = [[1, 1, 0, 0], [1, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]]; // prettier-ignore
    for (const options of [
      { queue: { keys, labels: [0, 1, 1, 7, 7] } },
      { positivesCap: 0 },
      { contrastMode: "one", denominator: "negatives", scale: "temperature" },
      { mask, denominator: "onePositive" },
    ] as const) {
      const own = "mask" in options ? null : labels;
      close(await supConLoss(features, own, options).item(), supConDiagnostics(own, 2, options).collapsed);
    }
  });
});

describe("collapseWarning", () => {
  before(useReference);

  it("names the value of equal embeddings, which have no gradient", async () => {
    const labels = Array.from({ length: 256 }, (_, i) => i % 10);
    const supContrast = { scale: { base: 0.07 } };
    const range = supConDiagnostics(labels, 2, supContrast);
    assert.match(
      collapseWarning(8.9091, range) ?? "",
      /loss is 8.9091, and 8.9091 = 1.429 log\(511\) is its value/,
    );
    assert.equal(collapseWarning(8.7, range), null);
    assert.equal(collapseWarning(NaN, range), null);
    const x = tensor(new Array(8).fill([1, 2, 3]), undefined, { requiresGrad: true });
    const own = [0, 0, 1, 1, 2, 2, 3, 3];
    const loss = supConLoss(x, own);
    assert.match(collapseWarning(await loss.item(), supConDiagnostics(own, 1)) ?? "", /1.9459 = log\(7\) is/);
    assert.ok(
      (await values(grad(loss, [x])[0])).every((g) => Math.abs(g) < 1e-12),
      "no gradient",
    );
    const uneven = supConDiagnostics([0, 0, 0, 1, 1], 1, { denominator: "negatives" });
    assert.equal(uneven.collapsedForm, "a mean of logs");
  });
});
