import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import type { AugmentPolicy } from "../../supcon/augment/policy.ts";
import {
  checkPolicy,
  cifar100Policy,
  cifar10Policy,
  digitPolicy,
  withoutAugmentation,
} from "../../supcon/augment/policy.ts";
import { makeViews } from "../../supcon/augment/views.ts";
import type { ImageDataset } from "../../supcon/data/dataset.ts";
import { channelStatistics } from "../../supcon/data/dataset.ts";

function noise(count: number, height: number, width: number, channels: number): ImageDataset {
  const random = new Random(1);
  return {
    name: "noise",
    count,
    height,
    width,
    channels,
    images: Uint8Array.from({ length: count * height * width * channels }, () => random.integer(256)),
    labels: new Int32Array(count),
    classes: ["noise"],
  };
}

const grey = noise(12, 7, 6, 1);
const colour = noise(12, 6, 7, 3);

/** Nothing random but what `change` adds, and no normalisation: pixels stay in [0, 1]. */
const plain = (channels: number, change: Partial<AugmentPolicy> = {}): AugmentPolicy => ({
  crop: null,
  flip: 0,
  jitter: null,
  grayscale: 0,
  mean: new Array<number>(channels).fill(0),
  std: new Array<number>(channels).fill(1),
  ...change,
});

describe("makeViews: layout", () => {
  it("is [sample, view, row, column, channel], and without augmentation the image itself", () => {
    for (const dataset of [grey, colour]) {
      const size = dataset.height * dataset.width * dataset.channels;
      const views = makeViews(dataset, [3, 0], 2, plain(dataset.channels), new Random(0));
      const of = (i: number) => Array.from(dataset.images.subarray(i * size, (i + 1) * size), (x) => x / 255);
      const expected = [...of(3), ...of(3), ...of(0), ...of(0)];
      assert.deepEqual(views, Float32Array.from(expected));
    }
  });

  it("normalises to mean 0 and variance 1 with the data's own statistics", () => {
    const policy = withoutAugmentation({ ...cifar10Policy, ...channelStatistics(colour) });
    const views = makeViews(colour, [...colour.labels.keys()], 1, policy, new Random(0));
    for (let c = 0; c < 3; c++) {
      const values = views.filter((_, i) => i % 3 === c);
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      const square = values.reduce((a, b) => a + b * b, 0) / values.length;
      assert.ok(Math.abs(mean) < 1e-6 && Math.abs(square - 1) < 1e-6);
    }
  });
});

describe("makeViews: reproducible", () => {
  for (const [name, dataset, policy] of [
    ["digits", grey, digitPolicy],
    ["CIFAR", colour, cifar10Policy],
  ] as const) {
    it(`whatever the order and the size of the batches (${name})`, () => {
      const size = dataset.height * dataset.width * dataset.channels;
      fc.assert(
        fc.property(
          fc.nat(),
          fc.array(fc.nat(11), { minLength: 1, maxLength: 8 }),
          fc.nat(),
          (seed, order, cut) => {
            const random = new Random(seed);
            const whole = makeViews(dataset, order, 3, policy, random);
            const split = cut % order.length;
            const parts = [order.slice(0, split), order.slice(split)].flatMap((part) => [
              ...makeViews(dataset, part, 3, policy, random),
            ]);
            assert.deepEqual([...whole], parts);
            const first = makeViews(dataset, order.slice(0, 1), 3, policy, random);
            assert.deepEqual(first, whole.subarray(0, 3 * size));
            assert.deepEqual(random.state, new Random(seed).state);
          },
        ),
        { numRuns: 30 },
      );
    });
  }

  it("and different for another view, sample place or epoch", () => {
    const random = new Random(0);
    const [a, b] = [
      makeViews(colour, [0], 2, cifar10Policy, random.fork(0)),
      makeViews(colour, [0], 2, cifar10Policy, random.fork(1)),
    ];
    const size = a.length / 2;
    const seen = [a.subarray(0, size), a.subarray(size), b.subarray(0, size), b.subarray(size)].map((v) =>
      v.join(),
    );
    assert.equal(new Set(seen).size, 4);
  });
});

describe("makeViews: statistics", () => {
  const n = 4000;
  const viewsOf = (dataset: ImageDataset, change: Partial<AugmentPolicy>) => {
    const views = makeViews(dataset, [0], n, plain(dataset.channels, change), new Random(2));
    const size = views.length / n;
    return Array.from({ length: n }, (_, v) => views.subarray(v * size, (v + 1) * size));
  };
  const assertShare = (count: number, probability: number) => {
    const error = Math.sqrt((probability * (1 - probability)) / n);
    assert.ok(Math.abs(count / n - probability) < 5 * error, `${count} of ${n} for ${probability}`);
  };
  const none = { probability: 1, brightness: 0, contrast: 0, saturation: 0, hue: 0 };
  const whole = makeViews(grey, [0], 1, plain(1), new Random(0)).join();

  it("flip, grayscale and jitter happen as often as they should", () => {
    assertShare(viewsOf(grey, { flip: 0.5 }).filter((view) => view.join() !== whole).length, 0.5);
    assertShare(viewsOf(colour, { grayscale: 0.2 }).filter((view) => view[0] === view[1]).length, 0.2);
    const jitter = { ...none, probability: 0.8, brightness: 0.4 };
    assertShare(viewsOf(grey, { jitter }).filter((view) => view.join() !== whole).length, 0.8);
  });

  it("brightness factors are uniform on [1 - s, 1 + s]", () => {
    const dark: ImageDataset = { ...noise(1, 1, 1, 1), images: Uint8Array.of(51) }; // 0.2: nothing is clamped
    const factors = viewsOf(dark, { jitter: { ...none, brightness: 0.4 } }).map((view) => view[0]! / 0.2);
    const mean = factors.reduce((a, b) => a + b, 0) / n;
    assert.ok(Math.abs(mean - 1) < (5 * 0.8) / Math.sqrt(12 * n));
    assert.ok(Math.min(...factors) > 0.6 - 1e-6 && Math.min(...factors) < 0.61);
    assert.ok(Math.max(...factors) < 1.4 + 1e-6 && Math.max(...factors) > 1.39);
  });

  it("every pixel stays in [0, 1] before normalisation", () => {
    const jitter = { probability: 1, brightness: 1, contrast: 1, saturation: 1, hue: 0.5 };
    for (const view of viewsOf(colour, { crop: cifar10Policy.crop, jitter })) {
      assert.ok(view.every((x) => x >= 0 && x <= 1));
    }
  });

  it("brightness and contrast come in either order equally often", () => {
    // Pixels (0, 1) under factors f (brightness) and g (contrast), both uniform on [0, 2]; consider f > 1 > g.
    // Brightness first: (0, 1) stays, then (1 - g, 1 + g) / 2: sum 1 and both inside. Probability 1/2 * 1/4.
    // Contrast first: f (1 - g) / 2 and f (1 + g) / 2, which is clamped where g > 2/f - 1. Probability
    // 1/2 * 1/4 * integral from 1 to 2 of (2 - 2/f) df = (2 - 2 ln 2) / 8. No other case gives such pairs.
    const pair: ImageDataset = { ...noise(1, 1, 2, 1), images: Uint8Array.of(0, 255) };
    const views = viewsOf(pair, { jitter: { ...none, brightness: 1, contrast: 1 } });
    const brightnessFirst = views.filter(([a, b]) => a! > 0 && Math.abs(a! + b! - 1) < 1e-6);
    const contrastFirst = views.filter(([a, b]) => a! > 0 && a! < 1 && b === 1);
    assertShare(brightnessFirst.length, 1 / 8);
    assertShare(contrastFirst.length, (2 - 2 * Math.LN2) / 8);
  });
});

describe("AugmentPolicy", () => {
  it("has sound defaults, of SupContrast's published values for CIFAR", () => {
    checkPolicy(digitPolicy, 1);
    checkPolicy(cifar10Policy, 3);
    checkPolicy(cifar100Policy, 3);
    assert.equal(digitPolicy.flip, 0);
    assert.deepEqual(cifar10Policy, {
      crop: { area: [0.2, 1], aspect: [3 / 4, 4 / 3] },
      flip: 0.5,
      jitter: { probability: 0.8, brightness: 0.4, contrast: 0.4, saturation: 0.4, hue: 0.1 },
      grayscale: 0.2,
      mean: [0.4914, 0.4822, 0.4465],
      std: [0.2023, 0.1994, 0.201],
    });
    assert.deepEqual(JSON.parse(JSON.stringify(cifar10Policy)), cifar10Policy);
  });

  const jitter = { probability: 1, brightness: 0, contrast: 0, saturation: 0, hue: 0 };
  for (const [what, change, message] of [
    ["an area above 1", { crop: { area: [0.5, 1.1], aspect: [1, 1] } }, /crop\.area/],
    ["a reversed area", { crop: { area: [0.5, 0.4], aspect: [1, 1] } }, /crop\.area/],
    ["an aspect of 0", { crop: { area: [0.5, 1], aspect: [0, 1] } }, /crop\.aspect/],
    ["flip above 1", { flip: 1.5 }, /flip.*got 1\.5/],
    ["NaN", { flip: NaN }, /flip/],
    ["negative brightness", { jitter: { ...jitter, brightness: -0.1 } }, /jitter\.brightness/],
    ["hue of a grey image", { jitter: { ...jitter, hue: 0.1 } }, /hue.*3 channels/],
    ["hue beyond half a turn", { jitter: { ...jitter, hue: 0.6 } }, /jitter\.hue/],
    ["grayscale of a grey image", { grayscale: 0.2 }, /grayscale.*3 channels/],
    ["a mean of the wrong length", { mean: [0, 0, 0] }, /mean of 1 numbers/],
    ["a std of 0", { std: [0] }, /std/],
  ] as const) {
    it(`refuses ${what}`, () => {
      const act = () => makeViews(grey, [0], 2, plain(1, change), new Random(0));
      assert.throws(act, (error: unknown) => error instanceof ValueError && message.test(error.message));
    });
  }

  it("makeViews refuses an index outside the data and no view", () => {
    assert.throws(() => makeViews(grey, [12], 2, digitPolicy, new Random(0)), ValueError);
    assert.throws(() => makeViews(grey, [-1], 2, digitPolicy, new Random(0)), ValueError);
    assert.throws(() => makeViews(grey, [0], 0, digitPolicy, new Random(0)), ValueError);
  });
});
