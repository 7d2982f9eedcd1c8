import fc from "fast-check";
import { tensor } from "../../engine/create.ts";
import type { ops } from "../../kernels/index.ts";
import * as k from "../../kernels/index.ts";
import { length, shape } from "./case.ts";
import type { Case } from "./case.ts";
import { elementwise } from "./cases/elementwise.ts";
import { layout, sorts } from "./cases/layout.ts";
import { loss, normalize, random } from "./cases/normalize.ts";
import { reduce } from "./cases/reduce.ts";

export type { Case, Example } from "./case.ts";

type Family = keyof typeof ops;
/** Every op of the registry. */
export type OpName = { [F in Family]: keyof (typeof ops)[F] }[Family];

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
  ...elementwise,
  ...reduce,
  ...layout,
  ...sorts,
  ...normalize,
  ...random,
  ...loss,
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
