import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { after, describe, it } from "node:test";
import sharp from "sharp";
import { classCounts } from "../../supcon/data/dataset.ts";
import { loadImageFolder } from "../../supcon/data/image-folder.ts";
import { refusal } from "./refusal.ts";

const folder = mkdtempSync(join(tmpdir(), "spheregrad-folder-"));
after(() => { rmSync(folder, { recursive: true }); }); // prettier-ignore

let number = 0;
/** A folder with these files: images of one grey value, or texts. */
async function make(files: Readonly<Record<string, number | string>>): Promise<string> {
  const path = join(folder, String(number++));
  for (const [name, content] of Object.entries(files)) {
    mkdirSync(dirname(join(path, name)), { recursive: true });
    if (typeof content === "string") writeFileSync(join(path, name), content);
    else {
      const background = { r: content, g: content, b: content };
      await sharp({ create: { width: 12, height: 9, channels: 3, background } }).toFile(join(path, name));
    }
  }
  return path;
}

const numbered = (prefix: string, count: number, first: number) =>
  Object.fromEntries(Array.from({ length: count }, (_, i) => [`${prefix}/${i}.png`, first + i]));

describe("loadImageFolder", () => {
  it("reads train and test or val, classes by name, and passes over what is no image", async () => {
    for (const part of ["test", "val"]) {
      const path = await make({
        ...{ "train/dog/b.png": 20, "train/dog/a.png": 10, "train/cat/c.jpg": 200 },
        ...{ [`${part}/cat/x.webp`]: 100, [`${part}/dog/y.png`]: 30 },
        ...{
          "train/cat/notes.txt": "no image",
          "train/cat/.hidden.png": "no image",
          "train/.git/x.png": "x",
        },
        "readme.md": "text",
      });
      const { train, test } = await loadImageFolder(path, 4);
      assert.deepEqual([train.classes, test.classes], [["cat", "dog"], ["cat", "dog"]]); // prettier-ignore
      assert.deepEqual([train.count, train.height, train.width, train.channels], [3, 4, 4, 3]);
      assert.deepEqual([...train.labels], [0, 1, 1]);
      assert.deepEqual([...test.labels], [0, 1]);
      assert.ok(Math.abs(train.images[0]! - 200) < 3, "a JPEG");
      assert.deepEqual([train.images[48], train.images[96], test.images[48]], [10, 20, 30]);
    }
  });

  it("scales the shorter side and keeps the middle of the longer", async () => {
    // 4 x 12: black, white, black in thirds.
    const thirds = Uint8Array.from({ length: 4 * 12 * 3 }, (_, i) =>
      Math.floor(i / 12) % 3 === 1 ? 255 : 0,
    );
    const path = await make({ "a/1.png": 0, "b/0.png": 0, "b/1.png": 0 });
    await sharp(thirds, { raw: { width: 12, height: 4, channels: 3 } }).toFile(join(path, "a/0.png"));
    const { train, test } = await loadImageFolder(path, 4);
    const found = [train, test].flatMap(({ images, labels }) => [...labels.keys()].filter((i) => labels[i] === 0).map((i) => images.subarray(i * 48, (i + 1) * 48))); // prettier-ignore
    assert.ok(
      found.some((image) => image.every((byte) => byte === 255)),
      "only the white third is left",
    );
  });

  it("sets a fifth of each class apart, the same each time, where nothing is marked for the test", async () => {
    const path = await make({ ...numbered("a", 10, 0), ...numbered("b", 5, 100) });
    const { train, test } = await loadImageFolder(path, 2);
    assert.deepEqual([classCounts(train), classCounts(test)], [[8, 4], [2, 1]]); // prettier-ignore
    const values = [train, test].flatMap(({ images, count }) => Array.from({ length: count }, (_, i) => images[12 * i]!)); // prettier-ignore
    assert.deepEqual(values.toSorted((a, b) => a - b), [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 100, 101, 102, 103, 104]); // prettier-ignore
    assert.deepEqual((await loadImageFolder(path, 2)).test.images, test.images);
  });

  const refused: [name: string, files: Readonly<Record<string, number | string>>, message: RegExp][] = [
    ["an empty class", { "a/0.png": 1, "a/1.png": 1, "b/notes.txt": "x" }, /b: expected images .* of the class "b", found none; /], // prettier-ignore
    ["images that do not decode", { ...numbered("a", 3, 0), ...numbered("b", 3, 0), "b/3.png": "no image" }, /3\.png: expected an image file, got none that can be decoded/], // prettier-ignore
    [
      "one class",
      numbered("a", 3, 0),
      /expected a sub-folder of images for each class, at least two, found 1/,
    ],
    ["images without classes", { "0.png": 1 }, /at least two, found 0/],
    ["nothing to test on", { "train/a/0.png": 1, "train/b/0.png": 1 }, /expected test or val beside train/],
    ["other classes to test on", { "train/a/0.png": 1, "train/b/0.png": 1, "test/a/0.png": 1, "test/c/0.png": 1 }, /expected the classes of .*train \(a, b\), got a, c/], // prettier-ignore
    [
      "a single image to split",
      { ...numbered("a", 3, 0), "b/0.png": 1 },
      /b: expected at least 2 images, .* found 1/,
    ],
  ];
  for (const [name, files, message] of refused) {
    it(`refuses ${name}`, async () => {
      await assert.rejects(loadImageFolder(await make(files), 4), refusal(message));
    });
  }

  it("refuses an image that is cut short, and a folder that is not there", async () => {
    const path = await make({ ...numbered("a", 2, 0), ...numbered("b", 2, 0) });
    const noise = Uint8Array.from({ length: 64 * 64 * 3 }, (_, i) => (i * i * 31) >>> 5);
    const whole = await sharp(noise, { raw: { width: 64, height: 64, channels: 3 } })
      .jpeg()
      .toBuffer();
    writeFileSync(join(path, "a", "0.jpg"), whole.subarray(0, whole.length >> 1));
    await assert.rejects(loadImageFolder(path, 4), refusal(/0\.jpg: expected an image file/));
    await assert.rejects(loadImageFolder(join(folder, "absent"), 4), refusal(/absent: expected a folder that can be read, got none/)); // prettier-ignore
  });
});
