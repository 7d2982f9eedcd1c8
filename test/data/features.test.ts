import assert from "node:assert/strict";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { ValueError } from "../../engine/errors.ts";
import { readFeatures, writeFeatures } from "../../supcon/run/features.ts";
import type { RunFeatures } from "../../supcon/run/features.ts";
import { SafetensorsError } from "../../supcon/run/safetensors.ts";
import { readTensors, writeTensors } from "../../supcon/run/tensors.ts";

const folder = mkdtempSync(join(tmpdir(), "spheregrad-features-"));
after(() => { rmSync(folder, { recursive: true }); }); // prettier-ignore
const path = join(folder, "features.safetensors");

const features: RunFeatures = {
  ...{ height: 2, width: 3, channels: 1, classes: ["cat", 'a "dog", really'] },
  train: { values: Float32Array.of(1, 2, 3, 4, 5, 6), labels: Int32Array.of(1, 0, 1), count: 3, length: 2, classes: 2 }, // prettier-ignore
  test: { values: Float32Array.of(7, 8), labels: Int32Array.of(0), count: 1, length: 2, classes: 2 },
};

describe("features of a run", () => {
  it("are read as they were written", () => {
    writeFeatures(path, features);
    assert.deepEqual(readFeatures(path), features);
  });

  const damaged: [what: string, text: Record<string, string>][] = [
    ["no metadata", {}],
    ["classes that are no JSON", { classes: "[", images: "[2, 3, 1]" }],
    ["classes that are no texts", { classes: "[1]", images: "[2, 3, 1]" }],
    ["no image shape", { classes: '["a"]', images: "[2]" }],
  ];
  for (const [what, metadata] of damaged) {
    it(`are refused with ${what}`, () => {
      writeFeatures(path, features);
      writeTensors(path, { ...readTensors(path), metadata });
      assert.throws(() => readFeatures(path), SafetensorsError);
    });
  }

  it("are refused with other tensors, and where there are none", () => {
    writeFeatures(path, features);
    const { tensors, metadata } = readTensors(path);
    const labels = { shape: [2], data: Int32Array.of(0, 1) };
    writeTensors(path, { tensors: new Map([...tensors, ["train.labels", labels]]), metadata });
    assert.throws(() => readFeatures(path), /expected train.features of two axes, each with a label/);
    writeTensors(path, { tensors: new Map(), metadata });
    assert.throws(() => readFeatures(path), /expected train.features in F32/);
    assert.throws(() => readFeatures(join(folder, "none")), ValueError);
  });
});
