import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Random } from "../../engine/random.ts";
import { mirror, nearest, symmetric } from "../../supcon/augment/borders.ts";
import type { ImageDataset } from "../../supcon/data/dataset.ts";
import { corruptDataset } from "../../supcon/evaluate/corruptions/corrupt.ts";
import type { Corruption, Picture } from "../../supcon/evaluate/corruptions/corruption.ts";
import { correlate, disc, gaussianBlur, line } from "../../supcon/evaluate/corruptions/filter.kernels.ts"; // prettier-ignore
import { corruptions, corruptionsFor } from "../../supcon/evaluate/corruptions/index.ts";
import type { CorruptionName } from "../../supcon/evaluate/corruptions/index.ts";
import { plasma } from "../../supcon/evaluate/corruptions/plasma.kernels.ts";
import { Poisson } from "../../supcon/evaluate/corruptions/poisson.kernels.ts";
import { boxResize, warp, zoom } from "../../supcon/evaluate/corruptions/sample.kernels.ts";

/** Bytes over 255 [height, width, channels]: a gradient with a disc and a bar on it. */
function scene(height: number, width: number, channels: number): Picture {
  const pixels = new Float32Array(height * width * channels).map((_, i) => {
    const [c, x, y] = [i % channels, Math.floor(i / channels) % width, Math.floor(i / channels / width)];
    const inDisc = (y - height / 2) ** 2 + (x - width / 3) ** 2 < (height / 5) ** 2;
    const inBar = x > (2 * width) / 3 && x < (5 * width) / 6;
    const value = inDisc ? 0.9 - 0.3 * c : inBar ? 0.1 + 0.3 * c : 0.3 + (0.3 * x) / width + (0.1 * y) / height; // prettier-ignore
    return Math.round(255 * value) / 255;
  });
  return { pixels, height, width, channels };
}

const flat = (value: number, height = 16, width = 20, channels = 1): Picture => ({
  ...{ height, width, channels },
  pixels: new Float32Array(height * width * channels).fill(value),
});

/** One bright pixel in the middle of 21 x 21 dark ones. */
const dot = (): Picture => {
  const picture = flat(0, 21, 21);
  picture.pixels[10 * 21 + 10] = 1;
  return picture;
};

const severities = (name: CorruptionName): Corruption => corruptions[name].severities;
const mean = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((a, b) => a + b, 0) / values.length;
const std = (values: ArrayLike<number>): number => {
  const m = mean(values);
  return Math.sqrt(mean(Array.from(values, (x) => (x - m) ** 2)));
};
const distance = (a: ArrayLike<number>, b: ArrayLike<number>): number =>
  Math.sqrt(mean(Array.from(a, (x, i) => (x - b[i]!) ** 2)));
const near = (got: number, expected: number, tolerance: number, what: string): void => {
  assert.ok(
    Math.abs(got - expected) <= tolerance,
    `${what}: expected ${expected} +- ${tolerance}, got ${got}`,
  );
};

/** These draw nothing. */
const certain: readonly string[] = ["defocus blur", "zoom blur", "gaussian blur", "brightness", "contrast", "pixelate", "jpeg compression", "saturate"]; // prettier-ignore
/** Each severity damages more than the one before it. */
const growing = [
  ...(["gaussian noise", "shot noise", "impulse noise", "speckle noise", "gaussian blur"] as const),
  ...(["motion blur", "zoom blur", "fog", "brightness", "contrast", "jpeg compression"] as const),
] as const satisfies readonly CorruptionName[];

describe("corruptions", () => {
  it("are the 15 and 4 of CIFAR-10-C, of which grey images can have all but one", () => {
    assert.equal(corruptionsFor(3).length, 19);
    assert.equal(corruptionsFor(3).filter(([, { extra }]) => extra).length, 4);
    assert.deepEqual(
      corruptionsFor(3).flatMap(([name]) => (corruptionsFor(1).some(([other]) => other === name) ? [] : [name])),
      ["saturate"],
    ); // prettier-ignore
  });

  for (const [name, { severities: five }] of corruptionsFor(3)) {
    it(`${name}: the same seed gives the same bits, on images of any size, which stay as they are`, async () => {
      for (const [height, width, channels] of [
        [32, 32, 3],
        [28, 28, 1],
        [19, 33, 3],
        [4, 3, 1],
      ]) {
        // prettier-ignore
        if (channels === 1 && name === "saturate") continue;
        const picture = scene(height!, width!, channels!);
        const before = picture.pixels.slice();
        for (const [s, damage] of five.entries()) {
          const damaged = await damage(picture, new Random(7));
          assert.equal(damaged.length, before.length);
          assert.ok(damaged.every(Number.isFinite), `severity ${s + 1} of ${height!} x ${width!} is finite`);
          assert.deepEqual(await damage(picture, new Random(7)), damaged);
          assert.deepEqual(picture.pixels, before);
          if (height !== 32) continue;
          assert.notDeepEqual(damaged, before, `severity ${s + 1} changes the image`);
          const other = await damage(picture, new Random(8));
          assert.equal(distance(other, damaged) === 0, certain.includes(name), "another seed");
        }
      }
    });
  }

  for (const name of growing) {
    it(`${name}: more with each severity`, async () => {
      const picture = scene(32, 32, 3);
      const distances = await Promise.all(
        severities(name).map(async (damage) => {
          const seeds = Array.from({ length: 8 }, async (_, seed) => damage(picture, new Random(seed)));
          return mean((await Promise.all(seeds)).map((damaged) => distance(damaged, picture.pixels)));
        }),
      );
      assert.deepEqual(distances.toSorted((a, b) => a - b), distances, distances.join(" ")); // prettier-ignore
    });
  }

  it("are rounded and clipped to bytes, image by image", async () => {
    const images = Uint8Array.of(0, 100, 200, 255, 7, 8, 9, 10);
    const dataset: ImageDataset = {
      ...{ name: "few", count: 2, height: 2, width: 2, channels: 1, images },
      ...{ labels: Int32Array.of(0, 1), classes: ["a", "b"] },
    };
    const shift = await corruptDataset(dataset, ({ pixels }) => pixels.map((x) => 1.2 * x - 0.05), new Random(0)); // prettier-ignore
    assert.deepEqual([...shift.images], [...images].map((byte) => Math.min(255, Math.max(0, Math.round(1.2 * byte - 0.05 * 255))))); // prettier-ignore
    assert.deepEqual([...dataset.images.subarray(0, 4)], [0, 100, 200, 255]);
    const [noise] = severities("gaussian noise");
    const both = await corruptDataset(dataset, noise, new Random(5));
    const second = { ...dataset, images: images.map((byte, i) => (i < 4 ? 50 : byte)) };
    const again = await corruptDataset(second, noise, new Random(5));
    assert.deepEqual(again.images.subarray(4), both.images.subarray(4), "the other image does not matter");
  });
});

describe("noise", () => {
  const grey = flat(0.5, 100, 100);

  it("has the mean and the spread of its definition", async () => {
    const spread = {
      "gaussian noise": [0.04, 0.06, 0.08, 0.09, 0.1],
      "shot noise": [500, 250, 100, 75, 50].map((photons) => Math.sqrt(0.5 / photons)),
      "speckle noise": [0.06, 0.1, 0.12, 0.16, 0.2].map((sigma) => 0.5 * sigma),
    } as const;
    for (const name of ["gaussian noise", "shot noise", "speckle noise"] as const) {
      for (const [s, damage] of severities(name).entries()) {
        const found = await damage(grey, new Random(s));
        const expected = spread[name][s]!;
        near(mean(found), 0.5, (4 * expected) / 100, `mean of ${name} ${s + 1}`); // 4 standard errors
        near(std(found), expected, 0.04 * expected, `standard deviation of ${name} ${s + 1}`);
      }
    }
  });

  it("of photons and speckles leaves black as it is; impulses are black and white alike", async () => {
    for (const name of ["shot noise", "speckle noise"] as const) {
      for (const damage of severities(name)) {
        assert.deepEqual(await damage(flat(0), new Random(1)), flat(0).pixels);
      }
    }
    for (const [s, damage] of severities("impulse noise").entries()) {
      const found = await damage(grey, new Random(s));
      const share = [0.01, 0.02, 0.03, 0.05, 0.07][s]!;
      for (const value of [0, 1]) {
        const lost = found.filter((x) => x === value).length;
        near(lost, 5000 * share, 4 * Math.sqrt(5000 * share), `severity ${s + 1}, values ${value}`);
      }
      assert.ok(found.every((x) => x === 0 || x === 1 || x === 0.5));
    }
  });

  it("by Poisson has its probabilities, for small rates and for great ones", () => {
    const [poisson, random] = [new Poisson(), new Random(3)];
    const draws = (rate: number) => Array.from({ length: 20_000 }, () => poisson.draw(rate, random));
    assert.ok(draws(0).every((n) => n === 0));
    const small = draws(1.5);
    for (const [n, p] of [0, 1, 2, 3].map(
      (n) => [n, (Math.exp(-1.5) * 1.5 ** n) / [1, 1, 2, 6][n]!] as const,
    )) {
      // prettier-ignore
      near(small.filter((x) => x === n).length / 20_000, p, 4 * Math.sqrt(p / 20_000), `P(${n})`);
    }
    const great = draws(500);
    near(mean(great), 500, 4 * Math.sqrt(500 / 20_000), "mean");
    near(std(great) ** 2, 500, 0.04 * 500, "variance");
  });
});

describe("filters", () => {
  it("continue an image beyond its borders as OpenCV and SciPy do", () => {
    const indices = Array.from({ length: 13 }, (_, i) => i - 4);
    assert.deepEqual(indices.map((i) => nearest(i, 4)), [0, 0, 0, 0, 0, 1, 2, 3, 3, 3, 3, 3, 3]); // prettier-ignore
    assert.deepEqual(indices.map((i) => mirror(i, 4)), [2, 3, 2, 1, 0, 1, 2, 3, 2, 1, 0, 1, 2]); // prettier-ignore
    assert.deepEqual(indices.map((i) => symmetric(i, 4)), [3, 2, 1, 0, 0, 1, 2, 3, 3, 2, 1, 0, 0]); // prettier-ignore
    for (const border of [nearest, mirror, symmetric]) assert.equal(border(-3, 1), 0);
  });

  it("blur by the Gaussian: known weights, mass kept", () => {
    const blurred = gaussianBlur(dot(), 1);
    near(mean(blurred) * 441, 1, 1e-6, "mass");
    const weights = Array.from({ length: 9 }, (_, i) => Math.exp(-((i - 4) ** 2) / 2));
    const total = weights.reduce((a, b) => a + b, 0);
    for (let y = 0; y < 9; y++) {
      for (let x = 0; x < 9; x++) {
        near(blurred[(y + 6) * 21 + x + 6]!, (weights[y]! * weights[x]!) / total ** 2, 1e-7, `${y}, ${x}`);
      }
    }
    assert.deepEqual(gaussianBlur(dot(), 0.05), dot().pixels, "narrower than a pixel");
  });

  it("have a disc of radius 1 of five equal weights, and lines of half a Gaussian", () => {
    const five = disc(1, 0.2).filter(({ weight }) => weight > 0.01);
    assert.deepEqual(five.map(({ dy, dx }) => [dy, dx]), [[-1, 0], [0, -1], [0, 0], [0, 1], [1, 0]]); // prettier-ignore
    for (const { weight } of five) near(weight, 0.2, 1e-4, "weight");
    near(disc(1.5, 0.1).reduce((sum, { weight }) => sum + weight, 0), 1, 1e-12, "sum"); // prettier-ignore
    const across = line(2, 1, 0);
    assert.deepEqual(across.map(({ dy, dx }) => [dy, dx]), [[0, 0], [0, 1], [0, 2], [0, 3], [0, 4]]); // prettier-ignore
    near(across[1]!.weight / across[0]!.weight, Math.exp(-1 / 2), 1e-12, "ratio");
    const steep = line(3, 1, Math.PI / 2).map(({ dy, dx }) => [dy, dx + 0]);
    assert.deepEqual(steep, [[0, 0], [1, 0], [2, 0], [3, 0], [4, 0], [5, 0], [6, 0]]); // prettier-ignore
    near(distance(correlate(flat(0.5), across, nearest), flat(0.5).pixels), 0, 1e-6, "grey stays");
  });

  it("leave what has no detail as it is", async () => {
    for (const name of [
      "defocus blur",
      "glass blur",
      "motion blur",
      "zoom blur",
      "gaussian blur",
      "elastic transform",
      "pixelate",
      "jpeg compression",
      "contrast",
    ] as const) {
      // prettier-ignore
      for (const damage of severities(name)) {
        const found = await damage(flat(128 / 255, 16, 20, 3), new Random(2));
        near(distance(found, flat(128 / 255, 16, 20, 3).pixels), 0, 1e-6, name);
      }
    }
  });

  it("of glass only replace pixels by those above and to the left where they blur by less than a pixel", async () => {
    const picture = scene(24, 24, 3);
    const found = await severities("glass blur")[0](picture, new Random(4));
    const at = (values: Float32Array, y: number, x: number) => [...values.subarray((y * 24 + x) * 3, (y * 24 + x) * 3 + 3)].join(" "); // prettier-ignore
    for (let i = 0; i < 24 * 24; i++) {
      const [y, x] = [Math.floor(i / 24), i % 24];
      const before = y > 1 && x > 1 ? [0, 1].flatMap((up) => [0, 1].map((left) => at(picture.pixels, y - up, x - left))) : [at(picture.pixels, y, x)]; // prettier-ignore
      assert.ok(before.includes(at(found, y, x)), `${y}, ${x}`);
    }
    assert.notDeepEqual(found, picture.pixels);
  });

  it("of motion spread a point to one side, not steeper than 45 degrees, mass kept", async () => {
    for (let seed = 0; seed < 20; seed++) {
      const found = await severities("motion blur")[4](dot(), new Random(seed));
      const lit = [...found.entries()].flatMap(([i, x]) => (x > 0 ? [[Math.floor(i / 21) - 10, (i % 21) - 10] as const] : [])); // prettier-ignore
      assert.ok(
        lit.every(([y, x]) => x <= 0 && Math.abs(y) <= Math.abs(x)),
        JSON.stringify(lit),
      );
      // The end of the line lies outside of the image.
      near(mean(found) * 441, 1, 1e-4, "mass");
    }
  });
});

describe("resampling", () => {
  it("does nothing at the same places, and moves by whole pixels exactly", () => {
    const picture = scene(9, 7, 3);
    assert.deepEqual(warp(picture, (y, x) => [y, x]), picture.pixels); // prettier-ignore
    assert.deepEqual(zoom(picture, 1), picture.pixels);
    const moved = warp(picture, (y, x) => [y + 2, x - 1]);
    const at = (values: Float32Array, y: number, x: number) => [...values.subarray((y * 7 + x) * 3, (y * 7 + x) * 3 + 3)]; // prettier-ignore
    assert.deepEqual(at(moved, 3, 4), at(picture.pixels, 5, 3));
    const between = warp(picture, (y, x) => [y, x + 0.25]);
    at(between, 2, 2).forEach((value, c) =>
      { near(value, 0.75 * at(picture.pixels, 2, 2)[c]! + 0.25 * at(picture.pixels, 2, 3)[c]!, 1e-6, "bilinear"); }); // prettier-ignore
  });

  it("zooms into the middle", () => {
    const ramp: Picture = { ...flat(0, 20, 20), pixels: new Float32Array(400).map((_, i) => (i % 20) / 19) };
    const row = [...zoom(ramp, 1.25).subarray(0, 20)];
    const slope = (row[19]! - row[0]!) / 19;
    near(slope, 1 / 19 / 1.25, 0.06 / 19, "slope");
    near((row[0]! + row[19]!) / 2, 0.5, 1e-6, "the middle stays");
  });

  it("averages blocks, and enlarges by repeating", () => {
    const picture: Picture = { ...flat(0, 4, 4), pixels: Float32Array.from({ length: 16 }, (_, i) => i) };
    const small = boxResize(picture, 2, 2);
    assert.deepEqual([...small.pixels], [2.5, 4.5, 10.5, 12.5]);
    assert.deepEqual([...boxResize(small, 4, 4).pixels.subarray(0, 8)], [2.5, 2.5, 4.5, 4.5, 2.5, 2.5, 4.5, 4.5]); // prettier-ignore
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 20 }), fc.integer({ min: 1, max: 20 }), (from, to) => {
        const ramp: Picture = {
          ...flat(0, from, 1),
          pixels: Float32Array.from({ length: from }, (_, i) => i),
        };
        const found = [...boxResize(ramp, to, 1).pixels];
        assert.deepEqual(found.toSorted((a, b) => a - b), found); // prettier-ignore
        near(mean(found), (from - 1) / 2, 0.5, "mean");
      }),
    );
  });
});

describe("weather", () => {
  it("has clouds from 0 to 1 that fit together at their borders and are the rougher the slower they decay", () => {
    const roughness = (decay: number) => {
      const map = plasma(32, decay, new Random(1));
      assert.deepEqual([Math.min(...map), Math.max(...map)], [0, 1]);
      const steps = (of: number) => mean(Array.from({ length: 32 }, (_, y) => Math.abs(map[y * 32 + of]! - map[y * 32 + ((of + 1) % 32)]!))); // prettier-ignore
      const inside = mean(Array.from({ length: 31 }, (_, x) => steps(x)));
      assert.ok(steps(31) < 3 * inside, "no seam");
      return inside;
    };
    assert.ok(roughness(1.2) > 1.5 * roughness(3));
  });

  it("fog pales towards the brightest value, which it never exceeds; black stays", async () => {
    for (const damage of severities("fog")) {
      const picture = scene(32, 32, 3);
      const most = Math.max(...picture.pixels);
      assert.ok(Math.max(...(await damage(picture, new Random(1)))) <= most + 1e-6);
      assert.deepEqual(await damage(flat(0), new Random(1)), flat(0).pixels);
    }
  });

  it("frost and snow never darken by more than the image's share in them, spatter of water never", async () => {
    const picture = scene(32, 32, 3);
    const shares = { frost: [1, 1, 0.9, 0.85, 0.75], snow: [1, 1, 1, 1, 1], spatter: [1, 1, 1, 0, 0] } as const; // prettier-ignore
    for (const name of ["frost", "snow", "spatter"] as const) {
      for (const [s, damage] of severities(name).entries()) {
        const found = await damage(picture, new Random(s));
        assert.ok(
          found.every((x, i) => x >= shares[name][s]! * picture.pixels[i]! - 1e-6),
          `${name} ${s + 1}`,
        );
        assert.ok(mean(found) > mean(picture.pixels) || s > 2, `${name} ${s + 1} is brighter`);
      }
    }
    // Mud is darker than grey.
    for (const damage of severities("spatter").slice(3)) {
      const found = await damage(flat(0.5, 32, 32, 3), new Random(1));
      assert.ok(found.every((x) => x <= 0.5) && found.some((x) => x < 0.3));
    }
  });

  it("brightness adds to the greatest channel and keeps the ratios", async () => {
    const picture: Picture = { height: 1, width: 3, channels: 3, pixels: Float32Array.of(0.2, 0.4, 0.1, 0, 0, 0, 0.5, 0.95, 0) }; // prettier-ignore
    const found = await severities("brightness")[1](picture, new Random(0));
    [0.25, 0.5, 0.125, 0.1, 0.1, 0.1, 0.5 / 0.95, 1, 0].forEach((x, i) => { near(found[i]!, x, 1e-6, `value ${i}`); }); // prettier-ignore
    const grey = await severities("brightness")[4](flat(0.3), new Random(0));
    near(mean(grey), 0.6, 1e-6, "grey");
  });
});

describe("digital corruptions", () => {
  it("contrast keeps the mean of each channel and shrinks its spread by its factor", async () => {
    const picture = scene(32, 32, 3);
    for (const [s, damage] of severities("contrast").entries()) {
      const found = await damage(picture, new Random(0));
      for (let c = 0; c < 3; c++) {
        const channel = (values: Float32Array) => values.filter((_, i) => i % 3 === c);
        near(mean(channel(found)), mean(channel(picture.pixels)), 1e-5, "mean");
        near(std(channel(found)) / std(channel(picture.pixels)), [0.75, 0.5, 0.4, 0.3, 0.15][s]!, 1e-4, "spread"); // prettier-ignore
      }
    }
  });

  it("saturation is what its formula says, and the greatest channel stays", async () => {
    const picture: Picture = { height: 1, width: 2, channels: 3, pixels: Float32Array.of(0.8, 0.6, 0.4, 0.5, 0.5, 0.5) }; // prettier-ignore
    const [weak, , strong, , more] = await Promise.all(severities("saturate").map(async (damage) => damage(picture, new Random(0)))); // prettier-ignore
    // S = 1/2 becomes 0.15, 0.75 and, at most, 1; a grey gets 0.2 of red.
    [0.8, 0.74, 0.68, 0.5, 0.5, 0.5].forEach((x, i) => { near(weak![i]!, x, 1e-6, `weak ${i}`); }); // prettier-ignore
    [0.8, 0.5, 0.2, 0.5, 0.5, 0.5].forEach((x, i) => { near(strong![i]!, x, 1e-6, `strong ${i}`); }); // prettier-ignore
    [0.8, 0.4, 0, 0.5, 0.4, 0.4].forEach((x, i) => { near(more![i]!, x, 1e-6, `more ${i}`); }); // prettier-ignore
  });

  it("pixels become blocks: at 0.65 of 32 there are 20 different rows", async () => {
    const ramp: Picture = { ...flat(0, 32, 32), pixels: new Float32Array(1024).map((_, i) => Math.floor(i / 32) / 32) }; // prettier-ignore
    const found = await severities("pixelate")[4](ramp, new Random(0));
    assert.equal(new Set(found).size, 20);
  });

  it("elastic maps move pixels by no more than their reach", async () => {
    // A ramp tells where a pixel comes from.
    const ramp: Picture = { ...flat(0, 40, 40), pixels: new Float32Array(1600).map((_, i) => i % 40) };
    for (const [s, damage] of severities("elastic transform").entries()) {
      for (let seed = 0; seed < 5; seed++) {
        const found = await damage(ramp, new Random(seed));
        const [shift, reach] = [[0, 0.05, 0.08, 0.1, 0.1][s]!, [0.08, 0.07, 0.06, 0.05, 0.03][s]!];
        // In the middle of the image the affine map moves by the mean of corners, at most 2 reaches.
        const middle = found[20 * 40 + 20]!;
        near(middle, 20, 40 * (shift + 2 * reach), `severity ${s + 1}`);
      }
    }
  });
});
