import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import sharp from "sharp";
import { decodeImage } from "../../supcon/data/image.ts";
import { DataError } from "../../supcon/data/dataset.ts";
import { readRunConfig } from "../../supcon/commands/options.ts";
import { dataOf } from "../../supcon/commands/setup.ts";
import { runCommand, tiny } from "./command.ts";
import type { Ended } from "./command.ts";

const folder = mkdtempSync(join(tmpdir(), "spheregrad-predict-"));
after(() => { rmSync(folder, { recursive: true }); }); // prettier-ignore

/** Writes raw bytes as a PNG file. */
async function png(name: string, data: Uint8Array, width: number, height: number, channels: 1 | 3 | 4) {
  const path = join(folder, name);
  await sharp(data, { raw: { width, height, channels } }).png().toFile(path);
  return path;
}

describe("decodeImage", () => {
  const grey = { height: 2, width: 2, channels: 1 };

  it("gives the bytes of an image of the right size", async () => {
    const path = await png("exact.png", Uint8Array.of(0, 85, 170, 255), 2, 2, 1);
    assert.deepEqual([...(await decodeImage(path, grey))], [0, 85, 170, 255]);
    const colours = Uint8Array.of(255, 0, 0, 0, 255, 0);
    const rgb = await png("rgb.png", colours, 2, 1, 3);
    assert.deepEqual(await decodeImage(rgb, { height: 1, width: 2, channels: 3 }), colours);
  });

  it("fits an image in without distorting it, on black, and puts transparency on black", async () => {
    const wide = await png("wide.png", new Uint8Array(8 * 4).fill(255), 8, 4, 1);
    const fitted = await decodeImage(wide, { height: 4, width: 4, channels: 1 });
    const dark = [0, 0, 0, 0];
    const bright = [1, 1, 1, 1];
    assert.deepEqual([...fitted].map((byte) => (byte > 127 ? 1 : 0)), [...dark, ...bright, ...bright, ...dark]); // prettier-ignore
    const clear = await png("clear.png", Uint8Array.of(255, 255, 255, 0), 1, 1, 4);
    assert.deepEqual([...(await decodeImage(clear, { height: 1, width: 1, channels: 1 }))], [0]);
  });

  it("exchanges dark and bright before it fits an image in: ink on paper becomes light on black", async () => {
    const ink = await png("ink.png", new Uint8Array(8 * 4).fill(40), 8, 4, 1);
    const found = [...(await decodeImage(ink, { height: 4, width: 4, channels: 1 }, { invert: true }))];
    const [dark, bright] = [[0, 0, 0, 0], [215, 215, 215, 215]]; // prettier-ignore
    assert.deepEqual(found, [...dark, ...bright, ...bright, ...dark]);
    const clear = await png("clear-ink.png", Uint8Array.of(0, 0, 0, 0, 0, 0, 0, 255), 2, 1, 4);
    assert.deepEqual([...(await decodeImage(clear, { height: 1, width: 2, channels: 1 }, { invert: true }))], [0, 255]); // prettier-ignore
  });

  it("refuses what is no image", async () => {
    const text = join(folder, "text.png");
    writeFileSync(text, "no image");
    await assert.rejects(decodeImage(text, grey), (error) => error instanceof DataError && error.message.includes("expected an image file")); // prettier-ignore
    await assert.rejects(
      decodeImage(join(folder, "none.png"), grey),
      /none.png: expected an image file, got none/,
    );
  });
});

describe("supcon/predict.ts", () => {
  const run = join(folder, "run");
  before(async () => {
    const { code, stderr } = await runCommand("train", [...tiny, "--epochs", "1", "--out", run]);
    assert.deepEqual({ code, stderr }, { code: 0, stderr: "" });
  });
  const probabilities = (stdout: string) => [...stdout.matchAll(/^(\d) +([\d.]+) %/gm)].map(([, digit, percent]) => [digit, percent]); // prettier-ignore

  it("tells probabilities and neighbours, the same for a test image and for the file that shows it", async () => {
    const byIndex = await runCommand("predict", ["test:3", "--run", run, "--neighbours", "4"]);
    assert.deepEqual({ code: byIndex.code, stderr: byIndex.stderr }, { code: 0, stderr: "" });
    const found = probabilities(byIndex.stdout);
    assert.equal(found.length, 10);
    const sum = found.reduce((total, [, percent]) => total + Number(percent), 0);
    assert.ok(Math.abs(sum - 100) < 0.06, `probabilities sum to ${sum} %`);
    const similarities = [...byIndex.stdout.matchAll(/^([\d.]+) {2}\d {2}\(image \d+\)$/gm)].map(([, s]) => Number(s)); // prettier-ignore
    assert.equal(similarities.length, 4);
    assert.deepEqual(
      similarities,
      similarities.toSorted((a, b) => b - a),
    );

    const { images, height, width } = (await dataOf(readRunConfig(run))).test;
    const third = images.subarray(3 * height * width, 4 * height * width);
    const said = ({ stdout }: Ended) => stdout.split("\n").slice(2);
    const file = await png("third.png", third, width, height, 1);
    const byFile = await runCommand("predict", [file, "--run", run, "--neighbours", "4"]);
    assert.deepEqual(said(byFile), said(byIndex));
    const negative = await png("negative.png", third.map((byte) => 255 - byte), width, height, 1); // prettier-ignore
    const inverted = await runCommand("predict", [negative, "--run", run, "--neighbours", "4", "--invert"]);
    assert.deepEqual(said(inverted), said(byIndex));
  });

  const refused: [name: string, args: () => string[], message: RegExp][] = [
    ["no run", () => ["test:0"], /required option '--run <dir>' not specified/],
    [
      "a folder that is none",
      () => ["test:0", "--run", folder],
      /config.json: expected a file of options, got none/,
    ],
    [
      "a test image too far",
      () => ["test:100", "--run", run],
      /expected a test image from 0 to 99, got test:100/,
    ],
    [
      "a file that is not there",
      () => ["none.png", "--run", run],
      /none.png: expected an image file, got none/,
    ],
  ];
  for (const [name, args, message] of refused) {
    it(`refuses ${name}, in one line`, async () => {
      const { code, stdout, stderr } = await runCommand("predict", args());
      assert.deepEqual({ code, stdout }, { code: 2, stdout: "" });
      assert.match(stderr, message);
      assert.equal(stderr.split("\n").length, 2, stderr);
    });
  }
});
