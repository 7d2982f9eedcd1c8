import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { classCounts } from "../../supcon/data/dataset.ts";
import type { ImageDataset } from "../../supcon/data/dataset.ts";
import { longTail, noisyLabels, reduceClasses } from "../../supcon/data/training-set.ts";

/** Classes of these sizes, mixed; the image is its own index, in two bytes. */
function ofSizes(sizes: readonly number[]): ImageDataset {
  const labels = Int32Array.from(sizes.flatMap((size, label) => Array<number>(size).fill(label)));
  new Random(7).shuffle(labels);
  const images = Uint8Array.from({ length: 2 * labels.length }, (_, i) => (i & 1 ? i >> 9 : (i >> 1) & 255));
  const one = { name: "sizes", height: 1, width: 2, channels: 1, classes: sizes.map(String) };
  return { ...one, count: labels.length, images, labels };
}

const indices = ({ images, count }: ImageDataset) =>
  Array.from({ length: count }, (_, i) => images[2 * i]! + 256 * images[2 * i + 1]!);

describe("longTail", () => {
  it("of 10 classes of 5,000 at 100 to 1 and 10 to 1 has the sizes of CIFAR-10-LT", () => {
    const even = ofSizes(Array<number>(10).fill(5000));
    // As in the code of Cao et al. (LDAM, NeurIPS 2019), which has made them the standard.
    const hundred = [5000, 2997, 1796, 1077, 645, 387, 232, 139, 83, 50];
    const ten = [5000, 3871, 2997, 2320, 1796, 1391, 1077, 834, 645, 500];
    assert.deepEqual(classCounts(longTail(even, 100, new Random(0))), hundred);
    assert.deepEqual(classCounts(longTail(even, 10, new Random(0))), ten);
  });

  it("leaves every class something, and one of one class as it is", () => {
    assert.deepEqual(classCounts(longTail(ofSizes([3, 3, 0, 3]), 1000, new Random(0))), [3, 1, 0, 1]);
    assert.deepEqual(classCounts(longTail(ofSizes([5]), 10, new Random(0))), [5]);
  });
});

describe("reduceClasses", () => {
  it("keeps a share of each class, in order, each image with its label, and the smaller within the larger", () => {
    const sizes = fc.array(fc.integer({ min: 1, max: 40 }), { minLength: 1, maxLength: 5 });
    const share = fc.double({ min: 0.01, max: 1, noNaN: true });
    fc.assert(
      fc.property(sizes, share, share, fc.nat(), (all, a, b, seed) => {
        const dataset = ofSizes(all);
        const [small, large] = [Math.min(a, b), Math.max(a, b)].map((s) => reduceClasses(dataset, s, new Random(seed))); // prettier-ignore
        assert.deepEqual(classCounts(large!), all.map((size) => Math.max(1, Math.round(Math.max(a, b) * size)))); // prettier-ignore
        const kept = indices(large!);
        assert.deepEqual(
          kept,
          kept.toSorted((x, y) => x - y),
        );
        for (const [i, index] of kept.entries()) assert.equal(large!.labels[i], dataset.labels[index]);
        assert.ok(indices(small!).every((index) => kept.includes(index)));
      }),
      { numRuns: 50 },
    );
  });
});

describe("noisyLabels", () => {
  const dataset = ofSizes(Array<number>(10).fill(1000));
  const changed = (share: number, seed = 0) => {
    const { labels } = noisyLabels(dataset, share, new Random(seed));
    return [...labels.keys()].filter((i) => labels[i] !== dataset.labels[i]);
  };

  it("makes about share (1 - 1/C) of the labels wrong, evenly, and leaves images and the original alone", () => {
    // Standard deviation of the count: sqrt(10,000 p (1 - p)), p = 0.36: 48.
    assert.ok(Math.abs(changed(0.4).length - 3600) < 5 * 48, String(changed(0.4).length));
    assert.equal(changed(0).length, 0);
    const noisy = noisyLabels(dataset, 1, new Random(0));
    for (const count of classCounts(noisy)) assert.ok(Math.abs(count - 1000) < 5 * 30, String(count));
    assert.equal(noisy.images, dataset.images);
    assert.deepEqual(classCounts(dataset), Array<number>(10).fill(1000));
  });

  it("is the same for a seed, another for another, and grows with the share", () => {
    assert.deepEqual(changed(0.2), changed(0.2));
    assert.notDeepEqual(changed(0.2), changed(0.2, 1));
    const more = new Set(changed(0.5));
    assert.ok(changed(0.2).every((i) => more.has(i)));
  });
});

describe("training sets", () => {
  it("refuse shares and ratios that are none", () => {
    const dataset = ofSizes([2, 2]);
    for (const share of [0, -1, 1.1, NaN]) assert.throws(() => reduceClasses(dataset, share, new Random(0)), ValueError); // prettier-ignore
    for (const ratio of [0.9, Infinity, NaN]) assert.throws(() => longTail(dataset, ratio, new Random(0)), ValueError); // prettier-ignore
    for (const share of [-0.1, 1.1, NaN]) assert.throws(() => noisyLabels(dataset, share, new Random(0)), ValueError); // prettier-ignore
  });
});
