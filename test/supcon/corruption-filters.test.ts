/** What corruptions are made of. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { Random } from "../../engine/random.ts";
import { mirror, nearest, symmetric } from "../../supcon/augment/borders.ts";
import type { Picture } from "../../supcon/evaluate/corruptions/corruption.ts";
import { correlate, disc, gaussianBlur, line } from "../../supcon/evaluate/corruptions/filter.kernels.ts";
import { boxResize, warp, zoom } from "../../supcon/evaluate/corruptions/sample.kernels.ts";
import { distance, dot, flat, mean, near, scene, severities } from "./pictures.ts";

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
