import assert from "node:assert/strict";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, describe, it } from "node:test";
import { noGrad } from "../../engine/autograd.ts";
import { init } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import { ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { Conv2d, fromTorchvision, Linear, resnet50, resnet8, StateDictError } from "../../nn/index.ts";
import type { ResNet } from "../../nn/index.ts";
import { decodeSafetensors, SafetensorsError } from "../../supcon/run/safetensors.ts";
import { readTorchvision, writeTorchvision } from "../../supcon/run/torchvision.ts";

const folder = mkdtempSync(join(tmpdir(), "spheregrad-torchvision-"));
const path = (name: string): string => join(folder, name);

before(() => init({ backend: "reference" }));
after(() => {
  rmSync(folder, { recursive: true });
});

const small = (seed: number, numClasses?: number): ResNet =>
  resnet8({ random: new Random(seed), width: 2, ...(numClasses !== undefined && { numClasses }) });

/** A file written by hand to the format's description: header length, JSON, elements. */
function fileOf(
  tensors: Readonly<Record<string, { dtype: string; shape: number[]; bytes: Uint8Array }>>,
): Uint8Array {
  let end = 0;
  const header = Object.entries(tensors).map(([name, { dtype, shape, bytes }]) => {
    const begin = end;
    end += bytes.length;
    return [name, { dtype, shape, data_offsets: [begin, end] }] as const;
  });
  const json = new TextEncoder().encode(JSON.stringify(Object.fromEntries(header)));
  const length = new Uint8Array(8);
  new DataView(length.buffer).setBigUint64(0, BigInt(json.length), true);
  return Buffer.concat([length, json, ...Object.values(tensors).map(({ bytes }) => bytes)]);
}

const f32 = (...values: number[]): Uint8Array => new Uint8Array(Float32Array.from(values).buffer);
const i64 = (value: bigint): Uint8Array => new Uint8Array(BigInt64Array.of(value).buffer);

/** As PyTorch would write a network: each name, its shape there, elements 0, 1, 2, ... in its row-major order. */
function asPyTorch(names: Readonly<Record<string, readonly number[]>>): Uint8Array {
  return fileOf(
    Object.fromEntries(
      Object.entries(names).map(([name, shape]) => {
        const size = shape.reduce((product, n) => product * n, 1);
        if (name.endsWith("num_batches_tracked")) return [name, { dtype: "I64", shape: [], bytes: i64(7n) }];
        return [
          name,
          { dtype: "F32", shape: [...shape], bytes: f32(...Array.from({ length: size }, (_, i) => i)) },
        ];
      }),
    ),
  );
}

/** Names and shapes of torchvision's ResNet with bottlenecks, from the names in its source: 3, 4, 6 and 3 blocks. */
function resnet50Names(width: number, classes: number): Record<string, number[]> {
  const names: Record<string, number[]> = {};
  const norm = (name: string, channels: number): void => {
    for (const part of ["weight", "bias", "running_mean", "running_var"])
      names[`${name}.${part}`] = [channels];
    names[`${name}.num_batches_tracked`] = [];
  };
  names["conv1.weight"] = [width, 3, 7, 7];
  norm("bn1", width);
  let from = width;
  [3, 4, 6, 3].forEach((blocks, stage) => {
    const channels = width * 2 ** stage;
    for (let block = 0; block < blocks; block++) {
      const name = `layer${stage + 1}.${block}`;
      names[`${name}.conv1.weight`] = [channels, from, 1, 1];
      norm(`${name}.bn1`, channels);
      names[`${name}.conv2.weight`] = [channels, channels, 3, 3];
      norm(`${name}.bn2`, channels);
      names[`${name}.conv3.weight`] = [4 * channels, channels, 1, 1];
      norm(`${name}.bn3`, 4 * channels);
      if (block === 0) {
        names[`${name}.downsample.0.weight`] = [4 * channels, from, 1, 1];
        norm(`${name}.downsample.1`, 4 * channels);
      }
      from = 4 * channels;
    }
  });
  names["fc.weight"] = [classes, from];
  names["fc.bias"] = [classes];
  return names;
}

describe("torchvision's weights", () => {
  it("lays convolutions and linear layers out as here", () => {
    // PyTorch's [out = 2, in = 3, kh = 1, kw = 2]: element (o, i, 0, x) is 6 o + 2 i + x.
    const conv = fromTorchvision(new Map([["w", { shape: [2, 3, 1, 2], data: [...Array(12).keys()] }]])).get(
      "w",
    );
    assert.deepEqual(conv?.shape, [1, 2, 3, 2]);
    assert.deepEqual([...conv.data], [0, 6, 2, 8, 4, 10, 1, 7, 3, 9, 5, 11]);
    const linear = fromTorchvision(new Map([["w", { shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }]])).get("w");
    assert.deepEqual(linear?.shape, [3, 2]);
    assert.deepEqual([...linear.data], [1, 4, 2, 5, 3, 6]);
  });

  it("computes what PyTorch's layouts mean", async () => {
    // y_o = sum over i, r, c of x[r, c, i] w[o, i, r, c], the definition of torch.nn.functional.conv2d at one place.
    const w = Array.from({ length: 2 * 3 * 2 * 2 }, (_, i) => Math.sin(i));
    const x = Array.from({ length: 2 * 2 * 3 }, (_, i) => Math.cos(i));
    const random = new Random(0);
    using conv = new Conv2d(3, 2, 2, { random });
    conv.loadStateDict(fromTorchvision(new Map([["weight", { shape: [2, 3, 2, 2], data: w }]])));
    using y = noGrad(() => conv.forward(tensor(x, [1, 2, 2, 3])));
    const expected = [0, 1].map((o) => {
      let sum = 0;
      for (let i = 0; i < 3; i++) {
        for (let r = 0; r < 2; r++) {
          for (let c = 0; c < 2; c++) sum += x[(2 * r + c) * 3 + i]! * w[((3 * o + i) * 2 + r) * 2 + c]!;
        }
      }
      return sum;
    });
    (await y.data()).forEach((value, o) => { assert.ok(Math.abs(value - expected[o]!) < 1e-6, `output ${o}`); }); // prettier-ignore

    using linear = new Linear(3, 2, { random, bias: false });
    linear.loadStateDict(fromTorchvision(new Map([["weight", { shape: [2, 3], data: [1, 2, 3, 4, 5, 6] }]])));
    using z = noGrad(() => linear.forward(tensor([1, 10, 100], [1, 3])));
    assert.deepEqual([...(await z.data())], [321, 654]);
  });

  it("loads a ResNet-50 by name, in the layout of PyTorch, and writes it back", async () => {
    const names = resnet50Names(4, 5);
    writeFileSync(path("resnet50.safetensors"), asPyTorch(names));
    using network = resnet50({ random: new Random(0), width: 4, numClasses: 5 });
    readTorchvision(path("resnet50.safetensors"), network);

    const state = await network.stateDict();
    const weight = state.get("layer2.0.conv2.weight"); // PyTorch's (o, i, r, c) is ((8 o + i) 3 + r) 3 + c
    assert.deepEqual(weight?.shape, [3, 3, 8, 8]);
    assert.equal(weight.data[((1 * 3 + 2) * 8 + 5) * 8 + 6], ((8 * 6 + 5) * 3 + 1) * 3 + 2);
    assert.equal(state.get("fc.weight")?.data[7 * 5 + 3], 3 * 128 + 7);
    assert.deepEqual([...(state.get("bn1.running_var")?.data ?? [])], [0, 1, 2, 3]);

    await writeTorchvision(path("back.safetensors"), network);
    const { tensors, metadata } = decodeSafetensors(readFileSync(path("back.safetensors")));
    assert.deepEqual(metadata, { format: "pt" });
    assert.deepEqual(
      new Map([...tensors].map(([name, { shape }]) => [name, shape])),
      new Map(Object.entries(names)),
    );
    const original = decodeSafetensors(readFileSync(path("resnet50.safetensors"))).tensors;
    for (const [name, { data }] of tensors) {
      if (!name.endsWith("num_batches_tracked")) assert.deepEqual(data, original.get(name)?.data, name);
    }
  });

  it("is the same network after a round trip, and leaves a file's classifier where there is none", async () => {
    using network = small(1, 3);
    using other = small(2);
    await writeTorchvision(path("small.safetensors"), network);
    readTorchvision(path("small.safetensors"), other);
    const [before, now] = [await network.stateDict(), await other.stateDict()];
    assert.equal(now.size, before.size - 2);
    for (const [name, { data }] of now) {
      assert.deepEqual(Float32Array.from(data), Float32Array.from(before.get(name)?.data ?? []), name);
    }
  });

  it("refuses what does not fit, and changes nothing", async () => {
    using network = small(1);
    const before = await network.stateDict();
    const refuses = (bytes: Uint8Array, error: object): void => {
      writeFileSync(path("bad.safetensors"), bytes);
      assert.throws(() => { readTorchvision(path("bad.safetensors"), network); }, error); // prettier-ignore
    };
    assert.throws(() => { readTorchvision(path("none.safetensors"), network); }, ValueError); // prettier-ignore
    refuses(asPyTorch(resnet50Names(2, 5)), StateDictError);
    refuses(fileOf({ "conv1.weight": { dtype: "I64", shape: [], bytes: i64(1n) } }), SafetensorsError);
    refuses(fileOf({ "conv1.weight": { dtype: "F32", shape: [2], bytes: f32(1) } }), SafetensorsError);
    assert.deepEqual(await network.stateDict(), before);
  });
});
