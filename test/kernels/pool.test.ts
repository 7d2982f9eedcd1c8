import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { grad } from "../../engine/autograd.ts";
import { tensor, zeros } from "../../engine/create.ts";
import { DTypeError, ShapeError } from "../../engine/errors.ts";
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

describe("avgPool2d", () => {
  it("by hand: windows side by side; zeros of the padding count", async () => {
    const x = tensor([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]);
    await assertTensor(k.avgPool2d(x, { kernel: [3, 1] }), [1, 1, 3, 1], [4, 5, 6]);
    await assertTensor(k.avgPool2d(x, { kernel: 2 }), [1, 1, 1, 1], [3]);
    await assertTensor(k.avgPool2d(x, { kernel: 2, padding: 1 }), [1, 2, 2, 1], [0.25, 1.25, 2.75, 7]);
    await assertTensor(k.avgPool2d(x, { kernel: 2, stride: 1 }), [1, 2, 2, 1], [3, 4, 6, 7]);
  });
  it("is the average over a padded copy, with its gradients", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(size(2), size(5), size(5), size(3)),
        fc.tuple(size(3), size(3)),
        fc.tuple(size(3), size(3)),
        fc.tuple(fc.nat(1), fc.nat(1)),
        seeds,
        async (shape, kernel, stride, padding, seed) => {
          const [batch, height, width, channels] = shape;
          const [ph, pw] = [height + 2 * padding[0], width + 2 * padding[1]];
          fc.pre(kernel[0] <= ph && kernel[1] <= pw);
          const [x] = distinct(seed, shape);
          const xs = await values(x!);
          const expected = [];
          for (let b = 0; b < batch; b++) {
            const padded = Array.from({ length: ph }, (_, y) =>
              Array.from({ length: pw }, (_, i) => {
                const [iy, ix] = [y - padding[0], i - padding[1]];
                const inside = iy >= 0 && iy < height && ix >= 0 && ix < width;
                return Array.from({ length: channels }, (_, c) =>
                  inside ? xs[((b * height + iy) * width + ix) * channels + c]! : 0,
                );
              }),
            );
            for (let top = 0; top + kernel[0] <= ph; top += stride[0]) {
              for (let left = 0; left + kernel[1] <= pw; left += stride[1]) {
                for (let c = 0; c < channels; c++) {
                  const window = padded
                    .slice(top, top + kernel[0])
                    .flatMap((row) => row.slice(left, left + kernel[1]));
                  expected.push(window.reduce((total, pixel) => total + pixel[c]!, 0) / window.length);
                }
              }
            }
          }
          const [rows, columns] = [
            Math.floor((ph - kernel[0]) / stride[0]) + 1,
            Math.floor((pw - kernel[1]) / stride[1]) + 1,
          ];
          await assertTensor(
            k.avgPool2d(x!, { kernel, stride, padding }),
            [batch, rows, columns, channels],
            expected,
          );
          await checkGradients((t) => k.avgPool2d(t, { kernel, stride, padding }), [x!]);
        },
      ),
      { numRuns: 15 },
    );
  });
  it("refuses what does not fit", () => {
    const x = zeros([1, 2, 2, 1]);
    assertRefused(() => k.avgPool2d(x, { kernel: 3 }), ShapeError, /^avgPool2d: expected a kernel no larger than the padded input, got 3 x 3 over 2 x 2 from x \[1, 2, 2, 1\]; a larger padding makes room$/); // prettier-ignore
    assertRefused(() => k.avgPool2d(x, { kernel: 1, stride: 0 }), ShapeError, /^avgPool2d: expected stride to be a positive integer/); // prettier-ignore
    assertRefused(
      () => k.avgPool2d(zeros([2, 2]), { kernel: 1 }),
      ShapeError,
      /^avgPool2d: expected x of rank 4/,
    );
    assertRefused(() => k.avgPool2d(x, { kernel: [0, 1] }), ShapeError, /^avgPool2d: expected kernel to be a positive integer or a pair of them, got \[0, 1\]$/); // prettier-ignore
    assertRefused(() => k.avgPool2d(tensor(Int32Array.of(1), [1, 1, 1, 1]), { kernel: 1 }), DTypeError, /^avgPool2d: expected f32 for x, got i32/); // prettier-ignore
  });
});

it("globalAvgPool: the average over all pixels", async () => {
  await assertTensor(k.globalAvgPool(tensor([1, 10, 2, 20, 3, 30, 6, 60], [1, 2, 2, 2])), [1, 2], [3, 30]);
});

/** The elements of each window of an image: taps inside, first row first, with their positions among all elements. */
function windowsOf(
  [batch, height, width, channels]: readonly [number, number, number, number],
  xs: readonly number[],
  {
    kernel,
    stride,
    padding,
    dilation,
  }: Record<"kernel" | "stride" | "padding" | "dilation", [number, number]>,
): { at: number; value: number }[][] {
  const starts = (axis: 0 | 1, length: number): number[] => {
    const list = [];
    const last = (kernel[axis] - 1) * dilation[axis];
    for (let start = -padding[axis]; start + last < length + padding[axis]; start += stride[axis])
      list.push(start);
    return list;
  };
  const windows = [];
  for (let b = 0; b < batch; b++) {
    for (const top of starts(0, height)) {
      for (const left of starts(1, width)) {
        for (let c = 0; c < channels; c++) {
          const taps = [];
          for (let ky = 0; ky < kernel[0]; ky++) {
            for (let kx = 0; kx < kernel[1]; kx++) {
              const [iy, ix] = [top + ky * dilation[0], left + kx * dilation[1]];
              if (iy < 0 || iy >= height || ix < 0 || ix >= width) continue;
              const at = ((b * height + iy) * width + ix) * channels + c;
              taps.push({ at, value: xs[at]! });
            }
          }
          windows.push(taps);
        }
      }
    }
  }
  return windows;
}

describe("maxPool2d", () => {
  const image = [1, 9, 2, 8, 3, 7, 4, 6, 5];
  it("by hand: windows side by side, overlapping, padded with -Infinity, dilated", async () => {
    const x = tensor(image.map((each) => -each), [1, 3, 3, 1]); // prettier-ignore
    await assertTensor(k.maxPool2d(x, { kernel: [3, 1] }), [1, 1, 3, 1], [-1, -3, -2]);
    await assertTensor(k.maxPool2d(x, { kernel: 2, stride: 1 }), [1, 2, 2, 1], [-1, -2, -3, -3]);
    await assertTensor(k.maxPool2d(x, { kernel: 2, padding: 1 }), [1, 2, 2, 1], [-1, -2, -4, -3]);
    await assertTensor(k.maxPool2d(x, { kernel: 2, dilation: 2 }), [1, 1, 1, 1], [-1]);
  });
  it("gives the gradient to the first of equal maxima, and to the first NaN", async () => {
    for (const [list, winner] of [
      [[1, 3, 3, 3], 1],
      [[5, NaN, 7, NaN], 1],
      [[-Infinity, -Infinity, -Infinity, -Infinity], 0],
    ] as const) {
      const x = tensor(list, [1, 2, 2, 1], { requiresGrad: true });
      const y = k.maxPool2d(x, { kernel: 2 });
      await assertTensor(y, [1, 1, 1, 1], [list[winner]]);
      const [dx] = grad(y, [x], { gradient: tensor([10], [1, 1, 1, 1]) });
      await assertTensor(dx, [1, 2, 2, 1], [0, 1, 2, 3].map((i) => (i === winner ? 10 : 0))); // prettier-ignore
    }
  });
  it("is the largest element of every window, with its gradients", async () => {
    const axis = (min: number, max: number) => fc.integer({ min, max });
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(size(2), size(6), size(6), size(3)),
        fc.record({
          kernel: fc.tuple(size(3), size(3)),
          stride: fc.tuple(size(3), size(3)),
          padding: fc.tuple(axis(0, 2), axis(0, 2)),
          dilation: fc.tuple(size(2), size(3)),
        }),
        seeds,
        async (shape, options, seed) => {
          const { kernel, stride, padding, dilation } = options;
          const counts = ([0, 1] as const).map(
            (each) =>
              Math.floor(
                (shape[each + 1]! + 2 * padding[each] - (kernel[each] - 1) * dilation[each] - 1) /
                  stride[each],
              ) + 1,
          );
          fc.pre(counts.every((count) => count > 0));
          const [x] = distinct(seed, shape);
          const windows = windowsOf(shape, await values(x!), options);
          if (windows.some((taps) => taps.length === 0)) {
            assertRefused(() => k.maxPool2d(x!, options), ShapeError, /^maxPool2d: expected windows that all reach into the image/); // prettier-ignore
            return;
          }
          const largest = windows.map((taps) => Math.max(...taps.map(({ value }) => value)));
          await assertTensor(k.maxPool2d(x!, options), [shape[0], ...counts, shape[3]], largest);
          await checkGradients((t) => k.maxPool2d(t, options), [x!]);
        },
      ),
      { numRuns: 40 },
    );
  });
  it("refuses what does not fit", () => {
    const x = zeros([1, 2, 2, 1]);
    assertRefused(() => k.maxPool2d(x, { kernel: 3 }), ShapeError, /^maxPool2d: expected a kernel no larger than the padded input, got 3 x 3 over 2 x 2 from x/); // prettier-ignore
    assertRefused(() => k.maxPool2d(x, { kernel: 2, dilation: 0 }), ShapeError, /^maxPool2d: expected dilation to be a positive integer/); // prettier-ignore
    assertRefused(() => k.maxPool2d(x, { kernel: 2, padding: 2 }), ShapeError, /^maxPool2d: expected windows that all reach into the image, got padding 2 x 2 around 2 x 2 for a kernel of 2 x 2; at most half of the kernel is safe$/); // prettier-ignore
    assertRefused(() => k.maxPool2d(zeros([2, 2]), { kernel: 1 }), ShapeError, /^maxPool2d: expected x of rank 4/); // prettier-ignore
    assertRefused(() => k.maxPool2d(tensor(Int32Array.of(1), [1, 1, 1, 1]), { kernel: 1 }), DTypeError, /^maxPool2d: expected f32 for x, got i32/); // prettier-ignore
  });
});

describe("adaptiveAvgPool2d", () => {
  it("by hand: 5 pixels to 3 overlap as [0, 2), [1, 4), [3, 5); 2 to 4 repeat", async () => {
    const x = tensor([1, 2, 6, 4, 8], [1, 1, 5, 1]);
    await assertTensor(k.adaptiveAvgPool2d(x, [1, 3]), [1, 1, 3, 1], [1.5, 4, 6]);
    await assertTensor(k.adaptiveAvgPool2d(tensor([1, 2], [1, 2, 1, 1]), [4, 1]), [1, 4, 1, 1], [1, 1, 2, 2]);
  });
  it("is the average over windows that PyTorch's rule gives, with its gradients", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(size(2), size(6), size(6), size(2)),
        fc.tuple(size(7), size(7)),
        seeds,
        async (shape, out, seed) => {
          const [batch, height, width, channels] = shape;
          const [x] = distinct(seed, shape);
          const xs = await values(x!);
          const bounds = (i: number, length: number, count: number) => [
            Math.floor((i * length) / count),
            Math.ceil(((i + 1) * length) / count),
          ];
          const expected = [];
          for (let b = 0; b < batch; b++)
            for (let oy = 0; oy < out[0]; oy++)
              for (let ox = 0; ox < out[1]; ox++)
                for (let c = 0; c < channels; c++) {
                  const [top, bottom] = bounds(oy, height, out[0]);
                  const [left, right] = bounds(ox, width, out[1]);
                  let total = 0;
                  for (let iy = top!; iy < bottom!; iy++)
                    for (let ix = left!; ix < right!; ix++)
                      total += xs[((b * height + iy) * width + ix) * channels + c]!;
                  expected.push(total / ((bottom! - top!) * (right! - left!)));
                }
          await assertTensor(k.adaptiveAvgPool2d(x!, out), [batch, ...out, channels], expected);
          if (x!.size < 50) await checkGradients((t) => k.adaptiveAvgPool2d(t, out), [x!]);
        },
      ),
      { numRuns: 20 },
    );
  });
  it("refuses what does not fit", () => {
    assertRefused(() => k.adaptiveAvgPool2d(zeros([1, 2, 2, 1]), 0), ShapeError, /^adaptiveAvgPool2d: expected outputSize to be a positive integer or a pair of them, got 0$/); // prettier-ignore
    assertRefused(() => k.adaptiveAvgPool2d(zeros([2, 2]), 1), ShapeError, /^adaptiveAvgPool2d: expected x of rank 4/); // prettier-ignore
    assertRefused(() => k.adaptiveAvgPool2d(zeros([1, 0, 2, 1]), 1), ShapeError, /^adaptiveAvgPool2d: expected images of at least 1 x 1, got x \[1, 0, 2, 1\]$/); // prettier-ignore
  });
});
