import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { ValueError } from "../../engine/errors.ts";
import type { Safetensors, StoredTensor } from "../../supcon/run/safetensors.ts";
import { SafetensorsError, decodeSafetensors, encodeSafetensors } from "../../supcon/run/safetensors.ts";
import { refusal } from "./refusal.ts";

/** Made by the reference implementation, version 0.8.0 of the Python package, from the content below. */
const REFERENCE = Buffer.from(
  "EAEAAAAAAAB7Il9fbWV0YWRhdGFfXyI6eyJmb3JtYXQiOiJzcGhlcmVncmFkIn0sInN0ZXAiOnsiZHR5cGUiOiJJNjQiLCJzaGFwZSI6W10sImRhd" +
    "GFfb2Zmc2V0cyI6WzAsOF19LCJlbXB0eSI6eyJkdHlwZSI6IkYzMiIsInNoYXBlIjpbMCwzXSwiZGF0YV9vZmZzZXRzIjpbOCw4XX0sInciOnsiZH" +
    "R5cGUiOiJGMzIiLCJzaGFwZSI6WzIsM10sImRhdGFfb2Zmc2V0cyI6WzgsMzJdfSwibGFiZWxzIjp7ImR0eXBlIjoiSTMyIiwic2hhcGUiOlsyXSw" +
    "iZGF0YV9vZmZzZXRzIjpbMzIsNDBdfX0gIAcAAAAAAAAAAAAAAAAAgD4AAAA/AABAPwAAgD8AAKA//////wIAAAA=",
  "base64",
);
const CONTENT: Safetensors = {
  tensors: new Map<string, StoredTensor>([
    ["step", { shape: [], data: BigInt64Array.of(7n) }],
    ["empty", { shape: [0, 3], data: new Float32Array(0) }],
    ["w", { shape: [2, 3], data: Float32Array.of(0, 0.25, 0.5, 0.75, 1, 1.25) }],
    ["labels", { shape: [2], data: Int32Array.of(-1, 2) }],
  ]),
  metadata: { format: "spheregrad" },
};

/** A file from any header and data, for building wrong ones. */
function file(header: unknown, dataBytes: number): Uint8Array {
  const json = new TextEncoder().encode(typeof header === "string" ? header : JSON.stringify(header));
  const bytes = new Uint8Array(8 + json.length + dataBytes);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(json.length), true);
  bytes.set(json, 8);
  return bytes;
}

const tensor = fc.array(fc.nat(3), { maxLength: 3 }).chain((shape): fc.Arbitrary<StoredTensor> => {
  const length = shape.reduce((a, b) => a * b, 1);
  const exactly = { minLength: length, maxLength: length };
  return fc
    .oneof(
      fc.float64Array(exactly),
      fc.float32Array(exactly),
      fc.int32Array(exactly),
      fc.bigInt64Array(exactly),
    )
    .map((data) => ({ shape, data }));
});
const contents = fc.record(
  {
    tensors: fc
      .array(
        fc.tuple(
          fc.string().filter((name) => name !== "__metadata__"),
          tensor,
        ),
        { maxLength: 5 },
      )
      .map((entries) => new Map(entries)),
    metadata: fc.dictionary(fc.string(), fc.string(), { noNullPrototype: true }),
  },
  { noNullPrototype: true },
);

describe("safetensors: format", () => {
  it("writes the reference implementation's bytes", () => {
    assert.deepEqual(Buffer.from(encodeSafetensors(CONTENT)), REFERENCE);
    const reversed = { ...CONTENT, tensors: new Map([...CONTENT.tensors].reverse()) };
    assert.deepEqual(Buffer.from(encodeSafetensors(reversed)), REFERENCE);
  });

  it("reads the reference implementation's bytes", () => {
    assert.deepEqual(decodeSafetensors(REFERENCE), CONTENT);
  });

  it("round trip, wherever the bytes lie in their buffer", () => {
    fc.assert(
      fc.property(contents, fc.nat(9), (content, shift) => {
        const bytes = encodeSafetensors(content);
        const shifted = new Uint8Array(bytes.length + shift);
        shifted.set(bytes, shift);
        const decoded = decodeSafetensors(shifted.subarray(shift));
        assert.deepEqual(decoded, content);
      }),
    );
  });

  it("copies: a tensor does not change with the file's bytes", () => {
    const bytes = encodeSafetensors(CONTENT);
    const decoded = decodeSafetensors(bytes);
    bytes.fill(0);
    assert.deepEqual(decoded, CONTENT);
  });

  it("refuses to write a shape that does not fit or the reserved name", () => {
    const write = (name: string, shape: number[]) => () =>
      encodeSafetensors({ tensors: new Map([[name, { shape, data: new Float32Array(4) }]]), metadata: {} });
    assert.throws(write("w", [3]), ValueError);
    assert.throws(write("w", [-2, -2]), ValueError);
    assert.throws(write("__metadata__", [4]), ValueError);
  });
});

describe("safetensors: refusals", () => {
  it("every file cut short or too long", () => {
    for (let length = 0; length < REFERENCE.length; length++) {
      assert.throws(
        () => decodeSafetensors(REFERENCE.subarray(0, length), "f"),
        refusal(/^f: expected .*, got /, SafetensorsError),
      );
    }
    assert.throws(
      () => decodeSafetensors(Buffer.concat([REFERENCE, Buffer.of(0)])),
      refusal(/40 bytes.*got 41/, SafetensorsError),
    );
  });

  it("a damaged byte of the header is refused, or read as another sound file, never crashes", () => {
    fc.assert(
      fc.property(fc.nat(8 + 272 - 1), fc.nat(255), (position, value) => {
        const bytes = Uint8Array.from(REFERENCE);
        bytes[position] = value;
        try {
          const { tensors } = decodeSafetensors(bytes);
          const total = [...tensors.values()].reduce((sum, { data }) => sum + data.byteLength, 0);
          assert.equal(total, 40);
        } catch (error) {
          assert.ok(error instanceof SafetensorsError, String(error));
        }
      }),
      { numRuns: 1000 },
    );
  });

  const f32 = (shape: unknown, offsets: unknown) => ({ dtype: "F32", shape, data_offsets: offsets });
  for (const [what, bytes, message] of [
    ["an enormous header length", Uint8Array.of(255, 255, 255, 255, 255, 255, 255, 255), /at most 100000000/],
    [
      "a header longer than the file",
      Uint8Array.of(9, 0, 0, 0, 0, 0, 0, 0, 0x7b, 0x7d),
      /header of 9 bytes, got 2/,
    ],
    ["a header that is not JSON", file("{not json}", 0), /JSON object/],
    ["a header that is an array", file([], 0), /JSON object/],
    ["a header that begins with a space", file(" {}", 0), /JSON object/],
    [
      "metadata that is not text",
      file({ __metadata__: { epoch: 3 } }, 0),
      /__metadata__ to map names to strings/,
    ],
    ["metadata that is no object", file({ __metadata__: "x" }, 0), /__metadata__/],
    ["an entry that is no object", file({ w: 3 }, 0), /entry of "w"/],
    [
      "an unknown dtype",
      file({ w: { ...f32([1], [0, 2]), dtype: "F16" } }, 2),
      /one of I64, F64, F32, I32, got "F16"/,
    ],
    ["an inherited name as dtype", file({ w: { ...f32([1], [0, 2]), dtype: "toString" } }, 2), /dtype/],
    ["a missing dtype", file({ w: { shape: [1], data_offsets: [0, 4] } }, 4), /dtype/],
    ["a negative size", file({ w: f32([-1], [0, 4]) }, 4), /shape/],
    ["a fractional size", file({ w: f32([0.5, 2], [0, 4]) }, 4), /shape/],
    ["a shape too large for its bytes", file({ w: f32([2], [0, 4]) }, 4), /8 bytes for F32\[2\]/],
    ["a product beyond 2^53", file({ w: f32([2 ** 40, 2 ** 40], [0, 4]) }, 4), /data_offsets/],
    ["one offset", file({ w: f32([1], [0]) }, 4), /data_offsets/],
    ["three offsets", file({ w: f32([1], [0, 4, 8]) }, 4), /data_offsets/],
    ["reversed offsets", file({ w: f32([1], [4, 0]) }, 4), /data_offsets/],
    ["offsets out of range", file({ w: f32([2], [0, 8]) }, 4), /8 bytes of tensors, got 4/],
    ["a gap at the start", file({ w: f32([1], [4, 8]) }, 8), /"w" to begin at byte 0, got 4/],
    [
      "a gap between",
      file({ a: f32([1], [0, 4]), b: f32([1], [8, 12]) }, 12),
      /"b" to begin at byte 4, got 8/,
    ],
    ["an overlap", file({ a: f32([2], [0, 8]), b: f32([1], [4, 8]) }, 8), /"b" to begin at byte 8, got 4/],
    ["bytes that no tensor covers", file({ a: f32([1], [0, 4]) }, 8), /4 bytes of tensors, got 8/],
  ] as const) {
    it(what, () => {
      assert.throws(() => decodeSafetensors(bytes), refusal(message, SafetensorsError));
    });
  }

  it("a header that is not UTF-8", () => {
    const bytes = file('{"x":"?"}', 0);
    bytes[8 + 6] = 0xff;
    assert.throws(() => decodeSafetensors(bytes), refusal(/UTF-8/, SafetensorsError));
  });
});
