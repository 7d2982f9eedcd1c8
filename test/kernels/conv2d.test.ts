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

const size = (max: number) => fc.integer({ min: 1, max });
const cases = fc
  .record({
    batch: size(2),
    height: size(5),
    width: size(5),
    inChannels: size(2),
    outChannels: size(2),
    kernel: fc.tuple(size(3), size(3)),
    stride: fc.tuple(size(2), size(3)),
    padding: fc.oneof(fc.tuple(fc.nat(2), fc.nat(2)), fc.constantFrom("same" as const, "valid" as const)),
    seed: seeds,
  })
  .filter(({ height, width, kernel, padding }) => {
    const [py, px] = padding === "valid" ? [0, 0] : padding === "same" ? [3, 3] : padding;
    return kernel[0] <= height + 2 * py && kernel[1] <= width + 2 * px;
  });

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
        async ({ batch, height, width, inChannels, outChannels, kernel, stride, padding, seed }) => {
          const [kh, kw] = kernel;
          const [x, w] = distinct(
            seed,
            [batch, height, width, inChannels],
            [kh, kw, inChannels, outChannels],
          );
          const [xv, wv] = [await values(x!), await values(w!)];
          const [py, px] = typeof padding === "string" ? [padding, padding] : padding;
          const [rows, columns] = [along(height, kh, stride[0], py), along(width, kw, stride[1], px)];
          const shape = [batch, rows.count, columns.count, outChannels];
          const expected = new Float64Array(shape.reduce((a, b) => a * b));
          let at = 0;
          for (let b = 0; b < batch; b++)
            for (let oy = 0; oy < rows.count; oy++)
              for (let ox = 0; ox < columns.count; ox++)
                for (let o = 0; o < outChannels; o++, at++)
                  for (let ky = 0; ky < kh; ky++)
                    for (let kx = 0; kx < kw; kx++)
                      for (let c = 0; c < inChannels; c++) {
                        const [iy, ix] = [
                          oy * stride[0] + ky - rows.before,
                          ox * stride[1] + kx - columns.before,
                        ];
                        if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
                        expected[at]! +=
                          xv[((b * height + iy) * width + ix) * inChannels + c]! *
                          wv[((ky * kw + kx) * inChannels + c) * outChannels + o]!;
                      }
          await assertTensor(k.conv2d(x!, w!, { stride, padding }), shape, expected);
          await checkGradients((a, b) => k.conv2d(a, b, { stride, padding }), [x!, w!]);
        },
      ),
      { numRuns: 12 },
    );
  });
  it("adjoints: <conv(x, w), y> = <x, gradInput(y, w)> = <w, gradWeight(x, y)>", async () => {
    await fc.assert(
      fc.asyncProperty(
        cases,
        async ({ batch, height, width, inChannels, outChannels, kernel, stride, padding, seed }) => {
          const options = { stride, padding };
          const [inputShape, weightShape] = [
            [batch, height, width, inChannels],
            [...kernel, inChannels, outChannels],
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
});
