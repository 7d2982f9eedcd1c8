/** What each corruption does. */
import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Random } from "../../engine/random.ts";
import type { Picture } from "../../supcon/evaluate/corruptions/corruption.ts";
import { plasma } from "../../supcon/evaluate/corruptions/plasma.kernels.ts";
import { Poisson } from "../../supcon/evaluate/corruptions/poisson.kernels.ts";
import { flat, mean, near, scene, severities, std } from "./pictures.ts";

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
