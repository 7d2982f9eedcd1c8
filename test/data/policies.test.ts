/** AutoAugment, RandAugment and the policies that are made of them. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { autoAugment, cifar10SubPolicies } from "../../supcon/augment/auto-augment.ts";
import { namedPolicy, policyNames } from "../../supcon/augment/policies.ts";
import { checkPolicy, cifar10Policy, digitPolicy, withoutAugmentation } from "../../supcon/augment/policy.ts";
import type { AugmentPolicy } from "../../supcon/augment/policy.ts";
import { randAugment, randAugmentOperations } from "../../supcon/augment/rand-augment.ts";
import { makeViews } from "../../supcon/augment/views.ts";
import type { ImageDataset } from "../../supcon/data/dataset.ts";

function noise(height: number, width: number, channels: number): ImageDataset {
  const random = new Random(1);
  const images = Uint8Array.from({ length: 3 * height * width * channels }, () => random.integer(256));
  return {
    name: "noise",
    count: 3,
    height,
    width,
    channels,
    images,
    labels: new Int32Array(3),
    classes: [""],
  };
}

/** Within five standard errors. */
function assertShare(count: number, n: number, probability: number): void {
  const error = Math.sqrt((probability * (1 - probability)) / n);
  assert.ok(Math.abs(count / n - probability) < 5 * error, `${count} of ${n} for ${probability}`);
}

describe("AutoAugment", () => {
  it("has the 25 published sub-policies, of levels 0 to 9", () => {
    assert.equal(cifar10SubPolicies.length, 25);
    assert.deepEqual(cifar10SubPolicies[5], [["shearY", 0.2, 7], ["posterize", 0.3, 7]]); // prettier-ignore
    // How often each operation stands in the published table.
    const counts = new Map<string, number>();
    for (const [name] of cifar10SubPolicies.flat()) counts.set(name, (counts.get(name) ?? 0) + 1);
    assert.deepEqual(Object.fromEntries([...counts].sort(([a], [b]) => (a < b ? -1 : 1))), {
      ...{ autoContrast: 7, brightness: 4, color: 5, contrast: 2, equalize: 9, invert: 3, posterize: 1, rotate: 1 },
      ...{ sharpness: 5, shearY: 2, solarize: 4, translateX: 2, translateY: 5 },
    }); // prettier-ignore
    for (const [, probability, level = 0] of cifar10SubPolicies.flat()) {
      assert.ok(probability >= 0 && probability <= 1 && Number.isInteger(level) && level >= 0 && level <= 9);
    }
  });

  it("draws sub-policies and steps as often as the table says", () => {
    // What shifts twice leaves 36 of 40 rows empty.
    const random = new Random(5);
    const n = 20_000;
    let emptied = 0;
    for (let i = 0; i < n; i++) {
      const image = new Float32Array(40).fill(0.5);
      autoAugment(image, { height: 40, width: 1, channels: 1 }, 0, random);
      if (image.filter((x) => x === 0).length === 36) emptied++;
    }
    // One sub-policy of 25 shifts twice by 18 of 40 rows: both happen with 0.9 * 0.7, of one sign half of the time.
    assertShare(emptied, n, (0.9 * 0.7 * 0.5) / 25);
  });
});

describe("RandAugment", () => {
  const options = { layers: 1, magnitude: 10, fill: 0 };

  it("draws 16 operations and the identity, and as many layers as it is told", () => {
    assert.equal(new Set(randAugmentOperations.map(([name]) => name)).size, 16);
    const random = new Random(6);
    const n = 20_000;
    const shape = { height: 1, width: 1, channels: 1 };
    const inverted = (layers: number) => {
      let count = 0;
      for (let i = 0; i < n; i++) {
        // Of a single pixel of 1/4, only invert makes 3/4.
        const image = Float32Array.of(0.25);
        randAugment(image, shape, { ...options, layers }, random);
        if (image[0] === 0.75) count++;
      }
      return count;
    };
    assertShare(inverted(1), n, 1 / 17);
    // First or second, beside one that leaves such a pixel alone.
    assert.ok(inverted(2) > (1.3 * n) / 17);
  });

  it("is as strong as TensorFlow's at magnitude 10 and 5", () => {
    const at = (magnitude: number) =>
      Object.fromEntries(randAugmentOperations.map(([name, range]) => [name, range.at(magnitude / 10)]));
    const [ten, five] = [at(10), at(5)];
    assert.deepEqual([ten.posterize, ten.solarize, ten.solarizeAdd], [4, 256, 110]);
    assert.deepEqual([five.posterize, five.solarize, five.solarizeAdd], [2, 128, 55]);
    assert.deepEqual([ten.rotate, five.rotate, five.color], [30, 15, 1]);
    assert.ok(Math.abs((ten.contrast ?? 0) - 1.9) < 1e-12);
    assert.deepEqual([ten.translateX, ten.cutout, ten.shearY], [100 / 224, 40 / 224, 0.3]);
  });

  it("gives shears, shifts and turns a random sign, and nothing else", () => {
    const signed = randAugmentOperations.filter(([, range]) => range.signed).map(([name]) => name);
    assert.deepEqual(signed, ["rotate", "shearX", "shearY", "translateX", "translateY"]);
  });
});

describe("policies by name", () => {
  for (const [own, channels] of [
    [digitPolicy, 1],
    [cifar10Policy, 3],
  ] as const)
    // prettier-ignore
    for (const name of policyNames)
      it(`${name} fits images of ${channels} channels and any size, keeps them in range and repeats`, () => {
        const policy: AugmentPolicy = namedPolicy(name, own);
        checkPolicy(policy, channels);
        assert.deepEqual(JSON.parse(JSON.stringify(policy)), policy);
        for (const [height, width] of [[1, 1], [2, 5], [28, 28], [33, 24]] as const) { // prettier-ignore
          const dataset = noise(height, width, channels);
          const views = makeViews(dataset, [2, 0], 20, policy, new Random(3));
          assert.ok(
            views.every((x, i) => {
              const [mean, std] = [policy.mean[i % channels]!, policy.std[i % channels]!];
              return x * std + mean > -1e-6 && x * std + mean < 1 + 1e-6;
            }),
          );
          const half = views.length / 2;
          const turned = makeViews(dataset, [0, 2], 20, policy, new Random(3));
          assert.deepEqual(turned.subarray(0, half), views.subarray(half));
          assert.deepEqual(turned.subarray(half), views.subarray(0, half));
        }
      });

  it("are changes of the data's own", () => {
    assert.equal(namedPolicy("default", digitPolicy), digitPolicy);
    assert.deepEqual(namedPolicy("none", cifar10Policy), withoutAugmentation(cifar10Policy));
    const strength = { layers: 3, magnitude: 4 };
    const { jitter, grayscale, crop, flip, randAugment } = namedPolicy(
      "randaugment",
      cifar10Policy,
      strength,
    );
    assert.deepEqual({ jitter, grayscale }, { jitter: null, grayscale: 0 });
    assert.deepEqual({ crop, flip }, { crop: cifar10Policy.crop, flip: cifar10Policy.flip });
    assert.deepEqual(randAugment, { ...strength, fill: 128 / 255 });
    const stacked = namedPolicy("stacked-randaugment", digitPolicy);
    assert.deepEqual(stacked.jitter, digitPolicy.jitter);
    assert.deepEqual(stacked.randAugment, { layers: 2, magnitude: 10, fill: 0 });
    assert.deepEqual(stacked.blur, { probability: 0.5, sigma: [0.1, 2] });
  });

  it("cutout leaves the mean colour, which normalisation makes 0", () => {
    const dataset = { ...noise(8, 8, 1), images: new Uint8Array(3 * 64).fill(255) };
    const policy = { ...withoutAugmentation(digitPolicy), cutout: { side: 0.5 } };
    const areas = Array.from(
      { length: 200 },
      (_, seed) =>
        makeViews(dataset, [0], 1, policy, new Random(seed)).filter((x) => Math.abs(x) < 1e-6).length,
    );
    assert.equal(Math.max(...areas), 16);
    assert.equal(Math.min(...areas), 4, "at a corner");
  });

  it("blur happens as often as it should, and not to images under 20 pixels", () => {
    const blurred = (side: number) => {
      const policy = {
        ...withoutAugmentation(digitPolicy),
        blur: { probability: 0.5, sigma: [1, 1] },
      } as const;
      const views = makeViews(noise(side, side, 1), [0], 1001, policy, new Random(7));
      const size = side * side;
      const plain = makeViews(noise(side, side, 1), [0], 1, withoutAugmentation(digitPolicy), new Random(7));
      const isPlain = (v: number) =>
        views.subarray(v * size, (v + 1) * size).every((x, i) => Math.abs(x - plain[i]!) < 1e-5);
      return Array.from({ length: 1001 }, (_, v) => v).filter((v) => !isPlain(v)).length;
    };
    assertShare(blurred(20), 1001, 0.5);
    assert.equal(blurred(19), 0);
  });

  const plain = withoutAugmentation(digitPolicy);
  for (const [what, change, message] of [
    ["no layer", { randAugment: { layers: 0, magnitude: 1, fill: 0 } }, /randAugment\.layers/],
    ["half a layer", { randAugment: { layers: 1.5, magnitude: 1, fill: 0 } }, /randAugment\.layers/],
    [
      "a magnitude above 10",
      { randAugment: { layers: 1, magnitude: 11, fill: 0 } },
      /randAugment\.magnitude.*11/,
    ],
    ["a fill as a byte", { autoAugment: { fill: 128 } }, /autoAugment\.fill/],
    ["a sigma of 0", { blur: { probability: 1, sigma: [0, 1] } }, /blur\.sigma/],
    ["a blur more often than always", { blur: { probability: 2, sigma: [1, 1] } }, /blur\.probability/],
    ["a square beyond the image", { cutout: { side: 1.5 } }, /cutout\.side/],
  ] as const satisfies readonly (readonly [string, Partial<AugmentPolicy>, RegExp])[]) {
    it(`refuse ${what}`, () => {
      const act = () => { checkPolicy({ ...plain, ...change }, 1); }; // prettier-ignore
      assert.throws(act, (error: unknown) => error instanceof ValueError && message.test(error.message));
    });
  }
});
