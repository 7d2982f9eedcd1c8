import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { tensor } from "../../engine/create.ts";
import * as k from "../../kernels/index.ts";
import { assertTensor, distinct, seeds, useReference, values } from "./helpers.ts";

beforeEach(useReference);

// 1 2 3
// 4 5 6
const image = () => tensor([1, 2, 3, 4, 5, 6], [1, 2, 3, 1]);

describe("unfold", () => {
  it("by hand: overlapping patches", async () => {
    await assertTensor(k.unfold(image(), { kernel: 2 }), [1, 1, 2, 4], [1, 2, 4, 5, 2, 3, 5, 6]);
  });
  it("by hand: stride, dilation and zeros around the image", async () => {
    const options = { kernel: [1, 2], stride: [1, 3], padding: [0, 1], dilation: [1, 2] } as const;
    await assertTensor(k.unfold(image(), options), [1, 2, 1, 2], [0, 2, 0, 5]);
  });
  it("by hand: channels are innermost", async () => {
    const x = tensor([1, 10, 2, 20, 3, 30], [1, 1, 3, 2]);
    await assertTensor(k.unfold(x, { kernel: [1, 2] }), [1, 1, 2, 4], [1, 10, 2, 20, 2, 20, 3, 30]);
  });
  it("makes a convolution of a matrix product", async () => {
    await fc.assert(
      fc.asyncProperty(fc.nat(2), fc.integer({ min: 1, max: 2 }), seeds, async (padding, stride, seed) => {
        const [x, w] = distinct(seed, [2, 4, 5, 3], [3, 2, 3, 4]);
        const y = k.matmul(k.unfold(x!, { kernel: [3, 2], padding, stride }), k.reshape(w!, [18, 4]));
        await assertTensor(y, y.shape, await values(k.conv2d(x!, w!, { padding, stride })));
      }),
      { numRuns: 20 },
    );
  });
});

describe("fold", () => {
  it("by hand: what overlaps is added", async () => {
    const y = tensor([1, 2, 3, 4, 10, 20, 30, 40], [1, 1, 2, 4]);
    await assertTensor(
      k.fold(y, { kernel: 2, inputShape: [1, 2, 3, 1] }),
      [1, 2, 3, 1],
      [1, 12, 20, 3, 34, 40],
    );
  });
  it("is undone by unfold where patches do not overlap", async () => {
    const options = { kernel: 2, stride: 2 };
    const [x] = distinct(1, [2, 4, 6, 3]);
    await assertTensor(k.fold(k.unfold(x!, options), { ...options, inputShape: x!.shape }), x!.shape, await values(x!)); // prettier-ignore
  });
});
