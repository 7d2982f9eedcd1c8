import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Random } from "../../engine/random.ts";
import {
  adjustBrightness,
  adjustContrast,
  adjustHue,
  adjustSaturation,
  bytesToUnit,
  normalize,
  toGrayscale,
} from "../../supcon/augment/colour.kernels.ts";
import { sampleCrop } from "../../supcon/augment/crop.ts";
import { flipHorizontal, resizedCrop } from "../../supcon/augment/geometry.kernels.ts";
import type { CropBox } from "../../supcon/augment/crop.ts";
import type { ImageShape } from "../../supcon/data/dataset.ts";

const shapes = fc.record({
  height: fc.integer({ min: 1, max: 9 }),
  width: fc.integer({ min: 1, max: 9 }),
  channels: fc.constantFrom(1, 3),
});
const area = ({ height, width, channels }: ImageShape) => height * width * channels;
const randomImage = (shape: ImageShape, seed: number) => {
  const random = new Random(seed);
  return Float32Array.from({ length: area(shape) }, () => random.uniform());
};

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance = 1e-6): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < expected.length; i++) {
    assert.ok(
      Math.abs(actual[i]! - expected[i]!) <= tolerance,
      `at ${i}: ${actual[i]} is not ${expected[i]}`,
    );
  }
}

/** In place on a copy. */
function changed(pixels: readonly number[], change: (image: Float32Array) => void): number[] {
  const image = Float32Array.from(pixels);
  change(image);
  return [...image];
}

/** Bilinear resampling as a weighted sum over all pixels of the box, each weighted by two tent functions. */
function tentResize(image: Float32Array, shape: ImageShape, box: CropBox, out: ImageShape): Float64Array {
  const tent = (i: number, n: number, from: number, pixel: number) => {
    const position = Math.min(n - 1, Math.max(0, ((i + 0.5) * n) / from - 0.5));
    return Math.max(0, 1 - Math.abs(position - pixel));
  };
  const result = new Float64Array(area(out));
  for (let o = 0; o < result.length; o++) {
    const c = o % out.channels;
    const x = Math.floor(o / out.channels) % out.width;
    const y = Math.floor(o / out.channels / out.width);
    for (let v = 0; v < box.height; v++) {
      for (let u = 0; u < box.width; u++) {
        const weight = tent(y, box.height, out.height, v) * tent(x, box.width, out.width, u);
        result[o]! += weight * image[((box.top + v) * shape.width + box.left + u) * shape.channels + c]!;
      }
    }
  }
  return result;
}

describe("resizedCrop", () => {
  it("2 x 2 to 4 x 4, by hand", () => {
    const output = new Float32Array(16);
    const box = { top: 0, left: 0, height: 2, width: 2 };
    resizedCrop(Float32Array.of(0, 4, 8, 12), { height: 2, width: 2, channels: 1 }, box, output, {
      height: 4,
      width: 4,
      channels: 1,
    });
    // Samples at -1/4 (clamped to 0), 1/4, 3/4 and 5/4 (clamped to 1) of the way between the two centres.
    assert.deepEqual([...output], [0, 1, 3, 4, 2, 3, 5, 6, 6, 7, 9, 10, 8, 9, 11, 12]);
  });

  it("of the full area is the identity", () => {
    fc.assert(
      fc.property(shapes, fc.nat(), (shape, seed) => {
        const image = randomImage(shape, seed);
        const output = new Float32Array(image.length);
        resizedCrop(
          image,
          shape,
          { top: 0, left: 0, height: shape.height, width: shape.width },
          output,
          shape,
        );
        assert.deepEqual(output, image);
      }),
    );
  });

  it("is the sum of the box's pixels under tent functions", () => {
    fc.assert(
      fc.property(shapes, shapes, fc.nat(), fc.nat(), (shape, size, seed, pick) => {
        const out = { ...size, channels: shape.channels };
        const height = 1 + (pick % shape.height);
        const width = 1 + ((pick >>> 8) % shape.width);
        const random = new Random(seed);
        const top = random.integer(shape.height - height + 1);
        const box = { top, left: random.integer(shape.width - width + 1), height, width };
        const image = randomImage(shape, seed);
        const output = new Float32Array(area(out));
        resizedCrop(image, shape, box, output, out);
        assertClose(output, tentResize(image, shape, box, out));
      }),
    );
  });
});

describe("flipHorizontal", () => {
  it("mirrors rows and keeps the channels of a pixel together", () => {
    const flip = (pixels: readonly number[], shape: ImageShape) =>
      changed(pixels, (image) => {
        flipHorizontal(image, shape);
      });
    assert.deepEqual(flip([1, 2, 3, 4, 5, 6], { height: 2, width: 3, channels: 1 }), [3, 2, 1, 6, 5, 4]);
    assert.deepEqual(flip([1, 2, 3, 4, 5, 6], { height: 1, width: 2, channels: 3 }), [4, 5, 6, 1, 2, 3]);
  });

  it("twice is the identity", () => {
    fc.assert(
      fc.property(shapes, fc.nat(), (shape, seed) => {
        const image = randomImage(shape, seed);
        flipHorizontal(image, shape);
        flipHorizontal(image, shape);
        assert.deepEqual(image, randomImage(shape, seed));
      }),
    );
  });
});

describe("colour operations, by hand", () => {
  const rgb = [0.5, 0.25, 1, 0, 0.5, 0.25];
  const luma = [0.299 * 0.5 + 0.587 * 0.25 + 0.114, 0.587 * 0.5 + 0.114 * 0.25] as const;

  it("bytes", () => {
    const output = new Float32Array(3);
    bytesToUnit(Uint8Array.of(0, 51, 255), output);
    assertClose(output, [0, 0.2, 1]);
  });

  it("brightness scales and clamps", () => {
    const brighter = changed([0, 0.25, 0.5, 0.9], (image) => {
      adjustBrightness(image, 1.5);
    });
    assertClose(brighter, [0, 0.375, 0.75, 1]);
  });

  it("contrast moves from the mean, grey or luma, and clamps", () => {
    const grey = changed([0, 0.2, 0.4, 1], (image) => {
      adjustContrast(image, 1, 2);
    });
    assertClose(grey, [0, 0, 0.4, 1]); // mean 0.4
    const flat = changed(rgb, (image) => {
      adjustContrast(image, 3, 0);
    });
    assertClose(flat, new Array<number>(6).fill((luma[0] + luma[1]) / 2));
  });

  it("saturation moves from the luma; 0 is grayscale", () => {
    const half = changed(rgb, (image) => {
      adjustSaturation(image, 0.5);
    });
    assertClose(
      half,
      rgb.map((x, i) => (x + luma[i < 3 ? 0 : 1]) / 2),
    );
    const grey = [luma[0], luma[0], luma[0], luma[1], luma[1], luma[1]];
    assertClose(changed(rgb, toGrayscale), grey);
    const none = changed(rgb, (image) => {
      adjustSaturation(image, 0);
    });
    assertClose(none, grey);
  });

  it("hue agrees with Python's colorsys", () => {
    for (const [pixel, turns, expected] of [
      [[0.8, 0.3, 0.1], 0.1, [0.8, 0.72, 0.1]],
      [[0.2, 0.9, 0.5], -0.25, [0.9, 0.85, 0.2]],
      [[0.1, 0.2, 0.7], 0.5, [0.7, 0.6, 0.1]],
      [[0.4, 0.4, 0.4], 0.3, [0.4, 0.4, 0.4]],
    ] as const) {
      const rotated = changed(pixel, (image) => {
        adjustHue(image, turns);
      });
      assertClose(rotated, expected);
    }
  });

  it("hue keeps value and chroma, and comes back after the opposite turn", () => {
    const channel = fc.double({ min: 0, max: 1, noNaN: true });
    fc.assert(
      fc.property(
        channel,
        channel,
        channel,
        fc.double({ min: -0.5, max: 0.5, noNaN: true }),
        (r, g, b, turns) => {
          const there = changed([r, g, b], (image) => {
            adjustHue(image, turns);
          });
          assertClose([Math.max(...there), Math.min(...there)], [Math.max(r, g, b), Math.min(r, g, b)]);
          const back = changed(there, (image) => {
            adjustHue(image, -turns);
          });
          assertClose(back, [r, g, b], 1e-5);
        },
      ),
    );
  });

  it("normalize, channel by channel", () => {
    const normal = changed([0.5, 1, 0, 2], (image) => {
      normalize(image, [0.5, 1], [0.25, 2]);
    });
    assertClose(normal, [0, 0, -2, 0.5]);
  });
});

describe("sampleCrop", () => {
  it("stays inside the image, whatever the ranges", () => {
    const range = fc
      .tuple(fc.double({ min: 0.01, max: 1, noNaN: true }), fc.double({ min: 0.01, max: 1, noNaN: true }))
      .map(([a, b]): [number, number] => [Math.min(a, b), Math.max(a, b)]);
    fc.assert(
      fc.property(shapes, range, range, fc.nat(), ({ height, width }, area, aspect, seed) => {
        const box = sampleCrop(height, width, { area, aspect }, new Random(seed));
        assert.ok(box.height >= 1 && box.width >= 1 && box.top >= 0 && box.left >= 0);
        assert.ok(box.top + box.height <= height && box.left + box.width <= width);
        assert.ok(Object.values(box).every(Number.isInteger));
      }),
    );
  });

  it("draws area, log aspect and place evenly", () => {
    const random = new Random(1);
    const n = 5000;
    // In this range every rectangle fits, so nothing is drawn again.
    const range = { area: [0.2, 0.5], aspect: [3 / 4, 4 / 3] } as const;
    let [areas, aspects, places, smallest, largest] = [0, 0, 0, Infinity, 0];
    for (let i = 0; i < n; i++) {
      const box = sampleCrop(200, 200, range, random);
      const share = (box.height * box.width) / 200 ** 2;
      areas += share / n;
      smallest = Math.min(smallest, share);
      largest = Math.max(largest, share);
      aspects += Math.log(box.width / box.height) / n;
      places += box.left / (200 - box.width) / n;
    }
    // A uniform variable of width w has the standard error w / sqrt(12 n); bounds are 5 of them.
    const error = (width: number) => (5 * width) / Math.sqrt(12 * n);
    assert.ok(Math.abs(areas - 0.35) < error(0.3));
    assert.ok(Math.abs(aspects) < error(2 * Math.log(4 / 3)));
    assert.ok(Math.abs(places - 0.5) < error(1));
    assert.ok(smallest > 0.19 && smallest < 0.21 && largest < 0.51 && largest > 0.49);
  });

  it("takes the central rectangle of the nearest aspect where none fits", () => {
    const wide = sampleCrop(10, 100, { area: [1, 1], aspect: [1, 2] }, new Random(0));
    assert.deepEqual(wide, { top: 0, left: 40, height: 10, width: 20 });
    const tall = sampleCrop(100, 10, { area: [1, 1], aspect: [0.5, 1] }, new Random(0));
    assert.deepEqual(tall, { top: 40, left: 0, height: 20, width: 10 });
  });
});
