/** The ten properties of a contrastive loss (shared/reference/supcon.md, section 5), for both implementations. */
import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import fc from "fast-check";
import { grad } from "../../engine/autograd.ts";
import { tensor } from "../../engine/create.ts";
import { gradCheck } from "../../engine/gradcheck.ts";
import { Random } from "../../engine/random.ts";
import { supConAnchorLosses, supConDiagnostics, supConLoss } from "../../supcon/losses/index.ts";
import type { SupConOptions } from "../../supcon/losses/index.ts";
import { useReference, values } from "../kernels/helpers.ts";
import { allClose, atLeast, cases, close } from "./cases.ts";
import type { Case } from "./cases.ts";
import { dot, logSum, normalized, normalRows, oracle } from "./oracle.ts";
import type { Rows } from "./oracle.ts";

for (const implementation of ["composed", "fused"] as const) {
  describe(`properties of supConLoss, ${implementation}`, () => {
    before(useReference);

    const check = (holds: (c: Case) => Promise<void>, numRuns = 60) =>
      fc.assert(fc.asyncProperty(cases, holds), { numRuns });
    const anchors = (rows: Rows, labels: readonly number[], options: SupConOptions = {}) =>
      values(supConAnchorLosses(tensor(rows), labels, { ...options, implementation }));
    const lossAndGradient = async (rows: Rows, labels: readonly number[], options: SupConOptions = {}) => {
      const x = tensor(rows, undefined, { requiresGrad: true });
      const loss = supConLoss(x, labels, { ...options, implementation });
      const gradient = await values(grad(loss, [x])[0]);
      const length = rows[0]!.length;
      return {
        loss: await loss.item(),
        gradient: rows.map((_, i) => gradient.slice(i * length, (i + 1) * length)),
      };
    };

    it("is equation 2, and the cross-entropy of the softmax over A(i) to the uniform distribution on P(i)", () =>
      check(async ({ rows, labels, temperature }) => {
        const z = normalized(rows);
        const found = await anchors(rows, labels, { temperature });
        const expected = oracle(z, labels, temperature).lossOut;
        allClose(found, expected.map((x) => (Number.isNaN(x) ? 0 : x))); // prettier-ignore
        const logits = z.map((a, i) => z.map((b, j) => (i === j ? -Infinity : dot(a, b) / temperature)));
        found.forEach((loss, i) => {
          const target = labels.map((label, a) => (a !== i && label === labels[i] ? 1 : 0));
          const positives = target.reduce<number>((total, one) => total + one, 0);
          const crossEntropy = target.reduce<number>(
            (total, one, a) => (one ? total - (logits[i]![a]! - logSum(logits[i]!)) / positives : total),
            0,
          );
          close(loss, crossEntropy);
        });
      }));

    it("P1: L_in <= L_out, with equality for one positive", () =>
      check(async ({ rows, labels, temperature }) => {
        const { lossIn, positives } = oracle(normalized(rows), labels, temperature);
        const found = await anchors(rows, labels, { temperature });
        found.forEach((loss, i) => {
          if (positives[i]! > 0) atLeast(loss, lossIn[i]!);
          if (positives[i] === 1) close(loss, lossIn[i]!);
        });
      }));

    it("P2: log(|P| + |N| e^(-2/tau)) <= L <= log|A| + 2/tau, which the diagnostics tell", () =>
      check(async ({ rows, labels, temperature }) => {
        const { positives, negatives } = oracle(normalized(rows), labels, temperature);
        const found = await anchors(rows, labels, { temperature });
        found.forEach((loss, i) => {
          if (positives[i] === 0) return;
          const floor = Math.log(positives[i]! + negatives[i]! * Math.exp(-2 / temperature));
          atLeast(loss, floor);
          atLeast(loss, Math.log(positives[i]!));
          atLeast(Math.log(rows.length - 1) + 2 / temperature, loss);
        });
        const { floor, ceiling, emptyAnchors } = supConDiagnostics(labels, 1, { temperature });
        const { loss } = await lossAndGradient(rows, labels, { temperature });
        atLeast(loss, floor);
        atLeast(ceiling, loss);
        assert.equal(emptyAnchors, positives.filter((p) => p === 0).length);
      }));

    it("P3: coefficients sum to 0 for each anchor, and (G + G^T) Z / (tau M) is the gradient", () =>
      check(async ({ rows, labels, temperature }) => {
        const z = normalized(rows);
        const { coefficientsOut: g, coefficientsIn, positives } = oracle(z, labels, temperature);
        for (const row of [...g, ...coefficientsIn]) close(row.reduce((a, b) => a + b, 0), 0); // prettier-ignore
        coefficientsIn.forEach((row, i) => {
          row.forEach((x, a) => {
            if (positives[i]! > 0 && a !== i && labels[a] === labels[i]) atLeast(0, x);
          });
        });
        const { gradient } = await lossAndGradient(z, labels, { temperature, normalize: false });
        gradient.forEach((found, i) => {
          const expected = found.map((_, k) =>
            z.reduce((total, row, a) => total + (g[i]![a]! + g[a]![i]!) * row[k]!, 0),
          );
          allClose(found, expected.map((x) => x / (temperature * z.length))); // prettier-ignore
        });
      }));

    it("P4: the gradient is that of central differences, through the normalisation", () =>
      check(async ({ rows, labels, temperature }) => {
        const options = { temperature, implementation };
        // The third derivative grows as 1/tau^3: a smaller step there.
        const epsilon = 1e-5 * Math.min(1, temperature);
        await gradCheck((x) => supConLoss(x, labels, options), [tensor(rows)], { epsilon, tolerance: 2e-6 });
      }, 15));

    it("P5: only directions count: w dL/dw = 0, and k w has the same loss and a k-th of the gradient", () =>
      check(async ({ rows, labels, temperature, seed }) => {
        const { loss, gradient } = await lossAndGradient(rows, labels, { temperature });
        rows.forEach((row, i) => { close(dot(row, gradient[i]!), 0); }); // prettier-ignore
        const random = new Random(seed);
        const k = rows.map(() => random.uniform(0.2, 5));
        const stretched = rows.map((row, i) => row.map((x) => x * k[i]!));
        const found = await lossAndGradient(stretched, labels, { temperature });
        close(found.loss, loss);
        found.gradient.forEach((g, i) => { allClose(g.map((x) => x * k[i]!), gradient[i]!, 1e-8); }); // prettier-ignore
      }));

    it("P6: permuting rows permutes their losses; other names for the classes change nothing", () =>
      check(async ({ rows, labels, temperature, seed }) => {
        const found = await anchors(rows, labels, { temperature });
        const order = [...new Random(seed).permutation(rows.length)];
        const permuted = await anchors(order.map((i) => rows[i]!), order.map((i) => labels[i]!), { temperature }); // prettier-ignore
        allClose(permuted, order.map((i) => found[i]!)); // prettier-ignore
        const renamed = labels.map((label) => 1000 - 7 * label);
        assert.deepEqual(await anchors(rows, renamed, { temperature }), found);
      }));

    it("P7: a rotation of all rows changes nothing", () =>
      check(async ({ rows, labels, temperature, seed }) => {
        // A reflection at a random hyperplane and a rotation in a coordinate plane.
        const [[normal = []]] = [normalRows(1, rows[0]!.length, seed + 1)];
        const angle = seed % 7;
        const turned = rows.map((row) => {
          const along = (2 * dot(row, normal)) / dot(normal, normal);
          const [x = 0, y = 0, ...rest] = row.map((value, k) => value - along * normal[k]!);
          const [cos, sin] = [Math.cos(angle), Math.sin(angle)];
          return [cos * x - sin * y, sin * x + cos * y, ...rest];
        });
        allClose(
          await anchors(turned, labels, { temperature }),
          await anchors(rows, labels, { temperature }),
          1e-8,
        );
      }));

    it("P8: equal embeddings are a stationary point, at log(M - 1) for every anchor with a positive", () =>
      check(async ({ rows, labels, temperature }) => {
        const collapsed = rows.map(() => rows[0]!);
        const { loss, gradient } = await lossAndGradient(collapsed, labels, { temperature });
        allClose(gradient.flat(), gradient.flat().map(() => 0)); // prettier-ignore
        close(loss, supConDiagnostics(labels, 1, { temperature }).collapsed);
        const { positives } = oracle(normalized(collapsed), labels, temperature);
        const found = await anchors(collapsed, labels, { temperature });
        found.forEach((x, i) => { close(x, positives[i] === 0 ? 0 : Math.log(rows.length - 1)); }); // prettier-ignore
      }));

    it("P9: labels that are all different, given for two views, are SimCLR, which is L_in too", () =>
      check(async ({ rows, temperature }) => {
        const samples = Math.floor(rows.length / 2);
        if (samples < 2) return;
        const views = Array.from({ length: samples }, (_, n) => [rows[2 * n]!, rows[2 * n + 1]!]);
        const options = { temperature, implementation };
        const found = await values(supConAnchorLosses(tensor(views), null, options));
        const different = views.map((_, n) => 5 * n);
        assert.deepEqual(await values(supConAnchorLosses(tensor(views), different, options)), found);
        const perRow = views.flatMap((_, n) => [n, n]);
        allClose(found, oracle(normalized(views.flat()), perRow, temperature).lossIn);
      }));

    it("P9: one positive and one negative: softplus((s_n - s_p) / tau); one positive, tau = 1: N-pairs", () =>
      check(async ({ rows, temperature }) => {
        const three = rows.slice(0, 3);
        const [a, p, n] = normalized(three);
        const [loss] = await anchors(three, [0, 0, 1], { temperature });
        close(loss!, Math.log1p(Math.exp((dot(a!, n!) - dot(a!, p!)) / temperature)));
        const paired = rows.slice(0, 2 * Math.floor(rows.length / 2));
        const z = normalized(paired);
        const found = await anchors(paired, paired.map((_, i) => i >> 1), { temperature: 1 }); // prettier-ignore
        found.forEach((value, i) => {
          const own = dot(z[i]!, z[i ^ 1]!);
          const terms = z.filter((_, j) => j >> 1 !== i >> 1).map((row) => Math.exp(dot(z[i]!, row) - own));
          close(value, Math.log1p(terms.reduce((x, y) => x + y, 0)));
        });
      }));

    it("P10: one more negative raises the loss of every anchor", () =>
      check(async ({ rows, labels, temperature }) => {
        const before = await anchors(rows, labels, { temperature });
        const [extra] = normalRows(1, rows[0]!.length, 12345);
        const after = await anchors([...rows, extra!], [...labels, 99], { temperature });
        const { positives } = oracle(normalized(rows), labels, temperature);
        before.forEach((loss, i) => {
          if (positives[i] === 0) return;
          // At low temperatures a far negative adds less than the last bit.
          if (temperature >= 0.5) assert.ok(after[i]! > loss, `expected more than ${loss}, got ${after[i]}`);
          else atLeast(after[i]!, loss);
        });
      }));

    it("P10: losses of anchors average to the loss; scale is a factor of value and gradient and nothing else", () =>
      check(async ({ rows, labels, temperature }) => {
        const plain = await lossAndGradient(rows, labels, { temperature });
        const found = await anchors(rows, labels, { temperature });
        close(found.reduce((a, b) => a + b) / found.length, plain.loss);
        for (const [scale, factor] of [
          ["temperature", temperature],
          [{ base: 0.07 }, temperature / 0.07],
        ] as const) {
          const scaled = await lossAndGradient(rows, labels, { temperature, scale });
          close(scaled.loss, factor * plain.loss);
          allClose(scaled.gradient.flat(), plain.gradient.flat().map((x) => factor * x)); // prettier-ignore
        }
      }));

    it("P10: L -> log|A| as tau -> infinity; tau L_i -> max_a s_ia - mean_p s_ip as tau -> 0", () =>
      check(async ({ rows, labels }) => {
        const z = normalized(rows);
        const { positives } = oracle(z, labels, 1);
        const [hot, cold] = [await anchors(rows, labels, { temperature: 1e9 }), await anchors(rows, labels, { temperature: 1e-9 })]; // prettier-ignore
        z.forEach((row, i) => {
          if (positives[i] === 0) return;
          close(hot[i]!, Math.log(rows.length - 1), 1e-8);
          const others = z.filter((_, a) => a !== i).map((other) => dot(row, other));
          const own = z.filter((_, a) => a !== i && labels[a] === labels[i]).map((other) => dot(row, other));
          const expected = Math.max(...others) - own.reduce((a, b) => a + b, 0) / own.length;
          close(1e-9 * cold[i]!, expected, 1e-7);
        });
      }));
  });
}
