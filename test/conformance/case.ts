/** What a case of the conformance suite is, and generators that several families share. */
import fc from "fast-check";
import type { Reduction } from "../../engine/reduction.ts";
import type { Shape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";

/** What the elements of an input may be, so that the op is smooth within reach of a finite difference. */
export type Domain = "distinct" | "positive";

/** One call of an op: shapes of its differentiable inputs, and how to call it. */
export interface Example {
  readonly shapes: readonly Shape[];
  readonly domain?: Domain;
  readonly call: (...inputs: Tensor[]) => readonly Tensor[];
  /** A tensor at whose zeros the op has kinks, where the domain does not keep away from them. */
  readonly kinks?: (...inputs: Tensor[]) => Tensor;
}

/** How an op is tried, and what is left out of it, with the reason. */
export interface Case {
  readonly examples: fc.Arbitrary<Example>;
  /** Why the op has no gradient; that it has none is checked. */
  readonly noGradient?: string;
  /** Why its gradient has no derivative; that it has none is checked. */
  readonly noSecondGradient?: string;
}

export const length = fc.integer({ min: 1, max: 5 });
export const shape = (min: number, max: number): fc.Arbitrary<number[]> =>
  fc.array(length, { minLength: min, maxLength: max });

/** Two or three shapes that broadcast: axes of a common shape, some dropped at the front, some made 1. */
export const broadcasting = (count: number): fc.Arbitrary<number[][]> =>
  shape(0, 4).chain((common) =>
    fc.tuple(
      ...Array.from({ length: count }, () =>
        fc
          .tuple(fc.nat(common.length), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }))
          .map(([drop, ones]) => common.slice(drop).map((axis, i) => (ones[i] ? 1 : axis))),
      ),
    ),
  );

export const unary = (op: (x: Tensor) => Tensor, domain: Domain = "distinct"): Case => ({
  examples: shape(0, 4).map((own) => ({ shapes: [own], domain, call: (x) => [op(x)] })),
});

export const binary = (op: (a: Tensor, b: Tensor) => Tensor, domain: Domain = "distinct"): Case => ({
  examples: broadcasting(2).map((shapes) => ({ shapes, domain, call: (a, b) => [op(a, b)] })),
});

export const comparison = (op: (a: Tensor, b: Tensor) => Tensor): Case => ({
  ...binary(op),
  noGradient: "comparisons have no derivative",
});

/** Ops with an axis: a shape and one of its axes. */
export const withAxis = (call: (x: Tensor, axis: number) => Tensor, domain: Domain = "distinct"): Case => ({
  examples: shape(1, 4).chain((own) =>
    fc.nat(own.length - 1).map((axis) => ({ shapes: [own], domain, call: (x) => [call(x, axis)] })),
  ),
});

export const reduction = (op: Reduction): Case => ({
  examples: shape(1, 4).chain((own) =>
    fc
      .record({
        axes: fc.subarray(
          own.map((_, axis) => axis),
          { minLength: 1 },
        ),
        keepDims: fc.boolean(),
      })
      .map(({ axes, keepDims }) => ({ shapes: [own], call: (x) => [op(x, axes, { keepDims })] })),
  ),
});

/** A permutation of 0 ... n-1. */
export const permutation = (n: number): fc.Arbitrary<number[]> =>
  fc.shuffledSubarray(Array.from({ length: n }, (_, i) => i), { minLength: n }); // prettier-ignore
