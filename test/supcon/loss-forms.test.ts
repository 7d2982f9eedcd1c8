/**
 * The properties of a contrastive loss (shared/reference/supcon.md, section 5) for L_out and L_in on each denominator, and
 * for anchors that are compared with more, or other, rows than their batch.
 */
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { grad } from "../../engine/autograd.ts";
import { init } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import { gradCheck } from "../../engine/gradcheck.ts";
import { Random } from "../../engine/random.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { add, mul, slice } from "../../kernels/index.ts";
import { supConAnchorLosses, supConDiagnostics, supConLoss } from "../../supcon/losses/index.ts";
import type { SupConOptions } from "../../supcon/losses/index.ts";
import { useReference, values } from "../kernels/helpers.ts";
import { allClose, atLeast, cases, close, orZero } from "./cases.ts";
import type { Case } from "./cases.ts";
import { byLabels, formOracle, lossForms, normalized, normalRows } from "./oracle.ts";

const check = (holds: (c: Case) => Promise<void>, numRuns = 40) =>
  fc.assert(fc.asyncProperty(cases, holds), { numRuns });

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
