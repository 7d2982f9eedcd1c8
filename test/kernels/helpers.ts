import assert from "node:assert/strict";
import fc from "fast-check";
import { grad } from "../../engine/autograd.ts";
import { setBackend } from "../../engine/backend.ts";
import { ReferenceBackend } from "../../engine/backends/reference/backend.ts";
import { tensor } from "../../engine/create.ts";
import { gradCheck } from "../../engine/gradcheck.ts";
import { Random } from "../../engine/random.ts";
import { sizeOf } from "../../engine/shape.ts";
import type { Shape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { add, mul } from "../../kernels/elementwise/arithmetic.ts";
import { sum } from "../../kernels/reduce/sum.ts";

/** Makes a fresh reference backend the current one. */
export function useReference(): ReferenceBackend {
  const backend = new ReferenceBackend();
  setBackend(backend);
  return backend;
}

export const values = async (t: Tensor): Promise<number[]> => Array.from(await t.data());

/** Same shape, and elements equal to 1e-12 (relative where they are above 1); NaN equals NaN. */
export async function assertTensor(actual: Tensor, shape: Shape, expected: ArrayLike<number>): Promise<void> {
  assert.deepEqual([...actual.shape], [...shape]);
  const got = await values(actual);
  assert.equal(got.length, expected.length);
  got.forEach((value, i) => {
    const target = expected[i]!;
    const close = Math.abs(value - target) <= 1e-12 * Math.max(1, Math.abs(target));
    assert.ok(close || Object.is(value, target), `element ${i}: expected ${target}, got ${value}`);
  });
}

/**
 * Tensors whose elements, over all of them, are distinct, at least 1/20 apart and not 0: differences of nearby points
 * then meet no kink and no tie.
 */
export function distinct(seed: number, ...shapes: readonly Shape[]): Tensor[] {
  const sizes = shapes.map(sizeOf);
  const total = sizes.reduce((a, b) => a + b, 0);
  const order = new Random(seed).permutation(total);
  const gap = Math.max(1 / 20, 3 / total);
  let from = 0;
  return shapes.map((shape, i) => {
    const part = order.subarray(from, (from += sizes[i]!));
    return tensor(
      Float64Array.from(part, (k) => (k - total / 2 + 0.25) * gap),
      shape,
    );
  });
}

/** Numbers from 0.5 to 2, for logarithms, roots and quotients. */
export function positive(seed: number, shape: Shape): Tensor {
  const random = new Random(seed);
  return tensor(
    Float64Array.from({ length: sizeOf(shape) }, () => random.uniform(0.5, 2)),
    shape,
  );
}

/** A shape of rank `min` to `max` with axes of length 1 to 4. */
export const shapes = (min: number, max: number): fc.Arbitrary<number[]> =>
  fc.array(fc.integer({ min: 1, max: 4 }), { minLength: min, maxLength: max });

export const seeds = fc.nat(1000);

/**
 * Checks f's gradients by central differences, and the gradients of those: as functions of the inputs and of the
 * gradient dy that comes in, they are differentiated once more, in a random direction.
 */
export async function checkGradients(
  f: (...inputs: Tensor[]) => Tensor,
  inputs: readonly Tensor[],
): Promise<void> {
  await gradCheck(f, inputs);
  const leaf = async (x: Tensor) => tensor(await x.data(), x.shape, { requiresGrad: true });
  const output = f(...(await Promise.all(inputs.map(leaf))));
  const directions = inputs.map(({ shape }, i) => positive(i, shape));
  await gradCheck(
    (dy, ...xs) =>
      grad(f(...xs), xs, { gradient: dy, createGraph: true })
        .map((g, i) => sum(mul(g, directions[i]!)))
        .reduce((a, b) => add(a, b)),
    [positive(99, output.shape), ...inputs],
  );
}

/** Asserts that the call throws an error of the class, with a message that matches. */
export function assertRefused(f: () => unknown, type: new (message: string) => Error, message: RegExp): void {
  assert.throws(f, (error) => error instanceof type && message.test(error.message));
}
