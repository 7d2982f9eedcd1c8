import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import sharp from "sharp";
import { convertSheets, recordsOfSheet, sheetFiles } from "../../supcon/data/cifar-sheets.ts";
import { formatCifar10, loadCifarDataset, parseCifar } from "../../supcon/data/cifar.ts";
import { refusal } from "./refusal.ts";

const folder = mkdtempSync(join(tmpdir(), "spheregrad-cifar-"));
after(() => { rmSync(folder, { recursive: true }); }); // prettier-ignore

/** A record of CIFAR-10: red is the position in the plane, green 7, blue 9. */
function record(...labels: readonly number[]): Uint8Array {
  const planes = [
    ...Array.from({ length: 1024 }, (_, i) => i % 256),
    ...Array<number>(1024).fill(7),
    ...Array<number>(1024).fill(9),
  ];
  return Uint8Array.from([...labels, ...planes]);
}

const join2 = (...parts: readonly Uint8Array[]): Uint8Array =>
  Uint8Array.from(parts.flatMap((part) => [...part]));

describe("CIFAR: records", () => {
  it("become pixels of three channels, row by row", () => {
    const { images, labels } = parseCifar(join2(record(3), record(9)), "cifar10", 10, "x");
    assert.deepEqual([...labels], [3, 9]);
    assert.equal(images.length, 2 * 3072);
    assert.deepEqual([...images.subarray(0, 9)], [0, 7, 9, 1, 7, 9, 2, 7, 9]);
    assert.deepEqual([...images.subarray(3072 + 3 * 33, 3072 + 3 * 34)], [33, 7, 9]);
  });

  it("of CIFAR-100 have the fine label second", () => {
    const { labels, images } = parseCifar(record(19, 87), "cifar100", 100, "x");
    assert.deepEqual([...labels], [87]);
    assert.deepEqual([...images.subarray(3, 6)], [1, 7, 9]);
  });

  it("are read as they are written", () => {
    const batches = fc.array(fc.integer({ min: 0, max: 9 }), { minLength: 1, maxLength: 3 });
    fc.assert(
      fc.property(batches, fc.integer(), (labels, seed) => {
        const images = Uint8Array.from({ length: labels.length * 3072 }, (_, i) => Math.imul(i + 1, seed | 1) >>> 13); // prettier-ignore
        const parsed = parseCifar(formatCifar10(images, labels), "cifar10", 10, "x");
        assert.deepEqual(parsed.images, images);
        assert.deepEqual([...parsed.labels], labels);
      }),
      { numRuns: 20 },
    );
  });

  it("are refused where they are cut short, none, or of labels that are no class", () => {
    const parse = (bytes: Uint8Array) => () => parseCifar(bytes, "cifar10", 10, "f.bin");
    assert.throws(parse(record(1).subarray(1)), refusal(/^f\.bin: expected whole records of 3073 bytes, got 3072 bytes; /)); // prettier-ignore
    assert.throws(parse(new Uint8Array()), refusal(/got 0 bytes/));
    assert.throws(parse(join2(record(9), record(10))), refusal(/labels in 0\.\.9, got 10 at image 1; /));
  });

  it("of several files follow each other", () => {
    const files = [4, 5].map((label) => {
      const path = join(folder, `batch-${label}`);
      writeFileSync(path, record(label));
      return { path };
    });
    const classes = Array.from({ length: 10 }, (_, i) => String(i));
    const { count, labels, ...rest } = loadCifarDataset({ name: "c", layout: "cifar10", files, classes });
    assert.deepEqual([count, ...labels, rest.height, rest.width, rest.channels], [2, 4, 5, 32, 32, 3]);
  });
});

describe("CIFAR: sheets", () => {
  const pixels = (rows: number) => Uint8Array.from({ length: rows * 3072 }, (_, i) => (i * 11) % 251);
  const png = async (name: string, width: number, rows: number) => {
    const path = join(folder, name);
    await sharp(pixels(rows).subarray(0, width * rows * 3), { raw: { width, height: rows, channels: 3 } }).png().toFile(path); // prettier-ignore
    return path;
  };
  const labels = (name: string, list: unknown) => {
    const path = join(folder, name);
    writeFileSync(path, typeof list === "string" ? list : JSON.stringify(list));
    return path;
  };

  it("become records: each row an image, labels from the sheet's part of the list on", async () => {
    const sheet = await png("sheet.png", 1024, 2);
    const records = await recordsOfSheet(sheet, labels("labels.json", [1, 2, 3, 4]), 1);
    const parsed = parseCifar(records, "cifar10", 10, "x");
    assert.deepEqual([...parsed.labels], [3, 4]);
    assert.deepEqual(parsed.images, pixels(2));
  });

  it("become the six files of the binary version", async () => {
    const found = new Map<string, string>();
    for (const [i, file] of sheetFiles.entries()) {
      const path = file.endsWith(".png") ? await png(file, 1024, 1) : labels(file, [5, 6, 7, 8, 9].slice(i - 6)); // prettier-ignore
      found.set(file, path);
    }
    const paths = await convertSheets(found, folder, () => undefined);
    assert.deepEqual(
      [...paths.keys()],
      ["data_batch_1.bin", "data_batch_2.bin", "data_batch_3.bin", "data_batch_4.bin", "data_batch_5.bin", "test_batch.bin"], // prettier-ignore
    );
    const classes = Array.from({ length: 10 }, (_, i) => String(i));
    const files = [...paths.values()].map((path) => ({ path }));
    const whole = loadCifarDataset({ name: "c", layout: "cifar10", files, classes });
    assert.deepEqual([...whole.labels], [5, 6, 7, 8, 9, 6]);
  });

  it("are refused where they do not decode, have another width, or labels that do not fit", async () => {
    const broken = join(folder, "broken.png");
    writeFileSync(broken, "no image");
    const good = await png("good.png", 1024, 2);
    const two = labels("two.json", [1, 2]);
    const refused: [sheet: string, labels: string, part: number, message: RegExp][] = [
      [broken, two, 0, /broken\.png: expected an image file, got none that can be decoded/],
      [await png("narrow.png", 32, 2), two, 0, /expected a PNG of 1024 RGB pixels in a row, got 32 of 3/],
      [good, two, 1, /two\.json: expected at least 4 labels, .* got fewer/],
      [
        good,
        labels("ten.json", [1, 10]),
        0,
        /ten\.json: expected a list of labels in 0\.\.9, got something else/,
      ],
      [
        good,
        labels("text.json", "airplane"),
        0,
        /text\.json: expected a list of labels, got something else \(/,
      ],
    ];
    for (const [sheet, list, part, message] of refused) {
      await assert.rejects(recordsOfSheet(sheet, list, part), refusal(message));
    }
  });
});
