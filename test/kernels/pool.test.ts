import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
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
    assertRefused(() => k.avgPool2d(x, { kernel: 3 }), ShapeError, /^avgPool2d: expected a kernel no larger than the padded input/); // prettier-ignore
    assertRefused(() => k.avgPool2d(x, { kernel: 1, stride: 0 }), ShapeError, /^avgPool2d: expected stride to be a positive integer/); // prettier-ignore
    assertRefused(
      () => k.avgPool2d(zeros([2, 2]), { kernel: 1 }),
      ShapeError,
      /^avgPool2d: expected x of rank 4/,
    );
    assertRefused(() => k.avgPool2d(tensor(Int32Array.of(1), [1, 1, 1, 1]), { kernel: 1 }), DTypeError, /^avgPool2d: expected f32 for x, got i32/); // prettier-ignore
  });
});

it("globalAvgPool: the average over all pixels", async () => {
  await assertTensor(k.globalAvgPool(tensor([1, 10, 2, 20, 3, 30, 6, 60], [1, 2, 2, 2])), [1, 2], [3, 30]);
});
