/** The operations of AutoAugment and RandAugment: worked by hand, after PIL's and torchvision's documented behaviour. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Random } from "../../engine/random.ts";
import { adjustSharpness, gaussianBlur } from "../../supcon/augment/filter.kernels.ts";
import { affine, fillSquare, rotation } from "../../supcon/augment/geometry.kernels.ts";
import { operations } from "../../supcon/augment/operations.ts";
import { autoContrast, equalize, invert, posterize, solarize, solarizeAdd } from "../../supcon/augment/tone.kernels.ts"; // prettier-ignore

/** What `change` makes of bytes, in bytes. */
function bytes(pixels: readonly number[], change: (image: Float32Array) => void): number[] {
  const image = Float32Array.from(pixels, (byte) => byte / 255);
  change(image);
  return Array.from(image, (x) => Math.round(255 * x * 1e4) / 1e4);
}

/** What `change` makes of values. */
function values(pixels: readonly number[], change: (image: Float32Array) => void): number[] {
  const image = Float32Array.from(pixels);
  change(image);
  return [...image];
}

function assertClose(actual: readonly number[], expected: readonly number[]): void {
  assert.equal(actual.length, expected.length);
  for (const [i, x] of expected.entries())
    assert.ok(Math.abs(actual[i]! - x) < 1e-6, `${actual.join(", ")} is not ${expected.join(", ")}`);
}

const shape = (height: number, width: number, channels = 1) => ({ height, width, channels });

describe("operations on intensities", () => {
  it("invert", () => {
    assert.deepEqual(bytes([0, 51, 255], invert), [255, 204, 0]);
  });

  it("posterize keeps the highest bits", () => {
    const kept = (bits: number) => bytes([0, 1, 100, 128, 255], (image) => { posterize(image, bits); }); // prettier-ignore
    assert.deepEqual(kept(8), [0, 1, 100, 128, 255]);
    assert.deepEqual(kept(4), [0, 0, 96, 128, 240]);
    assert.deepEqual(kept(1), [0, 0, 0, 128, 128]);
    assert.deepEqual(kept(0), [0, 0, 0, 0, 0]);
  });

  it("every byte keeps its bits, solarizes and stays, on the side that it is on", () => {
    const all = Array.from({ length: 256 }, (_, byte) => byte);
    for (const bits of [1, 4, 7]) {
      assert.deepEqual(bytes(all, (image) => { posterize(image, bits); }), all.map((b) => (b >> (8 - bits)) << (8 - bits))); // prettier-ignore
    }
    for (const threshold of [0, 1, 128, 255, 256]) {
      assert.deepEqual(bytes(all, (image) => { solarize(image, threshold); }), all.map((b) => (b < threshold ? b : 255 - b))); // prettier-ignore
    }
  });

  it("solarizeAdd lifts what is below 128, up to white", () => {
    const lifted = (addition: number) => bytes([0, 127, 128, 255], (image) => { solarizeAdd(image, addition); }); // prettier-ignore
    assert.deepEqual(lifted(110), [110, 237, 128, 255]);
    assert.deepEqual(lifted(200), [200, 255, 128, 255]);
  });

  it("autoContrast stretches each channel by itself; a flat one stays", () => {
    const stretched = bytes([50, 7, 100, 7, 150, 7], (image) => { autoContrast(image, 2); }); // prettier-ignore
    assert.deepEqual(stretched, [0, 7, 127.5, 7, 255, 7]);
  });

  it("equalize, by PIL's rule", () => {
    const counted = (...counts: (readonly [byte: number, count: number])[]) =>
      counts.flatMap(([byte, count]) => new Array<number>(count).fill(byte));
    const levels = (pixels: readonly number[]) => [...new Set(bytes(pixels, (image) => { equalize(image, 1); }))]; // prettier-ignore
    // step = (1024 - 257) / 255 = 3: (1 + 0) / 3, (1 + 512) / 3, (1 + 767) / 3, the last one cut at 255.
    assert.deepEqual(levels(counted([10, 512], [20, 255], [200, 257])), [0, 171, 255]);
    assert.deepEqual(levels(counted([9, 300])), [9], "one byte");
    assert.deepEqual(levels(counted([9, 254], [80, 300])), [9, 80], "too few pixels for a step");
    const two = counted([10, 600], [20, 600]).flatMap((byte) => [byte, 5]);
    const equalized = bytes(two, (image) => { equalize(image, 2); }); // prettier-ignore
    assert.deepEqual(equalized.slice(0, 2), [0, 5]);
    assert.deepEqual(equalized.slice(-2), [255, 5], "a channel by itself");
  });
});

describe("filters", () => {
  const peak = [0, 0, 0, 0, 1, 0, 0, 0, 0];

  it("sharpness blends with the smoothed image inside the border, and clamps", () => {
    const middle = (factor: number) => values(peak, (image) => { adjustSharpness(image, shape(3, 3), factor); }); // prettier-ignore
    for (const [factor, expected] of [
      [0, 5 / 13],
      [0.5, 9 / 13],
      [1, 1],
      [2, 1],
    ] as const) {
      // prettier-ignore
      assertClose(middle(factor), peak.map((x) => x * expected)); // prettier-ignore
    }
    const beside = values([0, 0, 0, 0, 0, 0.5, 1, 0, 0, 0, 0, 0], (image) => { adjustSharpness(image, shape(3, 4), 0); }); // prettier-ignore
    assertClose(beside, [0, 0, 0, 0, 0, (5 * 0.5 + 1) / 13, (5 + 0.5) / 13, 0, 0, 0, 0, 0]);
  });

  it("sharpness keeps channels apart", () => {
    const rgb = peak.flatMap((x) => [x, 0.25, 1 - x]);
    const smooth = values(rgb, (image) => { adjustSharpness(image, shape(3, 3, 3), 0); }); // prettier-ignore
    assertClose(smooth.slice(12, 15), [5 / 13, 0.25, 8 / 13]);
  });

  it("blurs by a product of two Gaussians, mirrored at the border", () => {
    const [near, far] = [1 / (1 + 2 * Math.exp(-0.5)), Math.exp(-0.5) / (1 + 2 * Math.exp(-0.5))];
    const blurred = values(peak, (image) => { gaussianBlur(image, shape(3, 3), 1, 1); }); // prettier-ignore
    // Both neighbours of a border pixel are the middle one.
    const line = [2 * far, near, 2 * far];
    assertClose(blurred, line.flatMap((a) => line.map((b) => a * b))); // prettier-ignore
  });

  it("blurs what is flat to itself, whatever shape, radius and sigma", () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 3, max: 7 }),
        fc.integer({ min: 3, max: 7 }),
        fc.constantFrom(1, 3),
        fc.integer({ min: 0, max: 2 }),
        fc.double({ min: 0.1, max: 9, noNaN: true }), // prettier-ignore
        (height, width, channels, radius, sigma) => {
          const flat = Array.from(
            { length: height * width * channels },
            (_, i) => 0.25 * (1 + (i % channels)),
          );
          assertClose(values(flat, (image) => { gaussianBlur(image, shape(height, width, channels), radius, sigma); }), flat); // prettier-ignore
        },
      ),
    );
  });
});

describe("affine", () => {
  const nine = [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const moved = (name: keyof typeof operations, strength: number) =>
    values(nine, (image) => { operations[name](image, shape(3, 3), strength, { fill: 0, random: new Random(0) }); }); // prettier-ignore

  it("shifts by a share of the side, to the nearest pixel, and fills", () => {
    assert.deepEqual(moved("translateX", 1 / 3), [2, 3, 0, 5, 6, 0, 8, 9, 0]);
    assert.deepEqual(moved("translateX", -1 / 3), [0, 1, 2, 0, 4, 5, 0, 7, 8]);
    assert.deepEqual(moved("translateY", 1 / 3), [4, 5, 6, 7, 8, 9, 0, 0, 0]);
    assert.deepEqual(moved("translateY", 0.1), nine, "0.3 of a pixel");
  });

  it("shears about the upper left corner: pixel centres lie at halves", () => {
    // Row v takes from u + v: 1/2, 3/2 and 5/2 pixels on.
    assert.deepEqual(moved("shearX", 1), [2, 3, 0, 6, 0, 0, 0, 0, 0]);
    assert.deepEqual(moved("shearY", 1), [4, 8, 0, 7, 0, 0, 0, 0, 0]);
    assert.deepEqual(moved("shearX", 0), nine);
  });

  it("turns counter-clockwise about the centre", () => {
    assert.deepEqual(moved("rotate", 90), [3, 6, 9, 2, 5, 8, 1, 4, 7]);
    assert.deepEqual(moved("rotate", -180), [9, 8, 7, 6, 5, 4, 3, 2, 1]);
    assert.deepEqual(moved("rotate", 0), nine);
    assert.equal(moved("rotate", 45)[4], 5);
  });

  it("keeps the channels of a pixel together and fills all of them", () => {
    const shifted = values([1, 2, 3, 4, 5, 6], (image) => { affine(image, shape(1, 2, 3), [1, 0, 1, 0, 1, 0], 9); }); // prettier-ignore
    assert.deepEqual(shifted, [4, 5, 6, 9, 9, 9]);
    const wide = shape(1, 2);
    assert.deepEqual(values([1, 2], (image) => { affine(image, wide, rotation(180, wide), 9); }), [2, 1]); // prettier-ignore
  });
});

describe("cutout", () => {
  it("paints a square, as far as it lies in the image", () => {
    const painted = values(new Array<number>(12).fill(1), (image) => { fillSquare(image, shape(3, 4), { x: 0, y: 1, half: 1 }, [0]); }); // prettier-ignore
    assert.deepEqual(painted, [0, 1, 1, 1, 0, 1, 1, 1, 1, 1, 1, 1]);
    const coloured = values([1, 1, 1, 1, 1, 1], (image) => { fillSquare(image, shape(1, 2, 3), { x: 1, y: 0, half: 1 }, [2, 3, 4]); }); // prettier-ignore
    assert.deepEqual(coloured, [2, 3, 4, 2, 3, 4]);
  });

  it("has its centre on each pixel equally often", () => {
    const random = new Random(4);
    const counts = new Array<number>(16).fill(0);
    for (let n = 0; n < 8000; n++) {
      // A square of side 2 from the pixel above and to the left: the centre is its last pixel.
      const image = new Float32Array(16).fill(1);
      operations.cutout(image, shape(4, 4), 1 / 4, { fill: 0, random });
      counts[image.lastIndexOf(0)]!++;
    }
    const error = Math.sqrt((1 / 16) * (15 / 16) * 8000);
    for (const count of counts) assert.ok(Math.abs(count - 500) < 5 * error, String(counts));
  });
});

describe("operations", () => {
  it("keep pixels in [0, 1], for 1 and 3 channels of any size", () => {
    const strengths = { rotate: 30, solarize: 100, solarizeAdd: 110, posterize: 4, contrast: 1.9, color: 1.9, brightness: 1.9, sharpness: 1.9 } as const; // prettier-ignore
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 6 }),
        fc.constantFrom(1, 3),
        fc.nat(), // prettier-ignore
        (height, width, channels, seed) => {
          const random = new Random(seed);
          const image = Float32Array.from({ length: height * width * channels }, () => random.uniform());
          for (const [name, operation] of Object.entries(operations)) {
            const changed = image.slice();
            const strength = new Map<string, number>(Object.entries(strengths)).get(name) ?? 0.3;
            operation(changed, shape(height, width, channels), strength, { fill: 0.5, random });
            assert.ok(changed.every((x) => x >= 0 && x <= 1), name); // prettier-ignore
          }
        },
      ),
    );
  });

  it("on colour leave an image of one channel as it is", () => {
    assert.deepEqual(values([0, 0.5], (image) => { operations.color(image, shape(1, 2), 1.9); }), [0, 0.5]); // prettier-ignore
    assert.notDeepEqual(values([0, 0.5, 1], (image) => { operations.color(image, shape(1, 1, 3), 0); }), [0, 0.5, 1]); // prettier-ignore
  });
});
