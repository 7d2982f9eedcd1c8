import fc from "fast-check";
import { stopGradient } from "../../engine/autograd.ts";
import { tensor } from "../../engine/create.ts";
import type { Reduction } from "../../engine/reduction.ts";
import type { Shape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import type { ops } from "../../kernels/index.ts";
import * as k from "../../kernels/index.ts";

/** What the elements of an input may be, so that the op is smooth within reach of a finite difference. */
export type Domain = "distinct" | "positive";

/** One call of an op: shapes of its differentiable inputs, and how to call it. */
export interface Example {
  readonly shapes: readonly Shape[];
  readonly domain?: Domain;
  readonly call: (...inputs: Tensor[]) => readonly Tensor[];
}

/** How an op is tried, and what is left out of it, with the reason. */
export interface Case {
  readonly examples: fc.Arbitrary<Example>;
  /** Why no gradient is checked. */
  readonly noGradient?: string;
  /** Why no second derivative is checked. */
  readonly noSecondGradient?: string;
}

type Family = keyof typeof ops;
/** Every op of the registry. */
export type OpName = { [F in Family]: keyof (typeof ops)[F] }[Family];

const length = fc.integer({ min: 1, max: 5 });
const shape = (min: number, max: number): fc.Arbitrary<number[]> =>
  fc.array(length, { minLength: min, maxLength: max });

/** Two or three shapes that broadcast: axes of a common shape, some dropped at the front, some made 1. */
const broadcasting = (count: number): fc.Arbitrary<number[][]> =>
  shape(0, 4).chain((common) =>
    fc.tuple(
      ...Array.from({ length: count }, () =>
        fc
          .tuple(fc.nat(common.length), fc.array(fc.boolean(), { minLength: 4, maxLength: 4 }))
          .map(([drop, ones]) => common.slice(drop).map((axis, i) => (ones[i] ? 1 : axis))),
      ),
    ),
  );

const unary = (op: (x: Tensor) => Tensor, domain: Domain = "distinct"): Case => ({
  examples: shape(0, 4).map((own) => ({ shapes: [own], domain, call: (x) => [op(x)] })),
});

const binary = (op: (a: Tensor, b: Tensor) => Tensor, domain: Domain = "distinct"): Case => ({
  examples: broadcasting(2).map((shapes) => ({ shapes, domain, call: (a, b) => [op(a, b)] })),
});

const comparison = (op: (a: Tensor, b: Tensor) => Tensor): Case => ({
  ...binary(op),
  noGradient: "comparisons have no derivative",
});

/** Ops with an axis: a shape and one of its axes. */
const withAxis = (call: (x: Tensor, axis: number) => Tensor, domain: Domain = "distinct"): Case => ({
  examples: shape(1, 4).chain((own) =>
    fc.nat(own.length - 1).map((axis) => ({ shapes: [own], domain, call: (x) => [call(x, axis)] })),
  ),
});

const reduction = (op: Reduction): Case => ({
  examples: shape(1, 4).chain((own) =>
    fc
      .record({
        axes: fc.subarray(
          own.map((_, axis) => axis),
          { minLength: 1 },
        ),
        keepDims: fc.boolean(),
      }) // prettier-ignore
      .map(({ axes, keepDims }) => ({ shapes: [own], call: (x) => [op(x, axes, { keepDims })] })),
  ),
});

const allOf = ({ output, mean, variance }: k.BatchNormOutputs): Tensor[] => [output, mean, variance];

/** A permutation of 0 ... n-1. */
const permutation = (n: number): fc.Arbitrary<number[]> =>
  fc.shuffledSubarray(Array.from({ length: n }, (_, i) => i), { minLength: n }); // prettier-ignore

/** x and w of a convolution, and its options. */
const convolution = fc
  .record({
    batch: fc.integer({ min: 1, max: 3 }),
    ...{ height: fc.integer({ min: 3, max: 7 }), width: fc.integer({ min: 3, max: 7 }) },
    ...{ inChannels: fc.integer({ min: 1, max: 5 }), outChannels: fc.integer({ min: 1, max: 9 }) },
    ...{ kernelHeight: fc.integer({ min: 1, max: 3 }), kernelWidth: fc.integer({ min: 1, max: 3 }) },
    ...{ stride: fc.integer({ min: 1, max: 3 }), padding: fc.integer({ min: 0, max: 2 }) },
  })
  .map((g) => {
    const out = (size: number, kernel: number) => Math.floor((size + 2 * g.padding - kernel) / g.stride) + 1;
    return {
      x: [g.batch, g.height, g.width, g.inChannels],
      w: [g.kernelHeight, g.kernelWidth, g.inChannels, g.outChannels],
      y: [g.batch, out(g.height, g.kernelHeight), out(g.width, g.kernelWidth), g.outChannels],
      options: { stride: g.stride, padding: g.padding },
    };
  });

/** One case for every op of the registry: an op without one does not compile. */
export const cases: Record<OpName, Case> = {
  add: binary(k.add),
  sub: binary(k.sub),
  mul: binary(k.mul),
  div: binary(k.div, "positive"),
  neg: unary(k.neg),
  maximum: binary(k.maximum),
  exp: unary(k.exp),
  log: unary(k.log, "positive"),
  sqrt: unary(k.sqrt, "positive"),
  square: unary(k.square),
  relu: unary(k.relu),
  less: comparison(k.less),
  lessEqual: comparison(k.lessEqual),
  greater: comparison(k.greater),
  greaterEqual: comparison(k.greaterEqual),
  equal: comparison(k.equal),
  // Of the three, only the two values have a gradient: the condition is a constant here.
  where: binary((a, b) => k.where(k.less(stopGradient(a), 0), a, b)),
  sum: reduction(k.sum),
  mean: reduction(k.mean),
  max: reduction(k.max),
  logSumExp: reduction(k.logSumExp),
  argMax: { ...withAxis(k.argMax), noGradient: "positions have no derivative" },
  reshape: unary((x) => k.reshape(x, [-1])),
  transpose: {
    examples: shape(0, 4).chain((own) =>
      permutation(own.length).map((order) => ({ shapes: [own], call: (x) => [k.transpose(x, order)] })),
    ),
  },
  slice: {
    examples: shape(1, 4).chain((own) =>
      fc
        .tuple(
          ...own.map((size) =>
            fc
              .nat(size - 1)
              .chain((start) => fc.tuple(fc.constant(start), fc.integer({ min: start + 1, max: size }))),
          ),
        )
        .map((ranges) => ({
          shapes: [own],
          call: (x) => [k.slice(x, ranges.map(([start]) => start), ranges.map(([, end]) => end))], // prettier-ignore
        })),
    ),
  },
  concat: {
    examples: shape(1, 3).chain((own) =>
      fc
        .tuple(fc.nat(own.length - 1), fc.array(length, { minLength: 1, maxLength: 4 }))
        .map(([axis, sizes]) => ({
          shapes: sizes.map((size) => own.map((each, i) => (i === axis ? size : each))),
          call: (...parts) => [k.concat(parts, axis)],
        })),
    ),
  },
  gather: {
    examples: shape(1, 3).chain((own) =>
      fc.nat(own.length - 1).chain((axis) =>
        fc.array(fc.nat(own[axis]! - 1), { minLength: 1, maxLength: 6 }).map((indices) => ({
          shapes: [own],
          call: (x) => [k.gather(x, indices, axis)],
        })),
      ),
    ),
  },
  scatterAdd: {
    examples: shape(1, 3).chain((own) =>
      fc.nat(own.length - 1).chain((axis) =>
        fc.array(fc.nat(3), { minLength: own[axis]!, maxLength: own[axis]! }).map((indices) => ({
          shapes: [own],
          call: (x) => [k.scatterAdd(x, indices, 4, axis)],
        })),
      ),
    ),
  },
  matmul: {
    examples: fc
      .record({
        m: length,
        n: fc.integer({ min: 1, max: 11 }),
        k: length,
        transposeA: fc.boolean(),
        transposeB: fc.boolean(),
      })
      .map(({ m, n, k: inner, ...options }) => ({
        shapes: [options.transposeA ? [inner, m] : [m, inner], options.transposeB ? [n, inner] : [inner, n]],
        call: (a, b) => [k.matmul(a, b, options)],
      })),
  },
  conv2d: {
    examples: convolution.map(({ x, w, options }) => ({
      shapes: [x, w],
      call: (input, weight) => [k.conv2d(input, weight, options)],
    })),
  },
  conv2dGradInput: {
    examples: convolution.map(({ x, w, y, options }) => ({
      shapes: [y, w],
      call: (dy, weight) => [k.conv2dGradInput(dy, weight, { ...options, inputShape: x })],
    })),
  },
  conv2dGradWeight: {
    examples: convolution.map(({ x, w, y, options }) => ({
      shapes: [x, y],
      call: (input, dy) => [k.conv2dGradWeight(input, dy, { ...options, weightShape: w })],
    })),
  },
  avgPool2d: {
    examples: fc
      .record({
        side: fc.integer({ min: 3, max: 6 }),
        channels: length,
        kernel: fc.integer({ min: 2, max: 3 }),
        stride: fc.integer({ min: 1, max: 3 }),
        padding: fc.integer({ min: 0, max: 1 }),
      })
      .map(({ side, channels, ...options }) => ({
        shapes: [[2, side, side + 1, channels]],
        call: (x) => [k.avgPool2d(x, options)],
      })),
  },
  globalAvgPool: {
    examples: shape(4, 4).map((own) => ({ shapes: [own], call: (x) => [k.globalAvgPool(x)] })),
  },
  batchNorm: {
    examples: shape(1, 3).map((own) => ({
      shapes: [[2, ...own], own.slice(-1), own.slice(-1)],
      call: (x, gamma, beta) => allOf(k.batchNorm(x, gamma, beta)),
    })),
  },
  batchNormInference: {
    examples: shape(1, 3).map((own) => ({
      shapes: [own, ...Array.from({ length: 4 }, () => own.slice(-1))],
      domain: "positive",
      call: (x, gamma, beta, mean, variance) => [k.batchNormInference(x, gamma, beta, mean, variance)],
    })),
  },
  l2Normalize: withAxis(k.l2Normalize, "positive"),
  softmax: withAxis(k.softmax),
  logSoftmax: withAxis(k.logSoftmax),
  crossEntropy: {
    examples: fc.tuple(length, length).chain(([n, classes]) =>
      fc.array(fc.nat(classes - 1), { minLength: n, maxLength: n }).map((labels) => ({
        shapes: [[n, classes]],
        call: (logits) => [k.crossEntropy(logits, labels)],
      })),
    ),
  },
  contrastiveLosses: {
    examples: fc.tuple(fc.integer({ min: 2, max: 11 }), length).chain(([rows, features]) =>
      fc.array(fc.nat(2), { minLength: rows, maxLength: rows }).map((classes) => ({
        shapes: [[rows, features]],
        call: (z) => [k.contrastiveLosses(z, tensor(Int32Array.from(classes)), 0.5)],
      })),
    ),
    noSecondGradient: "the fused gradient has no derivative",
  },
};
