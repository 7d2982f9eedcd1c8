import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Random } from "../../engine/random.ts";
import { classBalancedOrder } from "../../supcon/data/dataset.ts";
import type { ImageDataset } from "../../supcon/data/dataset.ts";

/** One pixel for each image; classes of these sizes, in order. */
function ofSizes(sizes: readonly number[]): ImageDataset {
  const labels = Int32Array.from(sizes.flatMap((size, label) => Array<number>(size).fill(label)));
  const one = { name: "sizes", height: 1, width: 1, channels: 1, classes: sizes.map(String) };
  return { ...one, count: labels.length, images: new Uint8Array(labels.length), labels };
}

describe("classBalancedOrder", () => {
  it("has every class as often as any other, and no image twice before all of its class have come", () => {
    const sizes = fc
      .array(fc.nat(9), { minLength: 1, maxLength: 6 })
      .filter((all) => all.some((size) => size > 0));
    fc.assert(
      fc.property(sizes, fc.nat(), (all, seed) => {
        const dataset = ofSizes(all);
        const order = classBalancedOrder(dataset, new Random(seed));
        assert.equal(order.length, dataset.count);
        const present = all.filter((size) => size > 0).length;
        for (const [label, size] of all.entries()) {
          const own = [...order].filter((index) => dataset.labels[index] === label);
          if (size === 0) assert.equal(own.length, 0);
          else
            assert.ok(
              [0, 1].includes(own.length - Math.floor(dataset.count / present)),
              `class ${label}: ${own.length}`,
            );
          const first = own.slice(0, size);
          assert.equal(
            new Set(first).size,
            first.length,
            "an image comes again only when its class is through",
          );
        }
      }),
    );
  });

  it("is the same for the same random state, and another for another", () => {
    const dataset = ofSizes([40, 5, 10]);
    const order = (seed: number) => [...classBalancedOrder(dataset, new Random(seed))];
    assert.deepEqual(order(1), order(1));
    assert.notDeepEqual(order(1), order(2));
  });
});
