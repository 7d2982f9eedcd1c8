import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { Random } from "../../engine/random.ts";
import type { ImageDataset } from "../../supcon/data/dataset.ts";
import { corruptDataset } from "../../supcon/evaluate/corruptions/corrupt.ts";
import { corruptionsFor } from "../../supcon/evaluate/corruptions/index.ts";
import type { CorruptionName } from "../../supcon/evaluate/corruptions/index.ts";
import { distance, mean, scene, severities } from "./pictures.ts";

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
