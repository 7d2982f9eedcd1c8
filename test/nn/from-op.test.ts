import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { init } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import { mul } from "../../kernels/index.ts";
import { Elu, Gelu, LeakyRelu, Relu, Sigmoid, Silu, Softplus, Tanh } from "../../nn/activation.ts";
import { Flatten } from "../../nn/flatten.ts";
import { fromOp } from "../../nn/from-op.ts";
import { Identity } from "../../nn/identity.ts";
import type { Module } from "../../nn/module.ts";
import { AdaptiveAvgPool2d, AvgPool2d, GlobalAvgPool, MaxPool2d } from "../../nn/pool.ts";
import { Residual } from "../../nn/residual.ts";
import { Sequential } from "../../nn/sequential.ts";
import { near, read } from "./support.ts";

const image = () => tensor([1, 2, 3, 4, 5, 6, 7, 8], [1, 2, 4, 1]);

before(() => init({ backend: "reference" }));

describe("fromOp", () => {
  class Scale extends fromOp((x, factor: number) => mul(x, factor)) {}

  it("makes a module that applies an op with the arguments of its constructor", async () => {
    const scale = new Scale(3);
    assert.deepEqual(await read(scale.forward(tensor([1, 2]))), [3, 6]);
    assert.deepEqual(scale.args, [3]);
    assert.equal(scale.constructor.name, "Scale");
    assert.equal(scale.parameters().length, 0);
  });

  it("works in a Sequential", async () => {
    assert.deepEqual(await read(new Sequential(new Scale(-1), new Relu()).forward(tensor([-2, 2]))), [2, 0]);
  });
});

describe("Residual", () => {
  class Double extends fromOp((x) => mul(x, 2)) {}

  it("adds the shortcut, by default x itself", async () => {
    assert.deepEqual(await read(new Residual(new Double()).forward(tensor([1, 2]))), [3, 6]);
    assert.deepEqual(await read(new Residual(new Double(), new Double()).forward(tensor([1, 2]))), [4, 8]);
    assert.deepEqual([...new Residual(new Double()).namedModules().keys()], ["", "body", "shortcut"]);
  });
});

describe("modules of ops", () => {
  it("Identity is x", () => {
    const x = image();
    assert.equal(new Identity().forward(x), x);
  });

  it("Flatten keeps the first axis", async () => {
    const y = new Flatten().forward(tensor([1, 2, 3, 4, 5, 6, 7, 8], [2, 2, 1, 2]));
    assert.deepEqual(y.shape, [2, 4]);
    assert.deepEqual(await read(y), [1, 2, 3, 4, 5, 6, 7, 8]);
    assert.deepEqual(new Flatten().forward(tensor([], [0, 2, 3])).shape, [0, 6]);
  });

  it("pools take the ops' options", async () => {
    assert.deepEqual(await read(new AvgPool2d({ kernel: 2 }).forward(image())), [3.5, 5.5]);
    assert.deepEqual(
      await read(new AvgPool2d({ kernel: [1, 2], stride: [2, 2] }).forward(image())),
      [1.5, 3.5],
    );
    assert.deepEqual(await read(new MaxPool2d({ kernel: 2 }).forward(image())), [6, 8]);
    near(await read(new AdaptiveAvgPool2d([1, 2]).forward(image())), [3.5, 5.5]);
    assert.deepEqual(await read(new GlobalAvgPool().forward(image())), [4.5]);
  });

  it("activations are their ops, by hand at 0 and 1 or -1", async () => {
    const at = async (module: Module, x: number) => read(module.forward(tensor([0, x])));
    const sigmoid = 1 / (1 + Math.exp(-1));
    near(await at(new Relu(), -1), [0, 0]);
    near(await at(new LeakyRelu(), -1), [0, -0.01]);
    near(await at(new LeakyRelu(0.25), -1), [0, -0.25]);
    near(await at(new Elu(), -1), [0, 1 / Math.E - 1]);
    near(await at(new Elu(2), -1), [0, 2 / Math.E - 2]);
    near(await at(new Softplus(), 1), [Math.LN2, Math.log(1 + Math.E)]);
    near(await at(new Sigmoid(), 1), [0.5, sigmoid]);
    near(await at(new Tanh(), 1), [0, Math.tanh(1)]);
    near(await at(new Silu(), 1), [0, sigmoid]);
    // Below 1 lies 84.1344746...% of the standard normal distribution.
    const [zero, one] = await at(new Gelu(), 1);
    assert.equal(zero, 0);
    assert.equal(one?.toFixed(9), "0.841344746");
  });
});
