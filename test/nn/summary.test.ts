import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { currentBackend, init, setBackend } from "../../engine/backend.ts";
import { ShapeBackend } from "../../engine/backends/shapes/backend.ts";
import { ones, randn, zeros } from "../../engine/create.ts";
import { BackendError, ShapeError } from "../../engine/errors.ts";
import { Random } from "../../engine/random.ts";
import { scope } from "../../engine/scope.ts";
import type { Shape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { add, convTranspose2d, matmul } from "../../kernels/index.ts";
import { Relu } from "../../nn/activation.ts";
import { BatchNorm2d } from "../../nn/batchnorm.ts";
import { Conv2d } from "../../nn/conv2d.ts";
import { fromOp } from "../../nn/from-op.ts";
import { Linear } from "../../nn/linear.ts";
import { Module } from "../../nn/module.ts";
import { GlobalAvgPool } from "../../nn/pool.ts";
import * as variants from "../../nn/resnet/variants.ts";
import { Sequential } from "../../nn/sequential.ts";
import { formatSummary } from "../../nn/summary-table.ts";
import { summary } from "../../nn/summary.ts";

const random = new Random(0);

const small = () =>
  new Sequential(
    new Conv2d(3, 8, 3, { random, stride: 2, padding: 1 }),
    new BatchNorm2d(8),
    new Relu(),
    new GlobalAvgPool(),
    new Linear(8, 5, { random }),
  );

before(() => init({ backend: "reference" }));

describe("summary", () => {
  // torchvision's table of models: parameters, and "GFLOPS" (which are multiply-adds) on an image of 224 x 224
  const published = {
    resnet18: [11_689_512, 1.814],
    resnet34: [21_797_672, 3.664],
    resnet50: [25_557_032, 4.089],
    resnet101: [44_549_160, 7.801],
    resnet152: [60_192_808, 11.514],
  } as const;
  for (const [name, [parameters, multiplyAdds]] of Object.entries(published)) {
    it(`agrees with torchvision on ${name}`, () => {
      const make = variants[name as keyof typeof published];
      const found = summary(() => make({ random, numClasses: 1000 }), [1, 224, 224, 3]);
      assert.equal(found.parameters, parameters);
      assert.equal((found.flops / 2e9).toFixed(3), multiplyAdds.toFixed(3));
    });
  }

  it("draws nothing, and leaves the current backend as it was", () => {
    const { state } = random;
    const [backend, before] = [currentBackend(), currentBackend().stats()];
    summary(small, [2, 8, 8, 3]);
    assert.deepEqual(random.state, state);
    assert.equal(currentBackend(), backend);
    assert.deepEqual(backend.stats(), before);
    assert.throws(() => summary(small, [2, 8, 8, 4]), ShapeError);
    assert.equal(currentBackend(), backend);
  });

  it("tells each module's own cost, by hand", () => {
    const { rows, ...totals } = summary(small, [2, 9, 8, 3]);
    // Of 2 x 5 x 4 pixels with 8 channels the tape keeps the convolution's result (for gamma's gradient) and the
    // normalisation's (for ReLU's), in 4 bytes each; of the pool, the 2 x 8 means that the weight's gradient needs.
    const map = 2 * 5 * 4 * 8;
    const statistics = 4 * 2 * 8;
    const expected = [
      ["", "Sequential", [2, 5], 0, 0, 0],
      ["0", "Conv2d", [2, 5, 4, 8], 3 * 3 * 3 * 8, 2 * map * 27, 4 * map],
      ["1", "BatchNorm2d", [2, 5, 4, 8], 16, 0, 4 * map + statistics],
      ["2", "Relu", [2, 5, 4, 8], 0, 0, 0],
      ["3", "GlobalAvgPool", [2, 8], 0, 0, 4 * 16],
      ["4", "Linear", [2, 5], 45, 2 * 2 * 8 * 5, 4 * 10],
    ];
    assert.deepEqual(
      rows.map(({ name, kind, outputShape, parameters, flops, activationBytes }) => {
        return [name, kind, outputShape, parameters, flops, activationBytes];
      }),
      expected,
    );
    assert.deepEqual(totals, {
      inputShape: [2, 9, 8, 3],
      parameters: 216 + 16 + 45,
      flops: 2 * map * 27 + 160,
      activationBytes: 8 * map + statistics + 64 + 40,
    });
  });

  it("counts the memory that a forward pass really leaves", () => {
    const build = () => variants.resnet8({ random, width: 2, inChannels: 1, numClasses: 3 });
    const { activationBytes } = summary(build, [2, 6, 5, 1]);
    const [net, x] = [build(), randn([2, 6, 5, 1], random)];
    const before = currentBackend().stats().liveBytes;
    const output = scope(() => net.forward(x));
    // The reference backend holds 8 bytes for each element.
    assert.equal(currentBackend().stats().liveBytes - before, 2 * activationBytes);
    [output, net, x].forEach((owner) => { owner.dispose(); }); // prettier-ignore
  });

  it("counts a shared parameter once, every call, and no module that is not called", () => {
    class Tied extends Module {
      readonly first = new Linear(4, 4, { random, bias: false });
      readonly again = new Sequential(this.first);
      readonly unused = new Linear(4, 2, { random, bias: false });
      override forward(x: Tensor): Tensor {
        return this.again.forward(this.first.forward(x));
      }
    }
    const { rows, parameters, flops } = summary(() => new Tied(), [3, 4]);
    assert.equal(parameters, 16 + 8);
    assert.equal(flops, 2 * (2 * 3 * 4 * 4));
    assert.deepEqual(rows.find(({ name }) => name === "unused")?.outputShape, null);
  });

  it("counts the operations of groups, transposed convolutions and batches of matrices", () => {
    const flops = (forward: (x: Tensor) => Tensor, inputShape: Shape) => {
      class Op extends fromOp(forward) {}
      return summary(() => new Op(), inputShape).flops;
    };
    const grouped = () => new Conv2d(6, 4, 3, { random, groups: 2, padding: 1 });
    assert.equal(summary(grouped, [2, 5, 7, 6]).flops, 2 * (2 * 5 * 7 * 4) * 9 * 3);
    // Each of the 5 x 7 pixels goes to 2 x 2 ones.
    const upsample = (x: Tensor) => convTranspose2d(x, ones([2, 2, 4, 6]), { stride: 2 });
    assert.equal(flops(upsample, [3, 5, 7, 6]), 2 * (3 * 5 * 7) * 4 * (6 * 4));
    assert.equal(
      flops((x) => matmul(x, ones([3, 4, 5])), [3, 2, 4]),
      2 * 3 * (2 * 4 * 5),
    );
  });

  it("refuses a model that was made before", () => {
    const model = small();
    assert.throws(() => summary(() => model, [2, 8, 8, 3]), BackendError);
    assert.equal(Object.hasOwn(model, "forward"), false);
  });
});

describe("ShapeBackend", () => {
  it("tells what a program allocates and runs, and refuses to read", async () => {
    const seen: (string | number)[] = [];
    const shapes = new ShapeBackend({
      onAlloc: ({ length }) => seen.push(length),
      onRun: ({ name }) => seen.push(name),
    });
    const reference = setBackend(shapes);
    try {
      using sum = scope(() => add(zeros([2, 3]), zeros([3])));
      assert.deepEqual(seen, [6, 3, 6, "add"]);
      assert.deepEqual(shapes.stats(), { liveBytes: 24, peakBytes: 60, liveBuffers: 1, kernelsRun: 1 });
      await assert.rejects(sum.data(), BackendError);
    } finally {
      setBackend(reference);
    }
    assert.equal(shapes.stats().liveBuffers, 0);
  });
});

describe("formatSummary", () => {
  it("is a table", () => {
    const build = () =>
      new Sequential(new Conv2d(1, 64, 3, { random, padding: 1 }), new Sequential(new Relu()));
    assert.equal(
      formatSummary(summary(build, [16, 32, 32, 1])),
      [
        "layer    kind        output            parameters  MFLOPs  activations, MiB",
        "(input)              [16, 32, 32, 1]",
        "(model)  Sequential  [16, 32, 32, 64]           0     0.0              0.00",
        "0        Conv2d      [16, 32, 32, 64]         576    18.9              4.00",
        "1        Sequential  [16, 32, 32, 64]           0     0.0              0.00",
        "1.0      Relu        [16, 32, 32, 64]           0     0.0              4.00",
        "(total)                                       576    18.9              8.00",
      ].join("\n"),
    );
  });
});
