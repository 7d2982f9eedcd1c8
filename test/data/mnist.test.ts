import assert from "node:assert/strict";
import { tmpdir } from "node:os";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import type { ImageDataset } from "../../supcon/data/dataset.ts";
import { DataError, balancedIndices, channelStatistics, selectImages } from "../../supcon/data/dataset.ts";
import { loadPublished } from "../../supcon/data/published.ts";

const histogram = (dataset: ImageDataset, indices: Iterable<number> = dataset.labels.keys()) => {
  const counts = new Array<number>(dataset.classes.length).fill(0);
  for (const index of indices) counts[dataset.labels[index]!]!++;
  return counts;
};

describe("MNIST", () => {
  // The package is found from the source file, not from here.
  process.chdir(tmpdir());
  const train = loadPublished("mnist", "train", "no cache");
  const test = loadPublished("mnist", "test", "no cache");

  it("is whole: sizes, first labels and class counts as published", () => {
    assert.deepEqual([train.count, train.height, train.width, train.channels], [60_000, 28, 28, 1]);
    assert.deepEqual([test.count, test.height, test.width, test.channels], [10_000, 28, 28, 1]);
    assert.equal(train.images.length, 60_000 * 784);
    assert.deepEqual([...train.labels.subarray(0, 10)], [5, 0, 4, 1, 9, 2, 1, 3, 1, 4]);
    assert.deepEqual([...test.labels.subarray(0, 10)], [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]);
    assert.deepEqual(histogram(train), [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    assert.deepEqual(histogram(test), [980, 1135, 1032, 1010, 982, 892, 958, 1028, 974, 1009]);
  });

  it("starts with the well-known 5: its first inked row", () => {
    const inked = [3, 18, 18, 18, 126, 136, 175, 26, 166, 255, 247, 127];
    const row = [...new Array<number>(12).fill(0), ...inked, ...new Array<number>(4).fill(0)];
    assert.ok(train.images.subarray(0, 5 * 28).every((pixel) => pixel === 0));
    assert.deepEqual([...train.images.subarray(5 * 28, 6 * 28)], row);
  });

  it("has the mean 0.1307 and the standard deviation 0.3081", () => {
    const { mean, std } = channelStatistics(train);
    assert.equal(mean[0]!.toFixed(4), "0.1307");
    assert.equal(std[0]!.toFixed(4), "0.3081");
  });

  it("gives a balanced subset that a seed fixes", () => {
    const indices = balancedIndices(train, 1000, new Random(1));
    assert.equal(new Set(indices).size, 1000);
    assert.deepEqual(histogram(train, indices), new Array<number>(10).fill(100));
    assert.deepEqual(balancedIndices(train, 1000, new Random(1)), indices);
    assert.notDeepEqual(balancedIndices(train, 1000, new Random(2)), indices);
    const subset = selectImages(train, indices);
    assert.deepEqual(histogram(subset), new Array<number>(10).fill(100));
    const last = indices[999]!;
    assert.deepEqual(subset.images.subarray(999 * 784), train.images.subarray(last * 784, (last + 1) * 784));
    assert.equal(subset.labels[999], train.labels[last]);
  });
});

describe("subsets", () => {
  const toy = (labels: readonly number[], classes: number): ImageDataset => ({
    name: "toy",
    count: labels.length,
    height: 1,
    width: 1,
    channels: 2,
    images: Uint8Array.from({ length: 2 * labels.length }, (_, i) => i),
    labels: Int32Array.from(labels),
    classes: Array.from({ length: classes }, (_, c) => `class ${c}`),
  });

  it("are balanced, without repetition, and nested for one seed", () => {
    const cases = fc.record({
      perClass: fc.integer({ min: 1, max: 6 }),
      classes: fc.integer({ min: 1, max: 5 }),
      seed: fc.maxSafeNat(),
    });
    fc.assert(
      fc.property(cases, fc.nat(), fc.nat(), ({ perClass, classes, seed }, a, b) => {
        const dataset = toy(
          Array.from({ length: perClass * classes }, (_, i) => i % classes),
          classes,
        );
        const [small, large] = [1 + (a % dataset.count), 1 + (b % dataset.count)].sort((x, y) => x - y);
        const smaller = new Set(balancedIndices(dataset, small!, new Random(seed)));
        const larger = new Set(balancedIndices(dataset, large!, new Random(seed)));
        assert.equal(larger.size, large);
        const counts = histogram(dataset, larger);
        assert.ok(Math.max(...counts) - Math.min(...counts) <= 1);
        assert.ok([...smaller].every((index) => larger.has(index)));
      }),
    );
  });

  it("refuse a count that the data cannot give", () => {
    const skewed = toy([0, 0, 0, 1], 2);
    assert.throws(
      () => balancedIndices(skewed, 4, new Random(0)),
      (error: unknown) => {
        return (
          error instanceof DataError &&
          error.message.includes('toy: expected 4 images over 2 classes, class "class 1" lacks 1')
        );
      },
    );
    assert.throws(() => balancedIndices(skewed, 5, new Random(0)), ValueError);
    assert.throws(() => balancedIndices(skewed, 0, new Random(0)), ValueError);
    assert.throws(() => selectImages(skewed, [4]), ValueError);
  });

  it("have statistics per channel", () => {
    // Channels (0, 2, 4, 6) and (1, 3, 5, 7) / 255: means 3 and 4, variance 5.
    const { mean, std } = channelStatistics(toy([0, 0, 0, 0], 1));
    assert.deepEqual(mean, [3 / 255, 4 / 255]);
    assert.deepEqual(std, [Math.sqrt(5) / 255, Math.sqrt(5) / 255]);
  });
});
