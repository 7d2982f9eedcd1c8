/** Convolutions, pools and resampling: what slides over images. */
import fc from "fast-check";
import type { ops } from "../../../kernels/index.ts";
import * as k from "../../../kernels/index.ts";
import { length, shape } from "../case.ts";
import type { Case } from "../case.ts";

const int = (min: number, max: number): fc.Arbitrary<number> => fc.integer({ min, max });
const both = (min: number, max: number): fc.Arbitrary<[number, number]> => fc.tuple(int(min, max), int(min, max)); // prettier-ignore

/** Channels of x and of y: one group of them, several, or every channel on its own. */
const grouping = fc.oneof(
  fc.record({ groups: fc.constant(1), inputs: int(1, 5), outputs: int(1, 9) }),
  fc.record({ groups: int(2, 3), inputs: int(1, 3), outputs: int(1, 4) }),
  fc.record({ groups: int(2, 9), inputs: fc.constant(1), outputs: fc.constant(1) }),
);

/** Shapes of a convolution, and its options. */
const convolution = fc
  .record({
    batch: int(1, 3),
    size: both(3, 7),
    kernel: both(1, 3),
    ...{ stride: both(1, 3), padding: both(0, 2), dilation: both(1, 2) },
    grouping,
  })
  .map(({ batch, size, kernel, grouping: { groups, inputs, outputs }, ...placing }) => {
    const { stride, padding, dilation } = placing;
    const out = ([0, 1] as const).map(
      (axis) =>
        Math.floor((size[axis] + 2 * padding[axis] - (kernel[axis] - 1) * dilation[axis] - 1) / stride[axis]) + 1, // prettier-ignore
    );
    return {
      x: [batch, ...size, groups * inputs],
      w: [...kernel, inputs, groups * outputs],
      y: [batch, ...out, groups * outputs],
      options: { ...placing, groups },
    };
  })
  .filter(({ y }) => y.every((axis) => axis > 0));

export const conv2d: Record<keyof (typeof ops)["conv2d"], Case> = {
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
  convTranspose2d: {
    // The output of a convolution is an input of its transpose, of which the options give one of several sizes.
    examples: convolution
      .map(({ w, y, options }) => {
        const outputPadding = options.stride.map((stride) => stride - 1) as [number, number];
        return { x: y, w, options: { ...options, outputPadding } };
      })
      .filter(({ x, w, options: { stride, padding, dilation } }) =>
        ([0, 1] as const).every(
          (axis) => x[axis + 1]! * stride[axis] + (w[axis]! - 1) * dilation[axis] > 2 * padding[axis],
        ),
      )
      .map(({ x, w, options }) => ({
        shapes: [x, w],
        call: (input, weight) => [k.convTranspose2d(input, weight, options)],
      })),
  },
};

/** Images for a pool, with a number of channels that is or is not a multiple of 4. */
const images = fc.tuple(int(1, 2), int(3, 6), int(3, 6), fc.oneof(length, fc.constantFrom(8, 13)));

export const pool: Record<keyof (typeof ops)["pool"], Case> = {
  avgPool2d: {
    examples: fc
      .record({ kernel: both(2, 3), stride: both(1, 3), padding: both(0, 1) })
      .chain((options) => images.map((own) => ({ shapes: [own], call: (x) => [k.avgPool2d(x, options)] }))),
  },
  maxPool2d: {
    examples: fc
      .record({ kernel: both(2, 3), stride: both(1, 3), padding: both(0, 1), dilation: both(1, 2) })
      .chain((options) =>
        images
          .filter(([, ...size]) =>
            ([0, 1] as const).every(
              (axis) =>
                (options.kernel[axis] - 1) * options.dilation[axis] < size[axis] + 2 * options.padding[axis],
            ),
          )
          .map((own) => ({ shapes: [own], call: (x) => [k.maxPool2d(x, options)] })),
      ),
  },
  adaptiveAvgPool2d: {
    examples: fc
      .tuple(images, both(1, 7))
      .map(([own, size]) => ({ shapes: [own], call: (x) => [k.adaptiveAvgPool2d(x, size)] })),
  },
  globalAvgPool: {
    examples: shape(4, 4).map((own) => ({ shapes: [own], call: (x) => [k.globalAvgPool(x)] })),
  },
};

/** Images x, patches y of them, and the options that place those: a convolution's windows. */
const patched = convolution.map(({ x, w: [height, width], y, options }) => {
  const { stride, padding, dilation } = options;
  return {
    x,
    y: [...y.slice(0, 3), height! * width! * x[3]!],
    options: { kernel: [height!, width!] as const, stride, padding, dilation },
  };
});

export const patches: Record<keyof (typeof ops)["patches"], Case> = {
  unfold: {
    examples: patched.map(({ x, options }) => ({ shapes: [x], call: (images) => [k.unfold(images, options)] })), // prettier-ignore
  },
  fold: {
    examples: patched.map(({ x, y, options }) => ({
      shapes: [y],
      call: (rows) => [k.fold(rows, { ...options, inputShape: x })],
    })),
  },
};

export const resample: Record<keyof (typeof ops)["resample"], Case> = {
  resize: {
    examples: fc.tuple(images, both(1, 9), fc.constantFrom("bilinear" as const, "nearest" as const)).map(
      ([own, size, mode]) => ({ shapes: [own], call: (x) => [k.resize(x, size, { mode })] }), // prettier-ignore
    ),
  },
};
