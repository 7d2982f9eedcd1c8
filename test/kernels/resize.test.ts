import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { tensor, zeros } from "../../engine/create.ts";
import { DTypeError, ShapeError, ValueError } from "../../engine/errors.ts";
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

/**
 * An image as a function of real coordinates in pixels, whose centres lie at 1/2, 3/2, ...: linear between centres,
 * constant beyond the outermost.
 */
function sample(row: readonly number[], at: number): number {
  const place = Math.min(Math.max(at - 0.5, 0), row.length - 1);
  const [low, high] = [Math.floor(place), Math.ceil(place)];
  return row[low]! + (place - low) * (row[high]! - row[low]!);
}

describe("resize", () => {
  it("bilinear: the documented values of PyTorch's Upsample for 2 x 2 to 4 x 4", async () => {
    const x = tensor([1, 2, 3, 4], [1, 2, 2, 1]);
    const expected = [
      [1, 1.25, 1.75, 2],
      [1.5, 1.75, 2.25, 2.5],
      [2.5, 2.75, 3.25, 3.5],
      [3, 3.25, 3.75, 4],
    ];
    await assertTensor(k.resize(x, 4), [1, 4, 4, 1], expected.flat());
  });
  it("nearest: every pixel becomes a block, or every other pixel is left out", async () => {
    const x = tensor([1, 2, 3, 4], [1, 2, 2, 1]);
    await assertTensor(k.resize(x, 4, { mode: "nearest" }), [1, 4, 4, 1], [1, 1, 2, 2, 1, 1, 2, 2, 3, 3, 4, 4, 3, 3, 4, 4]); // prettier-ignore
    await assertTensor(k.resize(tensor([1, 2, 3, 4, 5], [1, 1, 5, 1]), [1, 3], { mode: "nearest" }), [1, 1, 3, 1], [1, 2, 4]); // prettier-ignore
  });
  it("by hand: two channels, one axis halved: centres 1 and 3 of 4 pixels lie between two of them", async () => {
    const x = tensor([1, 10, 3, 30, 5, 50, 9, 90], [1, 1, 4, 2]);
    await assertTensor(k.resize(x, [1, 2]), [1, 1, 2, 2], [2, 20, 7, 70]);
  });
  it("samples an image at the centres of its new pixels, with its gradients", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.tuple(size(2), size(5), size(5), size(2)),
        fc.tuple(size(9), size(9)),
        fc.constantFrom("bilinear" as const, "nearest" as const),
        seeds,
        async (shape, out, mode, seed) => {
          const [batch, height, width, channels] = shape;
          const [x] = distinct(seed, shape);
          const xs = await values(x!);
          const expected = [];
          for (let b = 0; b < batch; b++)
            for (let oy = 0; oy < out[0]; oy++)
              for (let ox = 0; ox < out[1]; ox++)
                for (let c = 0; c < channels; c++) {
                  const element = (iy: number, ix: number) => xs[((b * height + iy) * width + ix) * channels + c]!; // prettier-ignore
                  if (mode === "nearest") {
                    expected.push(
                      element(Math.floor((oy * height) / out[0]), Math.floor((ox * width) / out[1])),
                    );
                    continue;
                  }
                  const column = Array.from({ length: height }, (_, iy) => {
                    const row = Array.from({ length: width }, (_, ix) => element(iy, ix));
                    return sample(row, ((ox + 0.5) * width) / out[1]);
                  });
                  expected.push(sample(column, ((oy + 0.5) * height) / out[0]));
                }
          await assertTensor(k.resize(x!, out, { mode }), [batch, ...out, channels], expected);
          if (x!.size < 50) await checkGradients((t) => k.resize(t, out, { mode }), [x!]);
        },
      ),
      { numRuns: 30 },
    );
  });
  it("to the same size copies", async () => {
    const [x] = distinct(1, [2, 3, 4, 2]);
    await assertTensor(k.resize(x!, [3, 4]), x!.shape, await values(x!));
  });
  it("refuses what does not fit", () => {
    assertRefused(() => k.resize(zeros([1, 2, 2, 1]), [2, 0]), ShapeError, /^resize: expected size to be a positive integer or a pair of them, got \[2, 0\]$/); // prettier-ignore
    assertRefused(() => k.resize(zeros([2, 2]), 1), ShapeError, /^resize: expected x of rank 4/);
    assertRefused(() => k.resize(zeros([1, 2, 0, 1]), 1), ShapeError, /^resize: expected images of at least 1 x 1, got x \[1, 2, 0, 1\]$/); // prettier-ignore
    assertRefused(() => k.resize(tensor(Int32Array.of(1), [1, 1, 1, 1]), 1), DTypeError, /^resize: expected f32 for x, got i32/); // prettier-ignore
    // @ts-expect-error: no such mode
    assertRefused(() => k.resize(zeros([1, 2, 2, 1]), 1, { mode: "cubic" }), ValueError, /^resize: expected mode "bilinear" or "nearest", got "cubic"$/); // prettier-ignore
  });
});
