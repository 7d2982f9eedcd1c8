import assert from "node:assert/strict";
import { before, describe, it } from "node:test";
import { backward } from "../../engine/autograd.ts";
import { currentBackend, init } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import { elementwise } from "../../engine/elementwise.ts";
import { DTypeError, ValueError } from "../../engine/errors.ts";
import * as e from "../../engine/expr/expr.ts";
import { keep, scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { gather } from "../../kernels/index.ts";
import { Module, buffer, parameter } from "../../nn/module.ts";
import { Sequential } from "../../nn/sequential.ts";
import { StateDictError } from "../../nn/state.ts";

const mul = elementwise("mul", (a, b) => e.mul(a, b));

class Scale extends Module {
  readonly weight: Tensor;
  readonly calls = buffer([], [0]);
  readonly factor = 2;
  readonly absent = null;

  constructor(weight: number) {
    super();
    this.weight = parameter([2], [weight, -weight]);
  }

  override forward(x: Tensor): Tensor {
    return mul(x, this.weight);
  }
}

class Tree extends Module {
  readonly first = new Scale(1);
  readonly bias = parameter([1], [9]);
  readonly stage = new Sequential(new Scale(2), new Scale(3));
  readonly list = [new Scale(4)];
  readonly again = this.first;

  override forward(x: Tensor): Tensor {
    return mul(this.stage.forward(this.first.forward(x)), this.bias);
  }
}

/** A buffer of integers. */
class Picks extends Module {
  readonly index = keep(tensor(Int32Array.of(0, 1)));

  override forward(x: Tensor): Tensor {
    return gather(x, this.index, 0);
  }
}

const values = async (tensor: Tensor) => Array.from(await tensor.data());

before(() => init({ backend: "reference" }));

describe("Module", () => {
  it("names modules, parameters and buffers by their path, each once", () => {
    const tree = new Tree();
    assert.deepEqual([...tree.namedModules().keys()], ["", "first", "stage", "stage.0", "stage.1", "list.0"]);
    assert.deepEqual(
      [...tree.namedParameters().keys()],
      ["bias", "first.weight", "stage.0.weight", "stage.1.weight", "list.0.weight"],
    );
    assert.deepEqual(
      [...tree.namedBuffers().keys()],
      ["first.calls", "stage.0.calls", "stage.1.calls", "list.0.calls"],
    );
    assert.deepEqual(tree.parameters(), [...tree.namedParameters().values()]);
    assert.equal(tree.namedParameters().get("stage.1.weight"), tree.stage.parameters()[1]);
  });

  it("switches itself and everything below between training and evaluation", () => {
    const tree = new Tree();
    const modes = () => [...tree.namedModules().values()].map((module) => module.training);
    assert.deepEqual(new Set(modes()), new Set([true]));
    assert.equal(tree.eval(), tree);
    assert.deepEqual(new Set(modes()), new Set([false]));
    tree.stage.train();
    assert.deepEqual(modes(), [false, false, true, true, true, false]);
  });

  it("composes in order in a Sequential", async () => {
    const y = new Sequential(new Scale(2), new Scale(3)).forward(parameter([2], [1, 1]));
    assert.deepEqual(await values(y), [6, 6]);
  });

  it("outlives the scope in which it was made", async () => {
    const scale = scope(() => new Scale(5));
    assert.deepEqual(await values(scale.weight), [5, -5]);
  });

  it("gives back all memory, gradients included, when disposed", () => {
    const before = currentBackend().stats();
    {
      using tree = new Tree();
      scope(() => {
        const x = tensor([1, 1]);
        backward(tree.forward(x), { gradient: x });
      });
      // Five parameters and four buffers, and the gradients of the four parameters that forward uses.
      assert.equal(currentBackend().stats().liveBuffers, before.liveBuffers + 9 + 4);
    }
    assert.equal(currentBackend().stats().liveBuffers, before.liveBuffers);
    assert.equal(currentBackend().stats().liveBytes, before.liveBytes);
  });
});

describe("stateDict", () => {
  it("is a snapshot that loads into another module of the same structure", async () => {
    const [source, target] = [new Tree(), new Tree()];
    source.loadStateDict(
      new Map(
        [...(await source.stateDict())].map(([name, { shape, data }]) => [
          name,
          { shape, data: data.map((value, i) => value + 10 + i) },
        ]),
      ),
    );
    const state = await source.stateDict();
    assert.deepEqual(state.get("first.weight"), { shape: [2], data: Float64Array.of(11, 10) });
    assert.deepEqual(state.get("list.0.calls"), { shape: [], data: Float64Array.of(10) });
    target.loadStateDict(state);
    assert.deepEqual(await target.stateDict(), state);

    source.first.loadStateDict(await new Scale(0).stateDict());
    assert.deepEqual(state.get("first.weight")?.data, Float64Array.of(11, 10));
    assert.deepEqual(await values(target.first.weight), [11, 10]);
  });

  it("refuses with all faults, and changes nothing", async () => {
    const tree = new Tree();
    const before = await tree.stateDict();
    const wrong = new Map<string, { shape: number[]; data: number[] }>(
      [...before].map(([name, { shape, data }]) => [
        name,
        { shape: [...shape], data: Array.from(data, () => 7) },
      ]),
    );
    wrong.delete("stage.0.weight");
    wrong.delete("bias");
    wrong.set("stage.2.weight", { shape: [2], data: [0, 0] });
    wrong.set("stage.1.weight", { shape: [2, 1], data: [0, 0] });
    wrong.set("first.weight", { shape: [2], data: [0, 0, 0] });
    assert.throws(
      () => { tree.loadStateDict(wrong); },
      (error: unknown) => {
        assert.ok(error instanceof StateDictError);
        assert.deepEqual(error.missing, ["bias", "stage.0.weight"]);
        assert.deepEqual(error.unexpected, ["stage.2.weight"]);
        assert.deepEqual(error.misshapen, ["first.weight", "stage.1.weight"]);
        assert.match(error.message, /^loadStateDict: expected .*missing bias, stage\.0\.weight; unexpected stage\.2/);
        assert.match(error.message, /stage\.1\.weight \(\[2\], got \[2, 1\] with 2 elements\)/);
        assert.doesNotMatch(error.message, /\n/);
        return true;
      },
    ); // prettier-ignore
    assert.deepEqual(await tree.stateDict(), before);
  });

  it("brings the range of integers with it, and refuses fractions", () => {
    const [picks, x] = [new Picks(), tensor([10, 20])];
    const load = (...data: number[]): void => {
      picks.loadStateDict(new Map([["index", { shape: [2], data }]]));
    };
    load(1, 5);
    assert.throws(() => picks.forward(x), ValueError);
    load(1, 1);
    assert.deepEqual(picks.forward(x).shape, [2]);
    assert.throws(() => { load(1, 0.5); }, (error) => error instanceof DTypeError && error.message.startsWith("loadStateDict: index: ")); // prettier-ignore
  });

  it("keeps the message short however many names are wrong", () => {
    const names = Array.from({ length: 20 }, (_, i) => `extra${i}`);
    const state = new Map(names.map((name) => [name, { shape: [], data: [0] }]));
    assert.throws(
      () => { new Scale(1).loadStateDict(state); },
      (error: unknown) =>
        error instanceof StateDictError &&
        error.unexpected.length === 20 &&
        error.message.endsWith("extra0, extra1, extra2, extra3, extra4 and 15 more"),
    ); // prettier-ignore
  });
});
