import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { tensor } from "../../engine/create.ts";
import { init } from "../../engine/backend.ts";
import { ValueError } from "../../engine/errors.ts";
import { gradCheck } from "../../engine/gradcheck.ts";
import {
  maxMarginLoss,
  nPairsLoss,
  supConAnchorLosses,
  supConLoss,
  tripletLoss,
} from "../../supcon/losses/index.ts";
import type { TripletOptions } from "../../supcon/losses/index.ts";
import { assertRefused, useReference } from "../kernels/helpers.ts";
import { dot, goldenFeatures, goldenLabels, normalized, normalRows } from "./oracle.ts";

const close = (actual: number, expected: number, tolerance = 1e-10): void => {
  const off = Math.abs(actual - expected);
  assert.ok(off <= tolerance * Math.max(1, Math.abs(expected)), `expected ${expected}, got ${actual}`);
};
const batches = fc
  .record({
    count: fc.integer({ min: 4, max: 9 }),
    length: fc.integer({ min: 2, max: 5 }),
    seed: fc.nat(1e6),
  })
  .map(({ count, length, seed }) => ({
    rows: normalRows(count, length, seed),
    labels: Array.from({ length: count }, (_, i) => [0, 0, 1, 2, 1, 0, 2, 2, 1][i]!),
  }));

/** All triplets of a batch: similarities to the positive and to the negative. */
function triplets(rows: number[][], labels: number[]): { anchor: number; p: number; n: number }[] {
  const z = normalized(rows);
  const all = z.map((_, i) => i);
  return all.flatMap((anchor) => {
    const of = (same: boolean) => all.filter((a) => a !== anchor && (labels[a] === labels[anchor]) === same);
    const s = (a: number) => dot(z[anchor]!, z[a]!);
    return of(true).flatMap((p) => of(false).map((n) => ({ anchor, p: s(p), n: s(n) })));
  });
}
const mean = (xs: readonly number[]): number => xs.reduce((a, b) => a + b, 0) / xs.length;
const forms: readonly (readonly [TripletOptions, (p: number, n: number) => number])[] = [
  [{ form: "softplus", temperature: 0.3 }, (p, n) => Math.log1p(Math.exp((n - p) / 0.3))],
  // |a - p|^2 - |a - n|^2 = 2 (n - p) on unit vectors
  [{ form: "margin", margin: 0.4 }, (p, n) => Math.max(0, 2 - 2 * p - (2 - 2 * n) + 0.4)],
];

describe("tripletLoss", () => {
  before(useReference);

  it("has the golden value of one triplet (closed form 9)", async () => {
    const vector = (s: number, axis: number) => [
      s,
      ...[1, 2].map((k) => (k === axis ? Math.sqrt(1 - s * s) : 0)),
    ];
    for (const [p, n, expected] of [
      [0.5, 0.45, 0.4740769842],
      [0.5, 0.5, Math.LN2],
    ] as const) {
      // prettier-ignore
      const rows = [[1, 0, 0], vector(p, 1), vector(n, 2)];
      // The positive is an anchor too, p n from the negative.
      const other = Math.log1p(Math.exp((p * n - p) / 0.1));
      for (const mining of ["hard", "all"] as const) {
        const loss = await tripletLoss(tensor(rows), [4, 4, 5], { mining }).item();
        close(2 * loss - other, expected, 1e-9);
      }
    }
  });

  for (const [options, of] of forms) {
    it(`${options.form} is its definition over all triplets, and over the hardest of each anchor`, () =>
      fc.assert(
        fc.asyncProperty(batches, async ({ rows, labels }) => {
          const all = triplets(rows, labels);
          const every = await tripletLoss(tensor(rows), labels, { ...options, mining: "all" }).item();
          close(every, mean(all.map(({ p, n }) => of(p, n)))); // prettier-ignore
          const hardest = [...new Set(all.map(({ anchor }) => anchor))].map((i) => {
            const own = all.filter(({ anchor }) => anchor === i);
            return of(Math.min(...own.map(({ p }) => p)), Math.max(...own.map(({ n }) => n)));
          });
          close(await tripletLoss(tensor(rows), labels, options).item(), mean(hardest));
        }),
        { numRuns: 25 },
      ));

    for (const mining of ["hard", "all"] as const) {
      it(`${options.form}, ${mining}, has the gradient of central differences`, async () => {
        await gradCheck(
          (x) => tripletLoss(x, [0, 0, 1, 2, 1], { ...options, mining }),
          [tensor(normalRows(5, 4, 3))],
        );
      });
    }
  }

  it("is the contrastive loss where each anchor has one positive and one negative", async () => {
    // Two views of two samples have two negatives; a class of its own has no positive.
    const rows = tensor(normalRows(3, 4, 6));
    const losses = await supConAnchorLosses(rows, [0, 0, 1], { temperature: 0.1 }).data();
    close(await tripletLoss(rows, [0, 0, 1]).item(), (losses[0]! + losses[1]!) / 2);
  });

  it("refuses what has no triplet, and options out of range", () => {
    const rows = tensor(normalRows(4, 3, 1));
    assertRefused(
      () => tripletLoss(rows, [1, 1, 1, 1]),
      ValueError,
      /a positive and a negative, got none among 4/,
    );
    assertRefused(
      () => tripletLoss(rows, [1, 2, 3, 4]),
      ValueError,
      /a positive and a negative, got none among 4/,
    );
    assertRefused(() => tripletLoss(rows, [1, 1, 2, 2], { margin: 0 }), ValueError, /expected margin to be/);
    assertRefused(
      () => tripletLoss(rows, [1, 1, 2, 2], { mining: "semi" as "hard" }),
      ValueError,
      /mining among/,
    );
  });
});

describe("nPairsLoss", () => {
  before(useReference);

  it("is the cross-entropy of the first positive among it and all negatives", () =>
    fc.assert(
      fc.asyncProperty(batches, fc.boolean(), async ({ rows, labels }, normalize) => {
        const z = normalize ? normalized(rows) : rows;
        const all = z.map((_, i) => i);
        const losses = all.map((i) => {
          const p = all.find((a) => a !== i && labels[a] === labels[i]);
          if (p === undefined) return 0;
          const negatives = all.filter((a) => labels[a] !== labels[i]);
          const s = (a: number) => dot(z[i]!, z[a]!);
          return Math.log(1 + negatives.reduce((sum, n) => sum + Math.exp(s(n) - s(p)), 0));
        });
        close(await nPairsLoss(tensor(rows), labels, { normalize }).item(), mean(losses));
      }),
      { numRuns: 25 },
    ));

  it("is SimCLR's for two views without labels, at its temperature", async () => {
    const views = tensor(goldenFeatures);
    close(await nPairsLoss(views, null, { temperature: 0.1 }).item(), await supConLoss(views, null).item());
    close(await nPairsLoss(views, null, { temperature: 0.1 }).item(), 2.0564857947);
  });

  it("has the gradient of central differences", async () => {
    await gradCheck((x) => nPairsLoss(x, [0, 0, 1, 2, 1]), [tensor(normalRows(5, 4, 3))]);
  });
});

describe("maxMarginLoss", () => {
  before(useReference);

  it("is worked by hand for three points of the circle", async () => {
    // 0, 90 and 180 degrees: distances sqrt 2 (positive), 2 and sqrt 2 (negative).
    const rows = [[2, 0], [0, 3], [-1, 0]]; // prettier-ignore
    const near = (1.5 - Math.SQRT2) ** 2;
    close(await maxMarginLoss(tensor(rows), [0, 0, 1], { margin: 1.5 }).item(), (2 + 0 + near) / 2 / 3);
    close(await maxMarginLoss(tensor(rows), [0, 0, 1]).item(), 2 / 2 / 3);
  });

  it("is the definition, pair by pair", () =>
    fc.assert(
      fc.asyncProperty(batches, async ({ rows, labels }) => {
        const z = normalized(rows);
        const terms = z.flatMap((a, i) =>
          z.flatMap((b, j) => {
            if (i === j) return [];
            const d = Math.hypot(...a.map((x, k) => x - b[k]!));
            return [labels[i] === labels[j] ? d ** 2 / 2 : Math.max(0, 1.2 - d) ** 2 / 2];
          }),
        );
        close(await maxMarginLoss(tensor(rows), labels, { margin: 1.2 }).item(), mean(terms), 1e-9);
      }),
      { numRuns: 25 },
    ));

  it("has the gradient of central differences, and none where rows are one", async () => {
    await gradCheck((x) => maxMarginLoss(x, [0, 0, 1, 2, 1]), [tensor(normalRows(5, 4, 3))]);
    const backend = await init({ backend: "cpu" });
    const x = tensor([[1, 2], [1, 2], [1, 2]], undefined, { requiresGrad: true }); // prettier-ignore
    assert.ok(Number.isFinite(await maxMarginLoss(x, goldenLabels).item()), "equal rows have a loss");
    await backend.destroy();
  });
});
