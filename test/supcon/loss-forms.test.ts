/**
 * The properties of a contrastive loss (shared/reference/supcon.md, section 5) for L_out and L_in on each denominator, and
 * for anchors that are compared with more, or other, rows than their batch.
 */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { grad } from "../../engine/autograd.ts";
import { init } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import { ShapeError } from "../../engine/errors.ts";
import { gradCheck } from "../../engine/gradcheck.ts";
import { Random } from "../../engine/random.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { add, mul, slice } from "../../kernels/index.ts";
import {
  multiLabelMask,
  supConAnchorLosses,
  supConDiagnostics,
  supConLoss,
} from "../../supcon/losses/index.ts";
import type { SupConOptions } from "../../supcon/losses/index.ts";
import { useReference, values } from "../kernels/helpers.ts";
import { byLabels, dot, formOracle, lossForms, normalized, normalRows, oracle } from "./oracle.ts";

interface Case {
  readonly rows: number[][];
  readonly labels: number[];
  readonly temperature: number;
  readonly seed: number;
}

const cases: fc.Arbitrary<Case> = fc
  .record({
    count: fc.integer({ min: 3, max: 12 }),
    length: fc.integer({ min: 2, max: 6 }),
    classes: fc.integer({ min: 1, max: 4 }),
    temperature: fc.constantFrom(0.05, 0.07, 0.1, 0.5, 1, 2),
    seed: fc.nat(1e6),
  })
  .map(({ count, length, classes, temperature, seed }) => {
    const random = new Random(seed);
    const labels = Array.from({ length: count }, () => random.integer(classes));
    return { rows: normalRows(count, length, seed), labels, temperature, seed };
  });
const check = (holds: (c: Case) => Promise<void>, numRuns = 40) =>
  fc.assert(fc.asyncProperty(cases, holds), { numRuns });

const close = (actual: number, expected: number, tolerance = 1e-9): void => {
  const off = Math.abs(actual - expected);
  assert.ok(off <= tolerance * Math.max(1, Math.abs(expected)), `expected ${expected}, got ${actual}`);
};
const allClose = (actual: readonly number[], expected: readonly number[], tolerance?: number): void => {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => { close(value, expected[i]!, tolerance); }); // prettier-ignore
};
const atLeast = (actual: number, bound: number): void => {
  assert.ok(
    actual >= bound - 1e-9 * Math.max(1, Math.abs(bound)),
    `expected at least ${bound}, got ${actual}`,
  );
};
const orZero = (xs: readonly number[]): number[] => xs.map((x) => (Number.isNaN(x) ? 0 : x));

for (const form of lossForms) {
  const { summation, denominator } = form;
  const implementations =
    summation === "in" && denominator === "onePositive"
      ? (["composed"] as const)
      : (["composed", "fused"] as const);
  for (const implementation of implementations) {
    describe(`L_${summation} on ${denominator}, ${implementation}`, () => {
      before(useReference);
      const anchors = (rows: number[][], labels: number[], options: SupConOptions) =>
        values(supConAnchorLosses(tensor(rows), labels, { ...form, implementation, ...options }));

      it("is what its definition says, pair by pair", () =>
        check(async ({ rows, labels, temperature }) => {
          const expected = formOracle(...twice(normalized(rows)), byLabels(labels), temperature, form);
          allClose(await anchors(rows, labels, { temperature }), orZero(expected));
        }));

      it("P4: the gradient is that of central differences, through the normalisation", () =>
        check(async ({ rows, labels, temperature }) => {
          const epsilon = 1e-5 * Math.min(1, temperature);
          const options = { ...form, temperature, implementation };
          await gradCheck((x) => supConLoss(x, labels, options), [tensor(rows)], {
            epsilon,
            tolerance: 2e-6,
          });
        }, 12));

      it("P2, P8: lies within the range that the labels tell, and collapsed where they say, without a gradient", () =>
        check(async ({ rows, labels, temperature }) => {
          const options = { ...form, temperature, implementation };
          const range = supConDiagnostics(labels, 1, options);
          const found = await supConLoss(tensor(rows), labels, options).item();
          atLeast(found, range.floor);
          atLeast(range.ceiling, found);
          const collapsed = tensor(rows.map(() => rows[0]!), undefined, { requiresGrad: true }); // prettier-ignore
          const loss = supConLoss(collapsed, labels, options);
          close(await loss.item(), range.collapsed);
          const gradient = await values(grad(loss, [collapsed])[0]);
          allClose(gradient, gradient.map(() => 0)); // prettier-ignore
        }));

      it("P5, P6, P7: only directions count, rows may be permuted, classes renamed, all turned", () =>
        check(async ({ rows, labels, temperature, seed }) => {
          const found = await anchors(rows, labels, { temperature });
          const order = [...new Random(seed).permutation(rows.length)];
          // A longer vector, reflected in its first coordinate: a rotation would do the same.
          const moved = order.map((i) => rows[i]!.map((x, k) => (k === 0 ? -x : x) * (1 + i)));
          const renamed = order.map((i) => 100 - 3 * labels[i]!);
          allClose(await anchors(moved, renamed, { temperature }), order.map((i) => found[i]!), 1e-8); // prettier-ignore
        }));

      it("P10: anchors in shards, compared with all, have the batch's loss and gradient as their mean", () =>
        check(async ({ rows, labels, temperature }) => {
          const options = { ...form, temperature, implementation };
          const x = tensor(rows, undefined, { requiresGrad: true });
          const whole = supConLoss(x, labels, options);
          const cut = Math.ceil(rows.length / 3);
          const shard = (from: number, to: number): Tensor => {
            const contrast = { features: x, labels, offset: from };
            const own = labels.slice(from, to);
            const loss = supConLoss(slice(x, [from, 0], [to, rows[0]!.length]), own, {
              ...options,
              contrast,
            });
            return mul(loss, (to - from) / rows.length);
          };
          const total = add(shard(0, cut), shard(cut, rows.length));
          close(await total.item(), await whole.item());
          const [expected, found] = [grad(whole, [x])[0], grad(total, [x])[0]];
          allClose(await values(found), await values(expected), 1e-8);
        }));

      it("P10: a queue that holds exactly the other rows gives the same value", () =>
        check(async ({ rows, labels, temperature }) => {
          const found = await anchors(rows, labels, { temperature });
          const [first, ...others] = rows;
          const queue = { keys: tensor(others), labels: labels.slice(1) };
          // An anchor needs company: its batch is itself, and the queue all others.
          const own = await anchors([first!], labels.slice(0, 1), { temperature, queue });
          close(own[0]!, found[0]!);
        }));
    });
  }
}

const twice = <T>(x: T): [T, T] => [x, x];

describe("forms of the loss", () => {
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

describe("forms of the loss on cpu", () => {
  it("fused and in f32, agree with double precision: batch, queue, shard and one view", async () => {
    const [rows, keys] = [normalRows(70, 9, 1), normalRows(530, 9, 2)];
    const labels = rows.map((_, i) => i % 6);
    const ofKeys = keys.map((_, i) => i % 9);
    const settings: ((x: Tensor) => { own: Tensor; options: SupConOptions })[] = [
      (x) => ({ own: x, options: {} }),
      (x) => ({ own: x, options: { queue: { keys: tensor(keys), labels: ofKeys } } }),
      (x) => ({ own: x, options: { contrast: { features: x, labels, offset: 0 } } }),
      (x) => ({ own: x, options: { contrast: { features: tensor(keys), labels: ofKeys } } }),
    ];
    const run = async (setting: (typeof settings)[number], options: SupConOptions) => {
      const x = tensor(rows, undefined, { requiresGrad: true });
      const { own, options: more } = setting(x);
      const loss = supConLoss(own, labels, { ...options, ...more });
      return [await loss.item(), ...(await values(grad(loss, [x])[0]))];
    };
    for (const form of lossForms) {
      if (form.summation === "in" && form.denominator === "onePositive") continue;
      for (const setting of settings) {
        useReference();
        const expected = await run(setting, { ...form, implementation: "composed" });
        const backend = await init({ backend: "cpu", threads: 2 });
        const found = await run(setting, { ...form, implementation: "fused" });
        await backend.destroy();
        const scale = Math.max(...expected.slice(1).map(Math.abs));
        close(found[0]!, expected[0]!, 4e-6);
        found.slice(1).forEach((g, i) => { close(g / scale, expected[i + 1]! / scale, 2e-5); }); // prettier-ignore
      }
    }
  });
});
