import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, describe, it } from "node:test";
import { gzipSync } from "node:zlib";
import fc from "fast-check";
import { loadIdxDataset, parseIdx, readIdx } from "../../supcon/data/idx.ts";
import { refusal } from "./refusal.ts";

const folder = mkdtempSync(join(tmpdir(), "spheregrad-idx-"));
after(() => {
  rmSync(folder, { recursive: true });
});

/** An IDX file of unsigned bytes, written down from the format's description. */
function idxFile(dims: readonly number[], data: readonly number[]): Uint8Array {
  const sizes = dims.flatMap((dim) => [dim >>> 24, (dim >>> 16) & 255, (dim >>> 8) & 255, dim & 255]);
  return Uint8Array.from([0, 0, 8, dims.length, ...sizes, ...data]);
}

let files = 0;
function save(bytes: Uint8Array, name = `file-${files++}`): string {
  const path = join(folder, name);
  writeFileSync(path, bytes);
  return path;
}

const arrays = fc.array(fc.integer({ min: 1, max: 4 }), { minLength: 1, maxLength: 4 }).chain((dims) => {
  const size = dims.reduce((a, b) => a * b, 1);
  return fc.record({
    dims: fc.constant(dims),
    data: fc.array(fc.integer({ min: 0, max: 255 }), { minLength: size, maxLength: size }),
  });
});

describe("IDX: parsing", () => {
  it("reads a file worked out by hand", () => {
    const bytes = Uint8Array.of(0, 0, 8, 2, 0, 0, 0, 2, 0, 0, 0, 3, 10, 11, 12, 20, 21, 255);
    const { dims, data } = parseIdx(bytes, "x");
    assert.deepEqual(dims, [2, 3]);
    assert.deepEqual([...data], [10, 11, 12, 20, 21, 255]);
  });

  it("returns what was written, plain or compressed, wherever the bytes lie in their buffer", () => {
    fc.assert(
      fc.property(arrays, fc.boolean(), fc.nat(9), ({ dims, data }, compressed, shift) => {
        const bytes = idxFile(dims, data);
        const shifted = new Uint8Array(bytes.length + shift);
        shifted.set(bytes, shift);
        const parsed = compressed
          ? readIdx({ path: save(gzipSync(bytes), "same-name") })
          : parseIdx(shifted.subarray(shift), "x");
        assert.deepEqual(parsed.dims, dims);
        assert.deepEqual([...parsed.data], data);
      }),
      { numRuns: 50 },
    );
  });

  it("refuses every file that is cut short or too long", () => {
    fc.assert(
      fc.property(arrays, fc.nat(), ({ dims, data }, cut) => {
        const bytes = idxFile(dims, data);
        assert.throws(
          () => parseIdx(bytes.subarray(0, cut % bytes.length), "cut"),
          refusal(/^cut: expected .*, got /),
        );
        assert.throws(
          () => parseIdx(Uint8Array.of(...bytes, 0), "long"),
          refusal(/^long: expected .*, got /),
        );
      }),
    );
  });

  it("refuses other element types and other files", () => {
    const floats = idxFile([1], [0]);
    floats[2] = 0x0d;
    assert.throws(() => parseIdx(floats, "f"), refusal(/magic 0x00000d01/));
    assert.throws(() => parseIdx(new TextEncoder().encode("<html>404"), "f"), refusal(/magic 0x3c68746d/));
  });
});

describe("IDX: files", () => {
  it("falls back to the .gz beside a missing file", () => {
    const path = save(gzipSync(idxFile([1], [7])), "only.gz").slice(0, -3);
    assert.deepEqual([...readIdx({ path }).data], [7]);
  });

  it("refuses a missing file and a damaged gzip file", () => {
    assert.throws(
      () => readIdx({ path: join(folder, "absent") }),
      refusal(/absent: expected an IDX file.*found none/),
    );
    const whole = gzipSync(idxFile([300], new Array<number>(300).fill(1)));
    assert.throws(() => readIdx({ path: save(whole.subarray(0, -9)) }), refusal(/whole gzip file/));
  });
});

describe("IDX: data sets", () => {
  const load = (images: Uint8Array, labels: Uint8Array) =>
    loadIdxDataset({
      name: "tiny",
      images: { path: save(images) },
      labels: { path: save(labels) },
      classes: ["a", "b", "c"],
    });
  const images = idxFile([2, 1, 3], [1, 2, 3, 4, 5, 6]);

  it("loads images and labels", () => {
    const dataset = load(images, idxFile([2], [2, 0]));
    const { name, count, height, width, channels } = dataset;
    assert.deepEqual(
      { name, count, height, width, channels },
      { name: "tiny", count: 2, height: 1, width: 3, channels: 1 },
    );
    assert.deepEqual([...dataset.images], [1, 2, 3, 4, 5, 6]);
    assert.deepEqual([...dataset.labels], [2, 0]);
  });

  for (const [what, imageFile, labelFile, message] of [
    ["too few labels", images, idxFile([1], [0]), /expected 2 labels.*got dimensions 1/],
    ["a label out of range", images, idxFile([2], [0, 3]), /labels in 0\.\.2, got 3/],
    ["swapped files", idxFile([2], [0, 1]), images, /rank 3.*got rank 1.*swapped/],
    ["no images", idxFile([0, 1, 3], []), idxFile([0], []), /expected images, got none/],
  ] as const) {
    it(`refuses ${what}`, () => {
      assert.throws(() => load(imageFile, labelFile), refusal(message));
    });
  }
});
