/**
 * The contrastive loss on a backend of single precision: golden values, equation 2 and the closed form of its gradient,
 * and batches of more rows than a strip of similarities has.
 */
import assert from "node:assert/strict";
import { after, before, it } from "node:test";
import fc from "fast-check";
import { grad } from "../../engine/autograd.ts";
import { setBackend } from "../../engine/backend.ts";
import type { Backend } from "../../engine/backend.ts";
import { full, tensor } from "../../engine/create.ts";
import { Random } from "../../engine/random.ts";
import { supConAnchorLosses, supConLoss } from "../../supcon/losses/index.ts";
import { useReference, values } from "../kernels/helpers.ts";
import { goldenFeatures, goldenLabels, normalized, normalRows, oracle } from "../supcon/oracle.ts";

function assertNear(actual: readonly number[], expected: readonly number[], tolerance: number): void {
  assert.equal(actual.length, expected.length);
  const scale = Math.max(...expected.map(Math.abs));
  actual.forEach((value, i) => {
    const off = Math.abs(value - expected[i]!);
    assert.ok(off <= tolerance * scale, `element ${i}: expected ${expected[i]}, got ${value}`);
  });
}

/** The tests of one implementation, for the `describe` of a backend. */
export function testLosses(open: () => Promise<Backend>, implementation: "composed" | "fused"): void {
  let backend: Backend;
  before(async () => {
    backend = await open();
  });
  after(() => backend.destroy());

  it("has the golden losses and gradients", async () => {
    setBackend(backend);
    const features = tensor(goldenFeatures, undefined, { requiresGrad: true });
    const anchors = await values(supConAnchorLosses(features, goldenLabels, { implementation }));
    assertNear(anchors, [2.46502036, 2.44554144, 3.22632976, 2.59785321, 1.59040365, 1.56825548], 2e-6);
    const loss = supConLoss(features, goldenLabels, { implementation });
    assertNear([await loss.item()], [2.3155673168], 2e-6);
    const gradient = await values(grad(loss, [features])[0]);
    assertNear(gradient.slice(0, 3), [-5.56011921, -7.98044829, 1.53721541], 1e-5);
    assertNear(gradient.slice(9, 12), [0.09774864, 0.28224169, -0.48297555], 1e-5);
  });

  it("is log(M - 1) where all embeddings are equal, and moves none of them", async () => {
    setBackend(backend);
    const features = full([10, 3], 1, { requiresGrad: true });
    const loss = supConLoss(features, [0, 0, 1, 1, 2, 0, 0, 1, 1, 2], { implementation });
    assertNear([await loss.item()], [2.1972245773], 1e-6);
    for (const slope of await values(grad(loss, [features])[0])) {
      assert.ok(Math.abs(slope) < 1e-6, `expected 0, got ${slope}`);
    }
  });

  it("is equation 2, with the gradient (G + G^T) Z / (tau M)", () =>
    fc.assert(
      fc.asyncProperty(
        fc.record({
          count: fc.integer({ min: 3, max: 40 }),
          length: fc.integer({ min: 2, max: 20 }),
          classes: fc.integer({ min: 1, max: 5 }),
          temperature: fc.constantFrom(0.07, 0.1, 0.5, 2),
          seed: fc.nat(1e6),
        }),
        async ({ count, length, classes, temperature, seed }) => {
          setBackend(backend);
          const random = new Random(seed);
          const labels = Array.from({ length: count }, () => random.integer(classes));
          const z = normalized(normalRows(count, length, seed));
          const { lossOut, coefficientsOut: g } = oracle(z, labels, temperature);
          const options = { temperature, implementation, normalize: false };
          const features = tensor(z, undefined, { requiresGrad: true });
          const anchors = await values(supConAnchorLosses(features, labels, options));
          // Cosines are rounded to 1e-7, and so s = cos / tau to 1e-7 / tau.
          const rounding = 1e-6 / temperature;
          assertNear([...anchors, 1], [...lossOut.map((x) => (Number.isNaN(x) ? 0 : x)), 1], rounding); // prettier-ignore
          const gradient = await values(grad(supConLoss(features, labels, options), [features])[0]);
          const expected = z.flatMap((row, i) =>
            row.map((_, k) => {
              const pull = z.reduce((total, other, a) => total + (g[i]![a]! + g[a]![i]!) * other[k]!, 0);
              return pull / (temperature * count);
            }),
          );
          // Weights G of 1 at most cancel, with the error of s.
          assertNear([...gradient, 1 / (temperature * count)], [...expected, 1 / (temperature * count)], 4 * rounding); // prettier-ignore
        },
      ),
      { numRuns: 20 },
    ));

  for (const rows of [256, 257, 600]) {
    it(`is that of double precision for ${rows} rows: whole strips of similarities and parts of one`, async () => {
      const features = normalRows(rows, 33, rows);
      const labels = Array.from({ length: rows }, (_, i) => i % 7);
      const run = async () => {
        const x = tensor(features, undefined, { requiresGrad: true });
        const loss = supConLoss(x, labels, { implementation });
        return { loss: await loss.item(), gradient: await values(grad(loss, [x])[0]) };
      };
      useReference();
      const expected = await run();
      setBackend(backend);
      const found = await run();
      assertNear([found.loss], [expected.loss], 2e-6);
      assertNear(found.gradient, expected.gradient, 2e-5);
    });
  }
}
