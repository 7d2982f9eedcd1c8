import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { tensor, zeros } from "../../engine/create.ts";
import { ShapeError } from "../../engine/errors.ts";
import type { Tensor } from "../../engine/tensor.ts";
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

/** From the first tap of a window to its last. */
const span = (kernel: number, dilation: number) => (kernel - 1) * dilation + 1;

describe("convTranspose2d", () => {
  it("by hand: every pixel spreads the kernel, scaled", async () => {
    const x = tensor([1, 2, 3, 4], [1, 2, 2, 1]);
    const w = tensor([1, 10, 100, 1000], [2, 2, 1, 1]);
    // Side by side with stride 2; overlapping without; the border cut off by padding 1.
    await assertTensor(
      k.convTranspose2d(x, w, { stride: 2 }),
      [1, 4, 4, 1],
      [1, 10, 2, 20, 100, 1000, 200, 2000, 3, 30, 4, 40, 300, 3000, 400, 4000],
    );
    await assertTensor(k.convTranspose2d(x, w), [1, 3, 3, 1], [1, 12, 20, 103, 1234, 2040, 300, 3400, 4000]);
    await assertTensor(k.convTranspose2d(x, w, { padding: 1 }), [1, 1, 1, 1], [1234]);
  });
  it("by hand: output padding adds rows and columns that only later taps reach; dilation pulls the taps apart", async () => {
    const x = tensor([1, 2], [1, 1, 2, 1]);
    const w = tensor([3, 5], [1, 2, 1, 1]);
    await assertTensor(k.convTranspose2d(x, w, { stride: [1, 3], outputPadding: [0, 2] }), [1, 1, 7, 1], [3, 5, 0, 6, 10, 0, 0]); // prettier-ignore
    await assertTensor(k.convTranspose2d(x, w, { dilation: [1, 2], outputPadding: [0, 1] }), [1, 1, 5, 1], [3, 6, 5, 10, 0]); // prettier-ignore
  });
  it("by hand: groups, each with outputs of its own", async () => {
    const x = tensor([1, 2], [1, 1, 1, 2]);
    // w [1, 1, outputs of a group, inputs]: input 0 makes outputs 0 and 1, input 1 makes outputs 2 and 3.
    const w = tensor([3, 4, 5, 6], [1, 1, 2, 2]);
    await assertTensor(k.convTranspose2d(x, w, { groups: 2 }), [1, 1, 1, 4], [3, 5, 8, 12]);
  });

  const transposed = fc
    .record({
      batch: size(2),
      height: size(3),
      width: size(4),
      groups: size(3),
      groupInputs: size(2),
      groupOutputs: size(2),
      kernel: fc.tuple(size(3), size(3)),
      stride: fc.tuple(size(3), size(3)),
      padding: fc.tuple(fc.nat(2), fc.nat(2)),
      dilation: fc.tuple(size(3), size(2)),
      more: fc.tuple(fc.nat(2), fc.nat(2)),
      seed: seeds,
    })
    .filter((g) => g.batch * g.height * g.width * g.groups * g.groupInputs < 50)
    .map(({ more, ...g }) => {
      const outputPadding = more.map((each, axis) => each % Math.max(g.stride[axis]!, g.dilation[axis]!));
      const length = (size: number, axis: 0 | 1) =>
        (size - 1) * g.stride[axis] -
        2 * g.padding[axis] +
        span(g.kernel[axis], g.dilation[axis]) +
        outputPadding[axis]!;
      const out = [length(g.height, 0), length(g.width, 1)] as const;
      return { ...g, outputPadding: [outputPadding[0]!, outputPadding[1]!] as const, out };
    })
    .filter(({ out }) => out[0] > 0 && out[1] > 0);

  it("adds up what every pixel spreads, and its gradients", async () => {
    await fc.assert(
      fc.asyncProperty(
        transposed,
        async ({
          batch,
          height,
          width,
          groups,
          groupInputs,
          groupOutputs,
          kernel,
          out,
          seed,
          ...placing
        }) => {
          const [kh, kw] = kernel;
          const [inputs, outputs] = [groups * groupInputs, groups * groupOutputs];
          const [x, w] = distinct(seed, [batch, height, width, inputs], [kh, kw, groupOutputs, inputs]);
          const [xv, wv] = [await values(x!), await values(w!)];
          const { stride, padding, dilation } = placing;
          const expected = new Float64Array(batch * out[0] * out[1] * outputs);
          for (let b = 0; b < batch; b++)
            for (let iy = 0; iy < height; iy++)
              for (let ix = 0; ix < width; ix++)
                for (let i = 0; i < inputs; i++)
                  for (let ky = 0; ky < kh; ky++)
                    for (let kx = 0; kx < kw; kx++)
                      for (let j = 0; j < groupOutputs; j++) {
                        const oy = iy * stride[0] + ky * dilation[0] - padding[0];
                        const ox = ix * stride[1] + kx * dilation[1] - padding[1];
                        if (oy < 0 || oy >= out[0] || ox < 0 || ox >= out[1]) continue;
                        const o = Math.floor(i / groupInputs) * groupOutputs + j;
                        expected[((b * out[0] + oy) * out[1] + ox) * outputs + o]! +=
                          xv[((b * height + iy) * width + ix) * inputs + i]! *
                          wv[((ky * kw + kx) * groupOutputs + j) * inputs + i]!;
                      }
          const op = (a: Tensor, c: Tensor) => k.convTranspose2d(a, c, { ...placing, groups });
          await assertTensor(op(x!, w!), [batch, ...out, outputs], expected);
          await checkGradients(op, [x!, w!]);
        },
      ),
      { numRuns: 15 },
    );
  });
  it("is the adjoint of the convolution with the same weights: <convT(x), y> = <x, conv(y)>", async () => {
    await fc.assert(
      fc.asyncProperty(
        transposed.filter(({ stride, outputPadding }) =>
          outputPadding.every((more, axis) => more < stride[axis]!),
        ),
        async ({
          batch,
          height,
          width,
          groups,
          groupInputs,
          groupOutputs,
          kernel,
          out,
          seed,
          ...placing
        }) => {
          const { outputPadding, ...options } = placing;
          const [x, w, y] = distinct(
            seed,
            [batch, height, width, groups * groupInputs],
            [...kernel, groupOutputs, groups * groupInputs],
            [batch, ...out, groups * groupOutputs],
          );
          const spread = k.convTranspose2d(x!, w!, { ...options, outputPadding, groups });
          const there = await k.sum(k.mul(spread, y!)).item();
          await assertTensor(k.sum(k.mul(x!, k.conv2d(y!, w!, { ...options, groups }))), [], [there]);
        },
      ),
      { numRuns: 25 },
    );
  });
  it("refuses what does not fit", () => {
    const x = zeros([1, 3, 3, 4]);
    assertRefused(() => k.convTranspose2d(x, zeros([2, 2, 3, 5])), ShapeError, /^convTranspose2d: expected as many channels in x \(last axis\) as in w \(last axis\), got 4 and 5 /); // prettier-ignore
    assertRefused(() => k.convTranspose2d(x, zeros([2, 2, 3, 4]), { groups: 3 }), ShapeError, /^convTranspose2d: expected groups to divide the channels of x, got 3 groups of 4 channels/); // prettier-ignore
    assertRefused(() => k.convTranspose2d(x, zeros([2, 2, 3, 4]), { stride: 2, outputPadding: 2 }), ShapeError, /^convTranspose2d: expected outputPadding smaller than stride or dilation, got 2 x 2 with stride 2 x 2 and dilation 1 x 1$/); // prettier-ignore
    assertRefused(() => k.convTranspose2d(x, zeros([1, 1, 3, 4]), { padding: 2 }), ShapeError, /^convTranspose2d: expected an output of at least 1 x 1, got -1 x -1 /); // prettier-ignore
    assertRefused(() => k.convTranspose2d(zeros([3, 3, 4]), zeros([1, 1, 3, 4])), ShapeError, /^convTranspose2d: expected x of rank 4/); // prettier-ignore
    assertRefused(() => k.convTranspose2d(x, zeros([0, 1, 3, 4])), ShapeError, /^convTranspose2d: expected a kernel of at least 1 x 1/); // prettier-ignore
  });
});
