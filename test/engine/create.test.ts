import assert from "node:assert/strict";
import { inspect } from "node:util";
import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { setBackend } from "../../engine/backend.ts";
import { ReferenceBackend } from "../../engine/backends/reference/backend.ts";
import { full, ones, randn, tensor, zeros } from "../../engine/create.ts";
import type { NestedNumbers } from "../../engine/create.ts";
import { DTypeError, ShapeError, ValueError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";

beforeEach(() => {
  setBackend(new ReferenceBackend());
});

const elements = async (t: Tensor): Promise<number[]> => Array.from(await t.data());

/** Asserts an error of the class with this message. */
function refused(make: () => unknown, type: new (message: string) => Error, message: RegExp): void {
  assert.throws(make, (error) => error instanceof type && message.test(error.message));
}

describe("tensor", () => {
  it("takes its shape from the nesting", async () => {
    let next = 0;
    const nested = ([length, ...inner]: readonly number[]): NestedNumbers =>
      length === undefined ? next++ : Array.from({ length }, () => nested(inner));
    const shapes = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 4 });
    await fc.assert(
      fc.asyncProperty(shapes, async (shape) => {
        next = 0;
        const t = tensor(nested(shape));
        assert.deepEqual(t.shape, shape);
        assert.deepEqual(
          await elements(t),
          Array.from({ length: next }, (_, i) => i),
        );
        assert.equal(t.dtype, "f32");
      }),
    );
  });

  it("takes empty arrays", () => {
    assert.deepEqual(tensor([]).shape, [0]);
    assert.deepEqual(tensor([[], []]).shape, [2, 0]);
  });

  it("takes typed arrays, and a shape for flat values", async () => {
    const t = tensor(Float32Array.of(1, 2, 3, 4, 5, 6), [2, 3]);
    assert.deepEqual(t.shape, [2, 3]);
    assert.deepEqual(tensor([1, 2], [2, 1]).shape, [2, 1]);
    assert.deepEqual(tensor([[1, 2]], [1, 2]).shape, [1, 2]);
    assert.deepEqual(await elements(tensor(Uint8Array.of(0, 255))), [0, 255]);
  });

  it("copies what it is given", async () => {
    const [values, shape] = [Float64Array.of(1, 2), [2]];
    const t = tensor(values, shape);
    values[0] = shape[0] = 9;
    assert.deepEqual([t.shape, await elements(t)], [[2], [1, 2]]);
  });

  it("is i32 for an Int32Array, or when asked, and knows its bounds", () => {
    const t = tensor(Int32Array.of(3, -1, 2));
    assert.equal(t.dtype, "i32");
    assert.deepEqual(t.bounds, { min: -1, max: 3 });
    assert.equal(tensor([1, 2], undefined, { dtype: "i32" }).dtype, "i32");
    assert.equal(tensor(Int32Array.of(1), undefined, { dtype: "f32" }).dtype, "f32");
  });

  it("refuses ragged nesting and shapes that do not fit", () => {
    refused(() => tensor([[1, 2], [3]]), ShapeError, /^tensor: expected nested arrays of equal lengths, got entries of shapes \[2\] and \[1\]$/); // prettier-ignore
    refused(() => tensor([1, [2]]), ShapeError, /got entries of shapes \[\] and \[1\]$/);
    refused(
      () => tensor([1, 2, 3], [2, 2]),
      ShapeError,
      /^tensor: expected 4 values for shape \[2, 2\], got 3/,
    );
    refused(() => tensor([[1, 2], [3, 4]], [4]), ShapeError, /^tensor: /); // prettier-ignore
    refused(() => tensor([1], [-1]), ShapeError, /non-negative integers as axis lengths, got \[-1\]$/);
    refused(() => zeros([1.5]), ShapeError, /^full: /);
  });

  it("refuses what is no number, and numbers that are no 32-bit integers", () => {
    refused(() => tensor("12" as unknown as number[]), ValueError, /got string$/);
    refused(() => tensor(BigInt64Array.of(1n) as unknown as number[]), ValueError, /got bigint$/);
    refused(() => tensor([1, undefined] as number[]), ValueError, /got undefined$/);
    refused(() => tensor([null] as unknown as number[]), ValueError, /^tensor: expected a number/);
    for (const value of [0.5, NaN, Infinity, 2 ** 31, -(2 ** 31) - 1]) {
      refused(() => tensor([0, value], undefined, { dtype: "i32" }), DTypeError, /got .* at index 1$/);
      refused(() => full([2], value, { dtype: "i32" }), DTypeError, /at index 0$/);
    }
  });

  it("refuses a gradient for integers", () => {
    refused(
      () => tensor(Int32Array.of(1), undefined, { requiresGrad: true }),
      DTypeError,
      /requiresGrad, got i32$/,
    );
  });
});

describe("full, zeros, ones, randn", () => {
  it("fill a shape", async () => {
    assert.deepEqual(await elements(full([2, 2], 7)), [7, 7, 7, 7]);
    assert.deepEqual(await elements(zeros([])), [0]);
    assert.deepEqual(await elements(ones([0])), []);
    assert.deepEqual(full([3], 4, { dtype: "i32" }).bounds, { min: 4, max: 4 });
    refused(() => full([3], 0.5, { dtype: "i32" }), DTypeError, /^full: /);
  });

  it("draw from the generator, which decides everything", async () => {
    const draw = (seed: number) => elements(randn([50], new Random(seed)));
    assert.deepEqual(await draw(1), await draw(1));
    assert.notDeepEqual(await draw(1), await draw(2));
    assert(randn([1], new Random(0), { requiresGrad: true }).requiresGrad);
  });
});

describe("reading", () => {
  it("item takes the one element, and refuses several", async () => {
    assert.equal(await tensor([[3]]).item(), 3);
    await assert.rejects(tensor([1, 2]).item(), ShapeError);
    await assert.rejects(tensor([]).item(), ShapeError);
  });
});

describe("reshape", () => {
  it("infers one axis", () => {
    const x = zeros([2, 6]);
    assert.deepEqual(reshape(x, [3, -1]).shape, [3, 4]);
    assert.deepEqual(reshape(x, [-1]).shape, [12]);
  });

  it("refuses other sizes, two open axes, and one that nothing decides", () => {
    for (const shape of [[5], [-1, 5], [-1, -1], [3.5, -1], [-2, -6]]) {
      refused(() => reshape(zeros([2, 6]), shape), ShapeError, /^reshape: expected a shape of 12 elements/);
    }
    refused(() => reshape(zeros([0]), [0, -1]), ShapeError, /^reshape: /);
  });
});

describe("toString", () => {
  const text = (t: Tensor): string => String(t).replaceAll(" on reference", "");

  it("a scalar", () => {
    assert.equal(text(tensor(2.5)), "Tensor [] f32\n2.5000");
  });

  it("a vector", () => {
    assert.equal(text(tensor([1, -2, 30])), "Tensor [3] f32\n[ 1, -2, 30]");
  });

  it("a matrix, in columns", () => {
    assert.equal(
      text(tensor([[0.5, -1.25], [100, 2]])),
      "Tensor [2, 2] f32\n" +
      "[[0.50000, -1.2500],\n" +
      " [    100,       2]]",
    ); // prettier-ignore
  });

  it("three axes, with an empty line between matrices", () => {
    assert.equal(
      text(tensor(Int32Array.from({ length: 8 }, (_, i) => i), [2, 2, 2])),
      "Tensor [2, 2, 2] i32\n" +
      "[[[0, 1],\n" +
      "  [2, 3]],\n" +
      "\n" +
      " [[4, 5],\n" +
      "  [6, 7]]]",
    ); // prettier-ignore
  });

  it("the ends of a long axis", () => {
    assert.equal(
      text(tensor(Array.from({ length: 100 }, (_, i) => i))),
      "Tensor [100] f32\n[ 0,  1,  2, ..., 97, 98, 99]",
    );
    assert.equal(text(zeros([9, 1])), "Tensor [9, 1] f32\n[[0],\n [0],\n [0],\n ...,\n [0],\n [0],\n [0]]");
  });

  it("large, small and special numbers", () => {
    assert.equal(
      text(tensor([1.5e-7, 123456.5, NaN, Infinity, -0, 1e30])),
      "Tensor [6] f32\n[ 1.500e-7,  1.235e+5,       NaN,  Infinity,         0, 1.000e+30]",
    );
    assert.equal(text(tensor(Math.fround(3.4e38))), "Tensor [] f32\n3.400e+38");
  });

  it("nothing", () => {
    assert.equal(text(zeros([0])), "Tensor [0] f32\n[]");
    assert.equal(text(zeros([2, 0])), "Tensor [2, 0] f32\n[[],\n []]");
  });

  it("a disposed tensor", () => {
    const t = tensor([1, 2]);
    t.dispose();
    assert.equal(text(t), "Tensor [2] f32 (disposed)");
  });

  it("is what console.log shows", () => {
    const t = tensor([1]);
    assert.equal(inspect(t), String(t));
  });
});
