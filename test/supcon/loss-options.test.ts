/** Golden values of all options (shared/reference/supcon.md, section 5), on every backend that there is. */
import assert from "node:assert/strict";
import { after, before, describe, it } from "node:test";
import { grad, stopGradient } from "../../engine/autograd.ts";
import { init } from "../../engine/backend.ts";
import type { Backend } from "../../engine/backend.ts";
import { full, tensor } from "../../engine/create.ts";
import { BackendError, ShapeError, ValueError } from "../../engine/errors.ts";
import { supConAnchorLosses, supConLoss } from "../../supcon/losses/index.ts";
import type { SupConOptions } from "../../supcon/losses/index.ts";
import { assertRefused, useReference, values } from "../kernels/helpers.ts";
import { skip as noWebGpu } from "../webgpu/adapter.ts";
import {
  byLabels,
  formOracle,
  goldenFeatures,
  goldenLabels,
  lossForms,
  normalized,
  normalRows,
} from "./oracle.ts";

/** The option matrix of Google's code: tau = 1, features as they are, a value for each sample. */
const matrix: readonly (readonly [SupConOptions, labels: number[], expected: readonly number[]])[] = [
  [{}, goldenLabels, [1.6755852, 1.7973773, 1.58471]],
  [{ positivesCap: 4 }, goldenLabels, [1.6755852, 1.7973773, 1.58471]],
  [{ denominator: "onePositive" }, goldenLabels, [1.1782627, 1.3435497, 1.58471]],
  [{ denominator: "negatives" }, goldenLabels, [0.7965283, 1.0154991, 1.3529458]],
  [{ positivesCap: 0 }, goldenLabels, [1.3769293, 1.0785717, 1.58471]],
  [{ summation: "in" }, goldenLabels, [1.6356678, 1.7135872, 1.58471]],
  [{ summation: "in", positivesCap: 4 }, goldenLabels, [1.6356678, 1.7135872, 1.58471]],
  [{ summation: "in", denominator: "onePositive" }, goldenLabels, [1.1571673, 1.2941568, 1.58471]],
  [{ summation: "in", denominator: "negatives" }, goldenLabels, [0.756611, 0.9317091, 1.3529458]],
  [{ summation: "in", positivesCap: 0 }, goldenLabels, [1.3769293, 1.0785717, 1.58471]],
  [{ positivesCap: 2 }, [0, 0, 0], [1.1385298, 1.1824025, 1.1557417]],
  [{ summation: "in", positivesCap: 2 }, [0, 0, 0], [Math.log(3), Math.log(3), Math.log(3)]],
];

const canBeFused = ({ positivesCap, summation, denominator }: SupConOptions): boolean =>
  positivesCap === undefined && !(summation === "in" && denominator === "onePositive");

function assertNear(
  actual: readonly number[],
  expected: readonly number[],
  tolerance: number,
  what = "",
): void {
  assert.equal(actual.length, expected.length);
  actual.forEach((value, i) => {
    const off = Math.abs(value - expected[i]!);
    assert.ok(off <= tolerance, `${what}, element ${i}: expected ${expected[i]}, got ${value}`);
  });
}

const names = ["reference", "cpu", "webgpu"] as const;
for (const name of names) {
  const skip = name === "webgpu" && noWebGpu;
  // Tolerance where the golden value has more digits than f32.
  const close = name === "reference" ? 5e-9 : 5e-6;

  describe(`options of supConLoss on ${name}`, { skip }, () => {
    let backend: Backend;
    before(async () => {
      backend = await init({ backend: name });
    });
    after(() => backend.destroy());

    for (const implementation of ["composed", "fused"] as const) {
      const each = (options: SupConOptions): SupConOptions => ({ implementation, ...options });

      it(`the option matrix, ${implementation}`, async () => {
        for (const [options, labels, expected] of matrix) {
          if (implementation === "fused" && !canBeFused(options)) continue;
          const rows = await values(
            supConAnchorLosses(
              tensor(goldenFeatures),
              labels,
              each({ temperature: 1, normalize: false, ...options }),
            ),
          );
          const bySample = expected.map((_, n) => (rows[2 * n]! + rows[2 * n + 1]!) / 2);
          assertNear(bySample, expected, 1e-5, JSON.stringify(options));
        }
      });

      it(`the gradient of L_in, ${implementation}`, async () => {
        const x = tensor(goldenFeatures, undefined, { requiresGrad: true });
        const loss = supConLoss(x, goldenLabels, each({ summation: "in" }));
        assertNear([await loss.item()], [1.7905429825], close);
        const [g] = grad(loss, [x]);
        assertNear((await values(g)).slice(0, 3), [0.03438392, -0.52785321, 0.07295161], 10 * close);
        const warmer = supConLoss(x, goldenLabels, each({ summation: "in", temperature: 0.5 }));
        assertNear([await warmer.item()], [1.64324804], close);
      });

      it(`equal embeddings on other denominators (closed form 1), ${implementation}`, async () => {
        const [features, labels] = [full([5, 2, 3], 1), [0, 0, 1, 1, 2]];
        const one = each({ denominator: "onePositive", contrastMode: "one" });
        const logs = [7, 7, 7, 7, 9].map(Math.log);
        assertNear(await values(supConAnchorLosses(features, labels, one)), logs, close);
        const negatives = each({ denominator: "negatives", contrastMode: "one" });
        const fewer = [6, 6, 6, 6, 8].map(Math.log);
        assertNear(await values(supConAnchorLosses(features, labels, negatives)), fewer, close);
        const inside = supConAnchorLosses(features, labels, each({ summation: "in" }));
        assertNear(await values(inside), new Array<number>(10).fill(Math.log(9)), close);
      });

      it(`one view as anchors (closed form 8), ${implementation}`, async () => {
        const features = tensor([[[0, 0, 1], [0, 1, 0]], [[1, 0, 0], [0, -1, 0]]]); // prettier-ignore
        const one = supConLoss(features, null, each({ temperature: 1, contrastMode: "one" }));
        assertNear([await one.item()], [Math.log(3)], close);
      });

      it(`a queue (queue golden), ${implementation}`, async () => {
        const queries = tensor([[1, 0.2, 0], [0, 1, 0.1]], undefined, { requiresGrad: true }); // prettier-ignore
        const keys = tensor([[0.9, 0.1, 0.3], [0.1, 1, 0], [0.5, 0.5, 0.5], [-1, 0, 0.2], [0, 0.3, -1]]); // prettier-ignore
        const [labels, ofKeys, expected] = [
          [0, 1],
          [0, 1, 0, 1, 2],
          [1.400525, 4.88094945],
        ];
        const set = { features: keys, labels: ofKeys };
        assertNear(
          await values(supConAnchorLosses(queries, labels, each({ contrast: set }))),
          expected,
          10 * close,
        );
        // The same keys, some of them of another encoder and some from a queue.
        const part = (from: number, to: number) => tensor(normalized(goldenKeys).slice(from, to));
        const parts = each({
          contrast: { features: part(0, 2), labels: ofKeys.slice(0, 2) },
          queue: { keys: part(2, 5), labels: ofKeys.slice(2) },
        });
        assertNear(await values(supConAnchorLosses(queries, labels, parts)), expected, 10 * close);
      });

      it(`classes without positives, or without negatives, and features of any length, ${implementation}`, async () => {
        // z_i z_a / tau is up to 1e5: no sum of exponentials may be taken relative to another set's largest.
        const long = [[100, 0, 0], [0, 90, 1], [0.5, 0, 100], [0, 0.2, -1]]; // prettier-ignore
        for (const rows of [normalized(normalRows(4, 3, 11)), long]) {
          for (const labels of [
            [3, 3, 3, 3],
            [0, 1, 2, 2],
            [0, 1, 0, 1],
            [0, 1, 2, 3],
          ]) {
            for (const form of lossForms) {
              if (implementation === "fused" && !canBeFused(form)) continue;
              const x = tensor(rows, undefined, { requiresGrad: true });
              const options = each({ ...form, normalize: false });
              const what = `${JSON.stringify(form)} ${labels.join()}`;
              const expected = formOracle(rows, rows, byLabels(labels), 0.1, form);
              const found = await values(supConAnchorLosses(x, labels, options));
              const scale = Math.max(1, ...expected.map((loss) => Math.abs(loss || 0)));
              const relative = (xs: readonly number[]) => xs.map((loss) => loss / scale);
              assertNear(relative(found), relative(expected.map((loss) => loss || 0)), 2e-6, what);
              const gradient = await values(grad(supConLoss(x, labels, options), [x])[0]);
              assert.ok(gradient.every(Number.isFinite), `${what}: gradient ${gradient.join()}`);
            }
          }
        }
      });

      it(`positives one by one by mask, ${implementation === "fused" ? "not fused" : implementation}`, async () => {
        const features = tensor(goldenFeatures);
        const mask = [[1, 1, 0], [1, 1, 0], [0, 0, 1]]; // prettier-ignore
        const options = {
          implementation: implementation === "fused" ? "auto" : implementation,
          mask,
        } as const;
        for (const scaled of [1, 2.5]) {
          const weights = mask.map((row) => row.map((x) => x * scaled));
          assertNear(
            await values(supConAnchorLosses(features, null, { ...options, mask: weights })),
            await values(supConAnchorLosses(features, goldenLabels, each({}))),
            4 * close,
          );
        }
      });
    }
  });
}

const goldenKeys = [[0.9, 0.1, 0.3], [0.1, 1, 0], [0.5, 0.5, 0.5], [-1, 0, 0.2], [0, 0.3, -1]]; // prettier-ignore

describe("options of supConLoss", () => {
  before(useReference);

  it("refuses options that contradict each other, before any work", () => {
    const features = tensor(normalRows(4, 3, 0));
    const views = tensor([normalRows(2, 3, 1), normalRows(2, 3, 2)]);
    const labels = [0, 0, 1, 1];
    const keys = tensor(normalRows(2, 3, 3));
    const square = [[1, 0], [0, 1]]; // prettier-ignore
    const refused = (
      type: typeof ValueError,
      message: RegExp,
      options: object,
      own: object | null = labels,
    ) => {
      assertRefused(
        () => supConLoss(own === labels ? features : views, own as number[], options),
        type,
        message,
      );
    };
    refused(ValueError, /expected summation among "out", "in", got "inside"/, { summation: "inside" });
    refused(ValueError, /expected denominator among .* got "none"/, { denominator: "none" });
    refused(ValueError, /expected contrastMode among "all", "one", got "two"/, { contrastMode: "two" });
    refused(ValueError, /expected positivesCap to be an integer from 0 on, got 1.5/, { positivesCap: 1.5 });
    refused(
      ValueError,
      /expected positivesCap to be a multiple of the 2 views, got 3/,
      { positivesCap: 3 },
      [0, 1],
    );
    refused(ValueError, /options that can be fused/, { positivesCap: 2, implementation: "fused" });
    refused(ValueError, /mask and positivesCap to stand alone, got queue/, {
      positivesCap: 2,
      queue: { keys },
    });
    refused(ValueError, /expected labels or a mask, got both/, { mask: square }, [0, 1]);
    refused(ShapeError, /expected a mask \[2, 2\], got one with a side of 1/, { mask: [[1], [1]] }, null);
    refused(ValueError, /weights from 0 on in the mask, got -1/, { mask: [[1, 0], [-1, 1]] }, null); // prettier-ignore
    const set = { features: keys, labels: [0, 1] };
    refused(ValueError, /labels where there is a contrast set, got none/, { contrast: set }, null);
    refused(
      ValueError,
      /labels of the batch where the queue has some/,
      { queue: { keys, labels: [0, 1] } },
      null,
    );
    refused(ValueError, /contrast.offset to be where the 4 anchors begin among the 2 rows, got 0/, {
      contrast: { ...set, offset: 0 },
    });
    const narrow = tensor(normalRows(2, 2, 3));
    refused(ShapeError, /queue.keys with rows of length 3.* got shape \[2, 2\]/, { queue: { keys: narrow } });
    refused(ShapeError, /labels \[2\], one for each sample of queue.keys/, { queue: { keys, labels: [1] } });
  });

  it("verifies lengths where it is told to", async () => {
    const rows = normalized(normalRows(4, 3, 0));
    const labels = [0, 0, 1, 1];
    const verified = supConLoss(tensor(rows), labels, { normalize: "verify" });
    assertNear([await verified.item()], [await supConLoss(tensor(rows), labels).item()], 1e-12);
    const long = [...rows.slice(1), rows[0]!.map((x) => 3 * x)];
    assertRefused(
      () => supConLoss(tensor(long), labels, { normalize: "verify" }),
      ValueError,
      /expected rows of length 1 in features, got one of length 3.* at position 3; normalize/,
    );
    const blind = useReference();
    Object.defineProperty(blind, "peek", { value: undefined });
    assertRefused(
      () => supConLoss(tensor(rows), labels, { normalize: "verify" }),
      BackendError,
      /a backend that can be read at once/,
    );
    useReference();
  });

  it("counts anchors without negatives as empty where negatives are the denominator", async () => {
    const features = tensor(normalRows(4, 3, 5));
    const same = [7, 7, 7, 7];
    for (const summation of ["out", "in"] as const) {
      for (const implementation of ["fused", "composed"] as const) {
        const options = { denominator: "negatives", summation, implementation } as const;
        assert.equal(await supConLoss(features, same, options).item(), 0);
        assertRefused(
          () => supConLoss(features, same, { ...options, emptyAnchors: "error" }),
          ValueError,
          /expected a positive and a negative for every anchor, got 4 of 4/,
        );
      }
    }
    // A positive that has the denominator to itself is certain.
    const one = { denominator: "onePositive", implementation: "fused" } as const;
    assert.equal(await supConLoss(features, same, one).item(), 0);
  });

  it("lets no gradient reach a queue, and lets it reach a contrast set", () => {
    const leaf = (rows: number[][]) => tensor(rows, undefined, { requiresGrad: true });
    const [x, keys] = [leaf(normalRows(4, 3, 1)), leaf(normalRows(3, 3, 2))];
    const labels = [0, 0, 1, 1];
    const queued = supConLoss(x, labels, { queue: { keys, labels: [0, 1, 2] } });
    assert.throws(() => grad(queued, [keys]), "the queue is no part of the graph");
    const compared = supConLoss(x, labels, { contrast: { features: keys, labels: [0, 1, 2] } });
    assert.deepEqual(grad(compared, [x, keys]).map(({ shape }) => [...shape]), [[4, 3], [3, 3]]); // prettier-ignore
    const detached = supConLoss(x, labels, {
      contrast: { features: stopGradient(keys), labels: [0, 1, 2] },
    });
    assert.throws(() => grad(detached, [keys]), "nor are keys whose gradient is stopped");
  });
});
