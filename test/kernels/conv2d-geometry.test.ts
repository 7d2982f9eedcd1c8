import assert from "node:assert/strict";
import { describe, it } from "node:test";
import { ShapeError } from "../../engine/errors.ts";
import { conv2dGeometry } from "../../kernels/conv2d/geometry.ts";
import type { ConvOptions } from "../../kernels/conv2d/geometry.ts";

describe("conv2d geometry", () => {
  const place = (x: number[], w: number[], options?: ConvOptions): number[] => {
    const g = conv2dGeometry("conv2d", x, w, options);
    return [g.outHeight, g.outWidth, g.padTop, g.padLeft];
  };

  it("places windows without padding, with padding, with strides, and for outputs of the same size", () => {
    assert.deepEqual(place([1, 5, 7, 2], [3, 3, 2, 4]), [3, 5, 0, 0]);
    assert.deepEqual(place([1, 5, 7, 2], [3, 3, 2, 4], { padding: 1 }), [5, 7, 1, 1]);
    assert.deepEqual(place([1, 32, 32, 3], [3, 3, 3, 8], { padding: 1, stride: 2 }), [16, 16, 1, 1]);
    assert.deepEqual(place([1, 224, 224, 3], [7, 7, 3, 64], { padding: 3, stride: 2 }), [112, 112, 3, 3]);
    assert.deepEqual(place([1, 5, 7, 2], [3, 1, 2, 4], { padding: [1, 0], stride: [1, 3] }), [5, 3, 1, 0]);
    assert.deepEqual(place([1, 5, 4, 1], [3, 3, 1, 1], { padding: "same", stride: 2 }), [3, 2, 1, 0]);
    assert.deepEqual(place([1, 6, 6, 1], [2, 5, 1, 1], { padding: "same" }), [6, 6, 0, 2]);
    assert.deepEqual(place([1, 6, 6, 1], [1, 1, 1, 1], { padding: "same", stride: 3 }), [2, 2, 0, 0]);
    assert.deepEqual(place([1, 7, 7, 1], [3, 3, 1, 1], { dilation: [2, 3] }), [3, 1, 0, 0]);
    assert.deepEqual(place([1, 7, 7, 1], [3, 2, 1, 1], { dilation: 3, padding: "same" }), [7, 7, 3, 1]);
  });

  it("refuses what does not fit, in one line", () => {
    const refuse = (x: number[], w: number[], options: ConvOptions, message: string): void => {
      assert.throws(() => conv2dGeometry("conv2d", x, w, options), new ShapeError(message));
    };
    refuse(
      [5, 5, 3],
      [3, 3, 3, 8],
      {},
      "conv2d: expected x of rank 4, [batch, height, width, channels], got [5, 5, 3]",
    );
    refuse([1, 5, 5, 3], [3, 3, 3, 8, 1], {}, "conv2d: expected w of rank 4, [kernelHeight, kernelWidth, inChannels, outChannels], got [3, 3, 3, 8, 1]"); // prettier-ignore
    refuse([1, 5, 5, 3], [3, 3, 8, 3], {}, "conv2d: expected the channels of x (last axis) / groups as input channels of w (third axis), 3, got 8 from x [1, 5, 5, 3] and w [3, 3, 8, 3]"); // prettier-ignore
    refuse([1, 5, 5, 6], [3, 3, 6, 4], { groups: 2 }, "conv2d: expected the channels of x (last axis) / groups as input channels of w (third axis), 3, got 6 from x [1, 5, 5, 6] and w [3, 3, 6, 4]"); // prettier-ignore
    refuse([1, 5, 5, 4], [3, 3, 1, 4], { groups: 3 }, "conv2d: expected groups to divide the channels of x, got 3 groups of 4 channels from x [1, 5, 5, 4] and w [3, 3, 1, 4]"); // prettier-ignore
    refuse([1, 5, 5, 4], [3, 3, 1, 5], { groups: 4 }, "conv2d: expected groups to divide the channels of w's output, got 4 groups of 5 channels from x [1, 5, 5, 4] and w [3, 3, 1, 5]"); // prettier-ignore
    refuse([1, 5, 5, 4], [3, 3, 4, 4], { groups: 0 }, "conv2d: expected groups to be a positive integer, got 0"); // prettier-ignore
    refuse([1, 5, 5, 3], [3, 3, 3, 8], { dilation: [0, 1] }, "conv2d: expected dilation to be a positive integer or a pair of them, got [0, 1]"); // prettier-ignore
    refuse([1, 5, 5, 3], [3, 3, 3, 8], { dilation: [1, 3] }, "conv2d: expected a kernel no larger than the padded input, got 3 x 7 over 5 x 5 from x [1, 5, 5, 3] and w [3, 3, 3, 8]; a larger padding makes room"); // prettier-ignore
    refuse([1, 5, 5, 3], [0, 3, 3, 8], {}, "conv2d: expected a kernel of at least 1 x 1, got w [0, 3, 3, 8]");
    refuse([1, 2, 5, 3], [5, 3, 3, 8], { padding: 1 }, 'conv2d: expected a kernel no larger than the padded input, got 5 x 3 over 4 x 7 from x [1, 2, 5, 3] and w [5, 3, 3, 8]; a larger padding makes room'); // prettier-ignore
    refuse([1, 5, 5, 3], [3, 3, 3, 8], { stride: 0 }, "conv2d: expected stride to be a positive integer or a pair of them, got 0"); // prettier-ignore
    refuse([1, 5, 5, 3], [3, 3, 3, 8], { stride: [2, 1.5] }, "conv2d: expected stride to be a positive integer or a pair of them, got [2, 1.5]"); // prettier-ignore
    refuse([1, 5, 5, 3], [3, 3, 3, 8], { padding: -1 }, "conv2d: expected padding to be a non-negative integer or a pair of them, got -1"); // prettier-ignore
  });
});
