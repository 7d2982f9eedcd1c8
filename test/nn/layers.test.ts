import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { noGrad } from "../../engine/autograd.ts";
import { init } from "../../engine/backend.ts";
import { randn, tensor } from "../../engine/create.ts";
import { ShapeError, ValueError } from "../../engine/errors.ts";
import { gradCheck } from "../../engine/gradcheck.ts";
import { Random } from "../../engine/random.ts";
import { BatchNorm2d } from "../../nn/batchnorm.ts";
import { Conv2d } from "../../nn/conv2d.ts";
import { normal } from "../../nn/init.ts";
import { GroupNorm } from "../../nn/group-norm.ts";
import { LayerNorm } from "../../nn/layer-norm.ts";
import { Linear } from "../../nn/linear.ts";
import type { Module } from "../../nn/module.ts";
import { near, read } from "./support.ts";

const shapes = (module: Module) => [...module.namedParameters()].map(([name, { shape }]) => [name, shape]);

const load = (module: Module, values: Record<string, number[]>) => {
  const tensors = new Map([...module.namedParameters(), ...module.namedBuffers()]);
  module.loadStateDict(
    new Map([...tensors].map(([name, { shape }]) => [name, { shape, data: values[name] ?? [] }])),
  );
};

before(() => init({ backend: "reference" }));

describe("Linear", () => {
  it("is x W + b, W stored [in, out]", async () => {
    const linear = new Linear(2, 3, { random: new Random(0) });
    assert.deepEqual(shapes(linear), [["weight", [2, 3]], ["bias", [3]]]); // prettier-ignore
    assert.deepEqual(await read(linear.bias!), [0, 0, 0]);
    load(linear, { weight: [1, 2, 3, 4, 5, 6], bias: [10, 20, 30] });
    assert.deepEqual(await read(linear.forward(tensor([[1, -1]]))), [7, 17, 27]);
  });

  it("takes its initial weight from `init` and `random`, and no bias if told so", async () => {
    const linear = new Linear(2, 3, { random: new Random(4), bias: false, init: normal(2) });
    assert.deepEqual(shapes(linear), [["weight", [2, 3]]]);
    assert.deepEqual(await read(linear.weight), Array.from(normal(2)([2, 3], new Random(4))));
    near(await read(linear.forward(tensor([[1, 0]]))), (await read(linear.weight)).slice(0, 3));
  });

  it("has gradients in input, weight and bias", async () => {
    const random = new Random(1);
    const linear = new Linear(3, 2, { random });
    await gradCheck(
      (x, weight, bias) => Object.assign(linear, { weight, bias }).forward(x),
      [randn([4, 3], random), randn([3, 2], random), randn([2], random)],
    );
  });

  it("refuses sizes that are no positive integers", () => {
    assert.throws(() => new Linear(0, 3, { random: new Random(0) }), ValueError);
    assert.throws(() => new Linear(3, 1.5, { random: new Random(0) }), ValueError);
  });
});

describe("Conv2d", () => {
  it("convolves with its stride and padding, weight stored [kh, kw, in, out]", async () => {
    const conv = new Conv2d(1, 2, 3, { random: new Random(0), stride: 2, padding: 1, bias: true });
    assert.deepEqual(shapes(conv), [["weight", [3, 3, 1, 2]], ["bias", [2]]]); // prettier-ignore
    // Channel 0 sums its window, channel 1 takes the centre; stride 2 centres the windows on pixels 1, 3, 7 and 9.
    const taps = Array.from({ length: 9 }, (_, tap) => [1, tap === 4 ? 1 : 0]);
    load(conv, { weight: taps.flat(), bias: [0, 0.5] });
    const y = conv.forward(tensor([1, 2, 3, 4, 5, 6, 7, 8, 9], [1, 3, 3, 1]));
    assert.deepEqual(y.shape, [1, 2, 2, 2]);
    assert.deepEqual(await read(y), [12, 1.5, 16, 3.5, 24, 7.5, 28, 9.5]);
  });

  it("has gradients in input, weight and bias", async () => {
    const random = new Random(1);
    const conv = new Conv2d(2, 3, 3, { random, stride: 2, padding: 1, bias: true });
    await gradCheck(
      (x, weight, bias) => Object.assign(conv, { weight, bias }).forward(x),
      [randn([2, 4, 3, 2], random), randn([3, 3, 2, 3], random), randn([3], random)],
    );
  });

  it("keeps groups of channels apart", async () => {
    const conv = new Conv2d(2, 2, 1, { random: new Random(0), groups: 2 });
    assert.deepEqual(shapes(conv), [["weight", [1, 1, 1, 2]]]);
    load(conv, { weight: [10, 100] });
    assert.deepEqual(await read(conv.forward(tensor([1, 2, 3, 4], [1, 1, 2, 2]))), [10, 200, 30, 400]);
  });

  it("has no bias by default", () => {
    assert.deepEqual(shapes(new Conv2d(2, 4, 1, { random: new Random(0) })), [["weight", [1, 1, 2, 4]]]);
  });

  it("refuses sizes that are no positive integers, and images of other channels", () => {
    const random = new Random(0);
    assert.throws(() => new Conv2d(2, 4, 0, { random }), ValueError);
    assert.throws(() => new Conv2d(2, -4, 1, { random }), ValueError);
    assert.throws(() => new Conv2d(2, 3, 1, { random, groups: 2 }), ValueError);
    assert.throws(() => new Conv2d(2, 2, 1, { random, groups: 0 }), ValueError);
    assert.throws(() => new Conv2d(2, 4, 1, { random }).forward(randn([1, 4, 4, 3], random)), ShapeError);
  });
});

describe("BatchNorm2d", () => {
  // mean 3, squared distances 4 + 1 + 0 + 9 = 14: variance 3.5, and 14 / 3 as the estimate of the population's
  const first = () => tensor([1, 2, 3, 6], [2, 1, 2, 1]);
  // mean 10, squared distances 4 x 4 = 16: variance 4, and 16 / 3
  const second = () => tensor([8, 12, 8, 12], [2, 1, 2, 1]);

  it("has PyTorch's names and initial values", async () => {
    const state = await new BatchNorm2d(2).stateDict();
    assert.deepEqual(Object.fromEntries([...state].map(([name, { data }]) => [name, Array.from(data)])), {
      weight: [1, 1],
      bias: [0, 0],
      running_mean: [0, 0],
      running_var: [1, 1],
    });
    assert.deepEqual([...new BatchNorm2d(1).namedParameters().keys()], ["weight", "bias"]);
    assert.deepEqual(await read(new BatchNorm2d(2, { gamma: 0 }).weight), [0, 0]);
  });

  it("normalises with the batch in training, and its running statistics follow", async () => {
    const norm = new BatchNorm2d(1, { momentum: 0.25, epsilon: 0.5 });
    const { running_mean, running_var } = norm;
    load(norm, { weight: [4], bias: [1], running_mean: [0], running_var: [1] });
    near(
      await read(norm.forward(first())),
      [-2, -1, 0, 3].map((d) => 1 + (4 * d) / Math.sqrt(3.5 + 0.5)),
    );
    near(await read(running_mean), [0.75]);
    near(await read(running_var), [0.75 + (0.25 * 14) / 3]);
    noGrad(() => norm.forward(second()));
    near(await read(running_mean), [0.75 * 0.75 + 2.5]);
    near(await read(running_var), [0.75 * (0.75 + (0.25 * 14) / 3) + (0.25 * 16) / 3]);
  });

  it("uses momentum 0.1 and epsilon 1e-5 by default", async () => {
    const norm = new BatchNorm2d(1);
    near(
      await read(norm.forward(first())),
      [-2, -1, 0, 3].map((d) => d / Math.sqrt(3.5 + 1e-5)),
    );
    near(await read(norm.running_mean), [0.3]);
    near(await read(norm.running_var), [0.9 + 1.4 / 3]);
  });

  it("normalises with the running statistics in evaluation, and leaves them alone", async () => {
    const norm = new BatchNorm2d(1, { epsilon: 1 }).eval();
    load(norm, { weight: [6], bias: [-1], running_mean: [2], running_var: [8] });
    near(await read(norm.forward(first())), [-3, -1, 1, 7]);
    assert.deepEqual(await read(norm.forward(tensor([5], [1, 1, 1, 1]))), [5]);
    assert.deepEqual([await read(norm.running_mean), await read(norm.running_var)], [[2], [8]]);
  });

  it("keeps channels apart", async () => {
    const norm = new BatchNorm2d(2, { momentum: 1 });
    norm.forward(tensor([1, 8, 2, 12, 3, 8, 6, 12], [2, 1, 2, 2]));
    near(await read(norm.running_mean), [3, 10]);
    near(await read(norm.running_var), [14 / 3, 16 / 3]);
  });

  it("has gradients through the batch's statistics", async () => {
    const random = new Random(2);
    const norm = new BatchNorm2d(2);
    await gradCheck(
      (x, weight, bias) => Object.assign(norm, { weight, bias }).forward(x),
      [randn([2, 2, 3, 2], random), randn([2], random), randn([2], random)],
    );
  });

  it("refuses one value per channel in training, and options out of their range", () => {
    assert.throws(() => new BatchNorm2d(3).forward(tensor([1, 2, 3], [1, 1, 1, 3])), ShapeError);
    assert.throws(() => new BatchNorm2d(3).forward(tensor([1, 2], [1, 1, 2, 1])), ShapeError);
    assert.throws(() => new BatchNorm2d(0), ValueError);
    assert.throws(() => new BatchNorm2d(3, { momentum: 0 }), ValueError);
    assert.throws(() => new BatchNorm2d(3, { epsilon: -1 }), ValueError);
  });
});

describe("LayerNorm", () => {
  it("normalises each sample over the last axes", async () => {
    const norm = new LayerNorm(4, { epsilon: 0.5 });
    assert.deepEqual(shapes(norm), [["weight", [4]], ["bias", [4]]]); // prettier-ignore
    // mean 3, variance 3.5 (see above), and mean 10, variance 4
    const rows = tensor([[1, 2, 3, 6], [8, 12, 8, 12]]); // prettier-ignore
    const deviations = [-1, -0.5, 0, 1.5, ...[-2, 2, -2, 2].map((d) => d / Math.sqrt(4.5))];
    near(await read(norm.forward(rows)), deviations);
    load(norm, { weight: [1, 2, 3, 4], bias: [5, 6, 7, 8] });
    near(
      await read(norm.forward(rows)),
      deviations.map((d, i) => d * ((i % 4) + 1) + (i % 4) + 5),
    );
  });

  it("takes several axes", async () => {
    const norm = new LayerNorm([2, 2], { epsilon: 0.5 });
    assert.deepEqual(shapes(norm), [["weight", [2, 2]], ["bias", [2, 2]]]); // prettier-ignore
    near(await read(norm.forward(tensor([1, 2, 3, 6], [1, 2, 2]))), [-1, -0.5, 0, 1.5]);
  });

  it("has gradients", async () => {
    const random = new Random(3);
    const norm = new LayerNorm(3);
    await gradCheck(
      (x, weight, bias) => Object.assign(norm, { weight, bias }).forward(x),
      [randn([4, 3], random), randn([3], random), randn([3], random)],
    );
  });

  it("refuses options out of their range", () => {
    for (const shape of [0, [2, 0], 1.5]) assert.throws(() => new LayerNorm(shape), ValueError);
    assert.throws(() => new LayerNorm(3, { epsilon: -1 }), ValueError);
  });
});

describe("GroupNorm", () => {
  it("normalises groups of channels of each sample", async () => {
    const norm = new GroupNorm(2, 4, { epsilon: 0.5 });
    assert.deepEqual(shapes(norm), [["weight", [4]], ["bias", [4]]]); // prettier-ignore
    // Two pixels: group 0 has 1, 2, 3, 6, group 1 has 8, 12, 8, 12.
    const x = tensor([1, 2, 8, 12, 3, 6, 8, 12], [1, 1, 2, 4]);
    const far = 2 / Math.sqrt(4.5);
    near(await read(norm.forward(x)), [-1, -0.5, -far, far, 0, 1.5, -far, far]);
    load(norm, { weight: [2, 3, 0, 0], bias: [0, 1, 5, 6] });
    near(await read(norm.eval().forward(x)), [-2, -0.5, 5, 6, 0, 5.5, 5, 6]);
  });

  it("has gradients", async () => {
    const random = new Random(3);
    const norm = new GroupNorm(2, 4);
    await gradCheck(
      (x, weight, bias) => Object.assign(norm, { weight, bias }).forward(x),
      [randn([2, 1, 3, 4], random), randn([4], random), randn([4], random)],
    );
  });

  it("refuses options out of their range", () => {
    for (const groups of [0, 3, 1.5]) assert.throws(() => new GroupNorm(groups, 4), ValueError);
    assert.throws(() => new GroupNorm(2, 4, { epsilon: -1 }), ValueError);
  });
});
