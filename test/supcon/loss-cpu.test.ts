import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { backward } from "../../engine/autograd.ts";
import { init } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import { Random } from "../../engine/random.ts";
import { supConAnchorLosses, supConLoss } from "../../supcon/losses/index.ts";
import type { SupConOptions } from "../../supcon/losses/index.ts";
import { useReference, values } from "../kernels/helpers.ts";
import { normalRows } from "./oracle.ts";

const implementations = ["composed", "fused"] as const;

describe("supConLoss on cpu", () => {
  const batch = (rows: number, features: number) => {
    const random = new Random(rows + features);
    const labels = Int32Array.from({ length: rows }, () => random.integer(Math.max(2, rows >> 2)));
    return { features: normalRows(rows, features, rows), labels };
  };
  const run = async (rows: number, length: number, options: SupConOptions) => {
    const { features, labels } = batch(rows, length);
    const x = tensor(features, undefined, { requiresGrad: true });
    const anchors = supConAnchorLosses(x, labels, options);
    backward(supConLoss(x, labels, options));
    return { losses: await values(anchors), gradient: await values(x.grad!) };
  };
  const assertNear = (a: readonly number[], b: readonly number[], tolerance: number, what: string): void => {
    const gap = Math.max(...a.map((x, i) => Math.abs(x - b[i]!))) / Math.max(...b.map(Math.abs));
    assert.ok(
      gap <= tolerance,
      `${what}: expected a relative difference of at most ${tolerance}, got ${gap}`,
    );
  };

  for (const [rows, features] of [
    [4, 3],
    [3, 1],
    [5, 8],
    [37, 33],
    [140, 7],
  ] as const) {
    it(`both implementations agree with double precision for [${rows}, ${features}]`, async () => {
      for (const options of [{}, { normalize: false, temperature: 0.7 }]) {
        useReference();
        const expected = await run(rows, features, { ...options, implementation: "fused" });
        const composed = await run(rows, features, { ...options, implementation: "composed" });
        assertNear(composed.losses, expected.losses, 1e-12, "in double precision");
        const backend = await init({ backend: "cpu" });
        for (const implementation of implementations) {
          const found = await run(rows, features, { ...options, implementation });
          assertNear(found.losses, expected.losses, 4e-6, implementation);
          // Unit vectors of one dimension are 1 and -1: nothing moves them, and only rounding errors are left.
          if (features > 1) assertNear(found.gradient, expected.gradient, 2e-5, implementation);
        }
        await backend.destroy();
      }
    });
  }

  it("agrees with double precision where all rows share a shift, and where each has its own", async () => {
    // z z / tau is 38 and 50 for unit vectors; 515 rows are more than a strip, and no whole tiles.
    for (const temperature of [0.026, 0.02]) {
      for (const [rows, features] of [
        [6, 3],
        [9, 5],
        [515, 9],
      ] as const) {
        useReference();
        const expected = await run(rows, features, { temperature, implementation: "fused" });
        const backend = await init({ backend: "cpu" });
        const found = await run(rows, features, { temperature, implementation: "fused" });
        assertNear(found.losses, expected.losses, 4e-6, `losses of ${rows}`);
        assertNear(found.gradient, expected.gradient, 4e-5, `gradient of ${rows}`);
        await backend.destroy();
      }
    }
  });

  it("gives the same bits with one thread and with two, over several strips of columns", async () => {
    const bits = [];
    for (const threads of [1, 2]) {
      const backend = await init({ backend: "cpu", threads });
      bits.push(await run(1030, 9, { implementation: "fused" }));
      await backend.destroy();
    }
    assert.deepEqual(bits[0], bits[1]);
    const backend = await init({ backend: "cpu" });
    const composed = await run(1030, 9, { implementation: "composed" });
    assertNear(bits[0]!.losses, composed.losses, 4e-6, "losses");
    assertNear(bits[0]!.gradient, composed.gradient, 2e-5, "gradient");
    await backend.destroy();
  });

  it("stays finite where the anchor's own product dwarfs all others", async () => {
    const backend = await init({ backend: "cpu" });
    // z_i z_i / tau = 1e5, which a maximum over the whole row would subtract from the others' 0: log 0.
    const features = tensor([[100, 0, 0], [0, 100, 0], [0, 0, 100], [0, 0, -1]]); // prettier-ignore
    for (const implementation of implementations) {
      const found = supConLoss(features, [0, 0, 1, 1], { normalize: false, implementation });
      assert.ok(Number.isFinite(await found.item()), implementation);
    }
    await backend.destroy();
  });

  it("fused, needs memory that grows with M and not with its square", async () => {
    const backend = await init({ backend: "cpu" });
    const before = backend.stats().peakBytes;
    await run(2048, 4, { implementation: "fused" });
    const peak = backend.stats().peakBytes - before;
    assert.ok(peak < (2048 * 2048 * 4) / 8, `${peak} bytes`);
    await backend.destroy();
  });
});
