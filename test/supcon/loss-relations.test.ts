/** Relations between the forms of the loss, and what decides about positives one by one: caps, masks, views. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { grad } from "../../engine/autograd.ts";
import { tensor } from "../../engine/create.ts";
import { ShapeError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { multiLabelMask, supConAnchorLosses, supConLoss } from "../../supcon/losses/index.ts";
import type { SupConOptions } from "../../supcon/losses/index.ts";
import { useReference, values } from "../kernels/helpers.ts";
import { allClose, atLeast, cases, close, orZero } from "./cases.ts";
import type { Case } from "./cases.ts";
import { dot, formOracle, lossForms, normalized, normalRows, oracle } from "./oracle.ts";

const check = (holds: (c: Case) => Promise<void>, numRuns = 40) =>
  fc.assert(fc.asyncProperty(cases, holds), { numRuns });

describe("relations of the loss", () => {
  before(useReference);
  const anchors = (
    rows: readonly number[][] | number[][][],
    labels: number[] | null,
    options: SupConOptions,
  ) => values(supConAnchorLosses(tensor(rows), labels, options));

  it("P1, P9: L_in <= L_out; one positive <= all; negatives alone <= one positive", () =>
    check(async ({ rows, labels, temperature }) => {
      const of = (summation: "out" | "in", denominator: "all" | "onePositive" | "negatives") =>
        anchors(rows, labels, { temperature, summation, denominator });
      const { negatives } = oracle(normalized(rows), labels, temperature);
      for (const denominator of ["all", "onePositive", "negatives"] as const) {
        const [outside, inside] = [await of("out", denominator), await of("in", denominator)];
        outside.forEach((x, i) => { atLeast(x, inside[i]!); }); // prettier-ignore
      }
      for (const summation of ["out", "in"] as const) {
        const [all, one, none] = [await of(summation, "all"), await of(summation, "onePositive"), await of(summation, "negatives")]; // prettier-ignore
        all.forEach((x, i) => {
          atLeast(x, one[i]!);
          if (negatives[i]! > 0) atLeast(one[i]!, none[i]!);
        });
      }
    }));

  it("P3: (G + G^T) Z / (tau M) is the gradient of L_in, whose coefficients of positives are never above 0", () =>
    check(async ({ rows, labels, temperature }) => {
      const z = normalized(rows);
      const { coefficientsIn: g } = oracle(z, labels, temperature);
      const x = tensor(z, undefined, { requiresGrad: true });
      const loss = supConLoss(x, labels, { temperature, summation: "in", normalize: false });
      const expected = z.flatMap((row, i) =>
        row.map((_, k) => z.reduce((sum, other, a) => sum + (g[i]![a]! + g[a]![i]!) * other[k]!, 0)),
      );
      const found = await values(grad(loss, [x])[0]);
      allClose(found, expected.map((v) => v / (temperature * z.length))); // prettier-ignore
    }));

  it("P9: a cap of 0 leaves own views as positives, and drops the rest of the class from the denominator", () =>
    check(async ({ rows, labels, temperature }) => {
      const samples = Math.floor(rows.length / 2);
      if (samples < 2) return;
      const views = Array.from({ length: samples }, (_, n) => [rows[2 * n]!, rows[2 * n + 1]!]);
      const own = labels.slice(0, samples);
      const z = normalized(views.flat());
      const weight = (i: number, a: number): number | null => {
        const [n, m] = [i >> 1, a >> 1];
        return i === a || (n !== m && own[n] === own[m]) ? null : n === m ? 1 : 0;
      };
      for (const summation of ["out", "in"] as const) {
        const found = await anchors(views, own, { temperature, positivesCap: 0, summation });
        allClose(found, formOracle(z, z, weight, temperature, { summation, denominator: "all" }));
        const enough = await anchors(views, own, { temperature, positivesCap: 2 * samples, summation });
        allClose(enough, await anchors(views, own, { temperature, summation }));
      }
    }));

  it("keeps the first samples of the class under a cap, with all of their views", () =>
    check(async ({ rows, labels, temperature }) => {
      const found = await anchors(rows, labels, { temperature, positivesCap: 2 });
      const z = normalized(rows);
      const weight = (i: number, a: number): number | null => {
        if (i === a) return null;
        const ofClass = labels.flatMap((label, j) => (j !== i && label === labels[i] ? [j] : []));
        return ofClass.slice(0, 2).includes(a) ? 1 : ofClass.includes(a) ? null : 0;
      };
      const form = { summation: "out", denominator: "all" } as const;
      allClose(found, orZero(formOracle(z, z, weight, temperature, form)));
    }));

  it("P9: single rows, one positive each and tau = 1 are N-pairs: softplus for one negative", async () => {
    const rows = normalized(normalRows(3, 4, 8));
    const [first] = await anchors(rows, [0, 0, 1], { temperature: 1 });
    const gap = dot(rows[0]!, rows[2]!) - dot(rows[0]!, rows[1]!);
    close(first!, Math.log(1 + Math.exp(gap)));
  });

  it("takes weights one by one, in any form, for masks that need not be symmetric", () =>
    check(async ({ rows, temperature, seed }) => {
      const random = new Random(seed);
      const mask = rows.map(() => rows.map(() => Math.max(0, random.uniform(-1, 2))));
      const z = normalized(rows);
      const weight = (i: number, a: number): number | null => (i === a ? null : mask[i]![a]!);
      for (const form of lossForms) {
        const found = await anchors(rows, null, { temperature, mask, ...form });
        allClose(found, orZero(formOracle(z, z, weight, temperature, form)), 1e-8);
      }
    }));

  it("takes samples with several labels, and is as with labels where each has one", async () => {
    assert.deepEqual(multiLabelMask([[1, 2], [2], [], [3, 2, 1], []]), [
      [1, 1 / 2, 0, 2 / 3, 0],
      [1 / 2, 1, 0, 1 / 3, 0],
      [0, 0, 1, 0, 0],
      [2 / 3, 1 / 3, 0, 1, 0],
      [0, 0, 0, 0, 1],
    ]);
    const [rows, labels] = [normalRows(6, 3, 4), [0, 1, 0, 2, 1, 0]];
    const mask = multiLabelMask(labels.map((label) => [label]));
    allClose(await anchors(rows, null, { mask }), await anchors(rows, labels, {}));
    assert.throws(() => multiLabelMask([]), ShapeError);
  });

  it("any number of views: one of them as anchors is a part of all", () =>
    check(async ({ rows, labels, temperature }) => {
      const samples = Math.floor(rows.length / 3);
      const views = Array.from({ length: samples }, (_, n) => rows.slice(3 * n, 3 * n + 3));
      if (samples === 0) return;
      const own = labels.slice(0, samples);
      const all = await anchors(views, own, { temperature });
      for (const implementation of ["composed", "fused"] as const) {
        const first = await anchors(views, own, { temperature, contrastMode: "one", implementation });
        allClose(first, all.filter((_, i) => i % 3 === 0)); // prettier-ignore
      }
    }));

  it("without labels, keys of a queue are negatives", async () => {
    const rows = normalRows(4, 3, 2);
    const views = [rows.slice(0, 2), rows.slice(2)];
    const keys = normalRows(5, 3, 3);
    const found = await anchors(views, null, { queue: { keys: tensor(keys) } });
    const weight = (i: number, a: number) => (i === a ? null : a < 4 && i >> 1 === a >> 1 ? 1 : 0);
    const form = { summation: "out", denominator: "all" } as const;
    allClose(found, formOracle(normalized(rows), normalized([...rows, ...keys]), weight, 0.1, form));
  });
});
