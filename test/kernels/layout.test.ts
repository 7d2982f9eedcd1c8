import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { tensor, zeros } from "../../engine/create.ts";
import { DTypeError, ShapeError, ValueError } from "../../engine/errors.ts";
import { sizeOf } from "../../engine/shape.ts";
import * as k from "../../kernels/index.ts";
import {
  assertRefused,
  assertTensor,
  checkGradients,
  distinct,
  seeds,
  shapes,
  useReference,
  values,
} from "./helpers.ts";

beforeEach(useReference);

type Nested = number | Nested[];

/** A flat list as nested arrays: the naive side of these tests indexes those, and knows no strides. */
function nest(flat: readonly number[], shape: readonly number[]): Nested {
  const [length, ...inner] = shape;
  if (length === undefined) return flat[0]!;
  const size = sizeOf(inner);
  return Array.from({ length }, (_, i) => nest(flat.slice(i * size, (i + 1) * size), inner));
}

const at = (nested: Nested, coordinates: readonly number[]): number =>
  coordinates.reduce<Nested>((part, i) => (part as Nested[])[i]!, nested) as number;

/** All coordinates of a shape, row-major. */
const coordinatesOf = (shape: readonly number[]): number[][] =>
  shape.reduce<number[][]>(
    (prefixes, length) => prefixes.flatMap((prefix) => Array.from({ length }, (_, i) => [...prefix, i])),
    [[]],
  );

const shapeAndAxis = shapes(1, 4).chain((shape) =>
  fc.record({ shape: fc.constant(shape), axis: fc.nat(shape.length - 1), seed: seeds }),
);
const countTo = (n: number) => Array.from({ length: n }, (_, i) => i);

describe("transpose", () => {
  it("by hand", async () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
    ]);
    await assertTensor(k.transpose(x), [3, 2], [1, 4, 2, 5, 3, 6]);
    await assertTensor(k.transpose(tensor([[[1, 2]], [[3, 4]]]), [2, 0, 1]), [2, 2, 1], [1, 3, 2, 4]);
  });
  it("moves every element, with its gradients", async () => {
    await fc.assert(
      fc.asyncProperty(shapes(1, 4), seeds, async (shape, seed) => {
        const [x] = distinct(seed, shape);
        const axes = countTo(shape.length).sort((a, b) => ((a * 7 + seed) % 5) - ((b * 7 + seed) % 5));
        const nested = nest(await values(x!), shape);
        const target = axes.map((axis) => shape[axis]!);
        const expected = coordinatesOf(target).map((to) =>
          at(
            nested,
            shape.map((_, axis) => to[axes.indexOf(axis)]!),
          ),
        );
        await assertTensor(k.transpose(x!, axes), target, expected);
        await checkGradients((t) => k.transpose(t, axes), [x!]);
      }),
      { numRuns: 10 },
    );
  });
  it("refuses what is no permutation", () => {
    assertRefused(() => k.transpose(zeros([2, 3]), [0, 0]), ShapeError, /^transpose: expected a permutation of the axes \[0, 1\] of \[2, 3\], got \[0, 0\]/); // prettier-ignore
  });
});

describe("slice", () => {
  it("by hand, with NumPy's negative indices", async () => {
    const x = tensor([
      [1, 2, 3],
      [4, 5, 6],
      [7, 8, 9],
    ]);
    await assertTensor(k.slice(x, [1], [3]), [2, 3], [4, 5, 6, 7, 8, 9]);
    await assertTensor(k.slice(x, [0, -2], [-1, 3]), [2, 2], [2, 3, 5, 6]);
    await assertTensor(k.slice(x, [3], [3]), [0, 3], []);
    await assertTensor(k.slice(x, [], []), [3, 3], [1, 2, 3, 4, 5, 6, 7, 8, 9]);
  });
  it("of any block, with its gradients", async () => {
    await fc.assert(
      fc.asyncProperty(shapes(1, 3), seeds, async (shape, seed) => {
        const [x] = distinct(seed, shape);
        const starts = shape.map((length, axis) => (seed + axis) % length);
        const ends = shape.map((length, axis) => starts[axis]! + 1 + (seed % (length - starts[axis]!)));
        const nested = nest(await values(x!), shape);
        const target = ends.map((end, axis) => end - starts[axis]!);
        const expected = coordinatesOf(target).map((to) =>
          at(
            nested,
            to.map((i, axis) => i + starts[axis]!),
          ),
        );
        await assertTensor(k.slice(x!, starts, ends), target, expected);
        await checkGradients((t) => k.slice(t, starts, ends), [x!]);
      }),
      { numRuns: 15 },
    );
  });
  it("of integers keeps their bounds", async () => {
    const y = k.slice(tensor(Int32Array.of(3, 1, 2)), [1], [3]);
    await assertTensor(y, [2], [1, 2]);
    assert.deepEqual([y.dtype, y.bounds], ["i32", { min: 1, max: 3 }]);
  });
  it("refuses what is outside", () => {
    const x = zeros([2, 3]);
    assertRefused(() => k.slice(x, [0, 0], [2, 4]), ShapeError, /^slice: expected integers from -length to length of each axis, got starts \[0, 0\] and ends \[2, 4\] for \[2, 3\]/); // prettier-ignore
    assertRefused(() => k.slice(x, [-3], [2]), ShapeError, /^slice: expected integers/);
    assertRefused(() => k.slice(x, [0.5], [2]), ShapeError, /^slice: expected integers/);
    assertRefused(() => k.slice(x, [1], [0]), ShapeError, /^slice: expected no end before its start/);
    assertRefused(() => k.slice(x, [0], [1, 1]), ShapeError, /^slice: expected as many starts as ends/);
    assertRefused(
      () => k.slice(x, [0, 0, 0], [1, 1, 1]),
      ShapeError,
      /^slice: expected as many starts as ends/,
    );
  });
});

describe("concat", () => {
  it("by hand, along each axis", async () => {
    const [a, b, c] = [tensor([[1, 2]]), tensor([[3, 4]]), tensor([[5, 6]])];
    await assertTensor(k.concat([a, b, c], 0), [3, 2], [1, 2, 3, 4, 5, 6]);
    await assertTensor(k.concat([a, b, c], -1), [1, 6], [1, 2, 3, 4, 5, 6]);
    await assertTensor(
      k.concat(
        [
          tensor([[1], [2]]),
          tensor([
            [3, 4],
            [5, 6],
          ]),
        ],
        1,
      ),
      [2, 3],
      [1, 3, 4, 2, 5, 6],
    );
    await assertTensor(k.concat([a, zeros([0, 2])], 0), [1, 2], [1, 2]);
    await assertTensor(k.concat([a], 0), [1, 2], [1, 2]);
  });
  it("is undone by slices, and has their gradients", async () => {
    await fc.assert(
      fc.asyncProperty(
        shapeAndAxis,
        fc.array(fc.integer({ min: 1, max: 3 }), { minLength: 1, maxLength: 4 }),
        async ({ shape, axis, seed }, lengths) => {
          const parts = distinct(seed, ...lengths.map((length) => shape.with(axis, length)));
          const joined = k.concat(parts, axis);
          let from = 0;
          for (const [i, part] of parts.entries()) {
            const to = from + lengths[i]!;
            const back = k.slice(
              joined,
              joined.shape.map((_, j) => (j === axis ? from : 0)),
              joined.shape.with(axis, to),
            );
            await assertTensor(back, part.shape, await values(part));
            from = to;
          }
          await checkGradients((...xs) => k.concat(xs, axis), parts);
        },
      ),
      { numRuns: 10 },
    );
  });
  it("refuses nothing, other shapes, other types", () => {
    assertRefused(() => k.concat([], 0), ShapeError, /^concat: expected at least one tensor, got none/);
    assertRefused(() => k.concat([zeros([2, 3]), zeros([2, 4])], 0), ShapeError, /^concat: expected shapes that agree but for axis 0, got \[2, 3\], \[2, 4\]/); // prettier-ignore
    assertRefused(
      () => k.concat([zeros([2]), zeros([2, 1])], 0),
      ShapeError,
      /^concat: expected shapes that agree/,
    );
    assertRefused(() => k.concat([zeros([2]), tensor(Int32Array.of(1))], 0), DTypeError, /^concat: expected one element type, got f32 and i32/); // prettier-ignore
  });
});

describe("gather and scatterAdd", () => {
  it("gather by hand: rows, columns, and indices of two axes", async () => {
    const x = tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    await assertTensor(k.gather(x, [2, 0, 2], 0), [3, 2], [5, 6, 1, 2, 5, 6]);
    await assertTensor(k.gather(x, [1], 1), [3, 1], [2, 4, 6]);
    await assertTensor(
      k.gather(tensor([7, 8, 9]), tensor(Int32Array.of(0, 2, 1, 1), [2, 2]), 0),
      [2, 2],
      [7, 9, 8, 8],
    );
    await assertTensor(k.gather(x, [], 0), [0, 2], []);
  });
  it("scatterAdd by hand: repeated indices add up, missing ones give 0", async () => {
    const x = tensor([
      [1, 2],
      [3, 4],
      [5, 6],
    ]);
    await assertTensor(k.scatterAdd(x, [2, 0, 2], 4, 0), [4, 2], [3, 4, 0, 0, 6, 8, 0, 0]);
    await assertTensor(k.scatterAdd(x, tensor(Int32Array.of(1, 1)), 2, 1), [3, 2], [0, 3, 0, 7, 0, 11]);
  });
  it("gather picks every element, with its gradients", async () => {
    await fc.assert(
      fc.asyncProperty(
        shapeAndAxis,
        fc.array(fc.nat(99), { maxLength: 5 }),
        async ({ shape, axis, seed }, picks) => {
          const indices = picks.map((i) => i % shape[axis]!);
          const [x] = distinct(seed, shape);
          const nested = nest(await values(x!), shape);
          const target = shape.with(axis, indices.length);
          const expected = coordinatesOf(target).map((to) => at(nested, to.with(axis, indices[to[axis]!]!)));
          await assertTensor(k.gather(x!, indices, axis), target, expected);
          await checkGradients((t) => k.gather(t, indices, axis), [x!]);
        },
      ),
      { numRuns: 15 },
    );
  });
  it("scatterAdd is the transpose of gather: <gather(x), y> = <x, scatterAdd(y)>", async () => {
    await fc.assert(
      fc.asyncProperty(
        shapeAndAxis,
        fc.array(fc.nat(99), { minLength: 1, maxLength: 5 }),
        async ({ shape, axis, seed }, picks) => {
          const indices = picks.map((i) => i % shape[axis]!);
          const [x, y] = distinct(seed, shape, shape.with(axis, indices.length));
          const there = await k.sum(k.mul(k.gather(x!, indices, axis), y!)).item();
          const back = k.sum(k.mul(x!, k.scatterAdd(y!, indices, shape[axis]!, axis)));
          await assertTensor(back, [], [there]);
          await checkGradients((t) => k.scatterAdd(t, indices, shape[axis]!, axis), [y!]);
        },
      ),
      { numRuns: 15 },
    );
  });
  it("gathers integers", async () => {
    const y = k.gather(tensor(Int32Array.of(5, 6, 7)), [2, 1], 0);
    await assertTensor(y, [2], [7, 6]);
    assert.equal(y.dtype, "i32");
  });
  it("refuse bad indices", () => {
    const x = zeros([3, 2]);
    assertRefused(
      () => k.gather(x, [0, 3], 0),
      ValueError,
      /^gather: expected indices from 0 to 2, got 3 at position 1/,
    );
    assertRefused(() => k.gather(x, [-1], 0), ValueError, /^gather: expected indices from 0 to 2, got -1/);
    assertRefused(
      () => k.gather(x, [0.5], 0),
      DTypeError,
      /^gather: expected integers as indices, got 0.5 at position 0/,
    );
    assertRefused(() => k.gather(x, tensor(Int32Array.of(1, 5)), 0), ValueError, /^gather: expected indices from 0 to 2, got a tensor with elements from 1 to 5/); // prettier-ignore
    assertRefused(
      () => k.gather(x, tensor([0, 1]), 0),
      DTypeError,
      /^gather: expected i32 for indices, got f32/,
    );
    assertRefused(() => k.gather(x, [0], 2), ShapeError, /^gather: expected an axis from -2 to 1, got 2/);
    assertRefused(() => k.scatterAdd(x, [0], 3, 0), ShapeError, /^scatterAdd: expected indices of shape \[3\] for axis 0 of x, got \[1\]/); // prettier-ignore
    assertRefused(
      () => k.scatterAdd(x, [0, 1, 2], 2, 0),
      ValueError,
      /^scatterAdd: expected indices from 0 to 1, got 2/,
    );
  });
});
