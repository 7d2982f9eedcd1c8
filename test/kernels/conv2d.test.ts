import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { tensor, zeros } from "../../engine/create.ts";
import { ShapeError } from "../../engine/errors.ts";
import * as k from "../../kernels/index.ts";
import {
  assertRefused,
  assertTensor,
  checkGradients,
  distinct,
  seeds,
  useReference,
  values,
} from "./helpers.ts";

beforeEach(useReference);

/** From the first tap of a window to its last. */
const span = (kernel: number, dilation: number) => (kernel - 1) * dilation + 1;

const size = (max: number) => fc.integer({ min: 1, max });
const cases = fc
  .record({
    batch: size(2),
    height: size(5),
    width: size(5),
    groups: size(3),
    groupInputs: size(2),
    groupOutputs: size(2),
    kernel: fc.tuple(size(3), size(3)),
    stride: fc.tuple(size(2), size(3)),
    dilation: fc.tuple(size(2), size(3)),
    padding: fc.oneof(fc.tuple(fc.nat(2), fc.nat(2)), fc.constantFrom("same" as const, "valid" as const)),
    seed: seeds,
  })
  .filter(({ height, width, kernel, padding, dilation }) => {
    const [py, px] = padding === "valid" ? [0, 0] : padding === "same" ? [9, 9] : padding;
    return span(kernel[0], dilation[0]) <= height + 2 * py && span(kernel[1], dilation[1]) <= width + 2 * px;
  })
  // Few elements: every gradient is checked by differences.
  .filter((g) => g.batch * g.height * g.width * g.groups * g.groupInputs < 60)
  .map(({ groups, groupInputs, groupOutputs, ...g }) => ({
    ...g,
    ...{ groups, groupInputs, inChannels: groups * groupInputs, outChannels: groups * groupOutputs },
  }));

/** Zeros before the input, and the number of outputs, along one axis: as TensorFlow's and PyTorch's pages say. */
function along(length: number, kernel: number, stride: number, padding: number | "same" | "valid") {
  if (padding === "same") {
    const count = Math.ceil(length / stride);
    const total = Math.max((count - 1) * stride + kernel - length, 0);
    return { before: Math.floor(total / 2), count };
  }
  const before = padding === "valid" ? 0 : padding;
  return { before, count: Math.floor((length + 2 * before - kernel) / stride) + 1 };
}

describe("conv2d", () => {
  it("by hand: one channel, no padding, then padding 1 and stride 2", async () => {
    const x = tensor([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
    const w = tensor([1, 0, 0, -1], [2, 2, 1, 1]);
    await assertTensor(k.conv2d(x, w), [1, 2, 2, 1], [-4, -4, -4, -4]);
    await assertTensor(k.conv2d(x, w, { stride: 2, padding: 1 }), [1, 2, 2, 1], [-1, -3, -7, -4]);
  });
  it("by hand: 1 x 1 mixes channels", async () => {
    const x = tensor([1, 2, 3, 4], [1, 1, 2, 2]);
    const w = tensor([1, 10, 100, 1000], [1, 1, 2, 2]);
    await assertTensor(k.conv2d(x, w), [1, 1, 2, 2], [201, 2010, 403, 4030]);
  });
  it("is the sum over taps and channels, with its gradients", async () => {
    await fc.assert(
      fc.asyncProperty(
        cases,
        async ({ batch, height, width, inChannels, outChannels, kernel, groupInputs, seed, ...options }) => {
          const { stride, padding, dilation, groups } = options;
          const [kh, kw] = kernel;
          const [x, w] = distinct(
            seed,
            [batch, height, width, inChannels],
            [kh, kw, groupInputs, outChannels],
          );
          const [xv, wv] = [await values(x!), await values(w!)];
          const [py, px] = typeof padding === "string" ? [padding, padding] : padding;
          const rows = along(height, span(kh, dilation[0]), stride[0], py);
          const columns = along(width, span(kw, dilation[1]), stride[1], px);
          const shape = [batch, rows.count, columns.count, outChannels];
          const expected = new Float64Array(shape.reduce((a, b) => a * b));
          let at = 0;
          for (let b = 0; b < batch; b++)
            for (let oy = 0; oy < rows.count; oy++)
              for (let ox = 0; ox < columns.count; ox++)
                for (let o = 0; o < outChannels; o++, at++)
                  for (let ky = 0; ky < kh; ky++)
                    for (let kx = 0; kx < kw; kx++)
                      for (let c = 0; c < groupInputs; c++) {
                        const [iy, ix] = [
                          oy * stride[0] + ky * dilation[0] - rows.before,
                          ox * stride[1] + kx * dilation[1] - columns.before,
                        ];
                        const firstInput = Math.floor(o / (outChannels / groups)) * groupInputs;
                        if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
                        expected[at]! +=
                          xv[((b * height + iy) * width + ix) * inChannels + firstInput + c]! *
                          wv[((ky * kw + kx) * groupInputs + c) * outChannels + o]!;
                      }
          await assertTensor(k.conv2d(x!, w!, options), shape, expected);
          await checkGradients((a, b) => k.conv2d(a, b, options), [x!, w!]);
        },
      ),
      { numRuns: 12 },
    );
  });
  it("adjoints: <conv(x, w), y> = <x, gradInput(y, w)> = <w, gradWeight(x, y)>", async () => {
    await fc.assert(
      fc.asyncProperty(
        cases,
        async ({ batch, height, width, inChannels, outChannels, kernel, groupInputs, seed, ...options }) => {
          const [inputShape, weightShape] = [
            [batch, height, width, inChannels],
            [...kernel, groupInputs, outChannels],
          ];
          const [x, w] = distinct(seed, inputShape, weightShape);
          const convolved = k.conv2d(x!, w!, options);
          const [y] = distinct(seed + 1, convolved.shape);
          const there = await k.sum(k.mul(convolved, y!)).item();
          await assertTensor(
            k.sum(k.mul(x!, k.conv2dGradInput(y!, w!, { ...options, inputShape }))),
            [],
            [there],
          );
          await assertTensor(
            k.sum(k.mul(w!, k.conv2dGradWeight(x!, y!, { ...options, weightShape }))),
            [],
            [there],
          );
          await checkGradients((a, b) => k.conv2dGradInput(a, b, { ...options, inputShape }), [y!, w!]);
          await checkGradients((a, b) => k.conv2dGradWeight(a, b, { ...options, weightShape }), [x!, y!]);
        },
      ),
      { numRuns: 12 },
    );
  });
  it("refuses what does not fit", () => {
    const x = zeros([1, 4, 4, 2]);
    assertRefused(() => k.conv2d(x, zeros([3, 3, 1, 2])), ShapeError, /^conv2d: expected .*channels/);
    assertRefused(() => k.conv2dGradInput(zeros([1, 3, 3, 2]), zeros([3, 3, 2, 2]), { inputShape: [1, 4, 4, 2] }), ShapeError, /^conv2dGradInput: expected dy of shape \[1, 2, 2, 2\] .* got \[1, 3, 3, 2\]$/); // prettier-ignore
    assertRefused(() => k.conv2dGradWeight(x, zeros([1, 3, 3, 2]), { weightShape: [3, 3, 2, 2] }), ShapeError, /^conv2dGradWeight: expected dy of shape \[1, 2, 2, 2\]/); // prettier-ignore
  });
  it("a depthwise convolution is one convolution for each channel", async () => {
    const [x, w] = distinct(3, [2, 5, 4, 3], [3, 2, 1, 3]);
    const options = { stride: [1, 2], padding: 1, dilation: [2, 1] } as const;
    const alone = [0, 1, 2].map((c) =>
      k.conv2d(
        k.slice(x!, [0, 0, 0, c], [2, 5, 4, c + 1]),
        k.slice(w!, [0, 0, 0, c], [3, 2, 1, c + 1]),
        options,
      ),
    );
    const joined = k.concat(alone, 3);
    await assertTensor(k.conv2d(x!, w!, { ...options, groups: 3 }), joined.shape, await values(joined));
  });
});
