import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { backward, grad, leafOf, noGrad, stopGradient } from "../../engine/autograd.ts";
import { setBackend } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import { elementwise } from "../../engine/elementwise.ts";
import {
  BackendError,
  DisposedError,
  DTypeError,
  NotDifferentiableError,
  ShapeError,
  ValueError,
} from "../../engine/errors.ts";
import * as e from "../../engine/expr/expr.ts";
import { defineMultiOp, defineOp } from "../../engine/op.ts";
import { reduction } from "../../engine/reduction.ts";
import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { CheckedBackend } from "./checked-backend.ts";
import { actions, World } from "./world.ts";

const add = elementwise("add", (a, b) => e.add(a, b));
const mul = elementwise("mul", (a, b) => e.mul(a, b));
const exp = elementwise("exp", (x) => e.exp(x));
const step = elementwise("step", (x) => e.less(0, x));
const sum = reduction("sum", "sum", (x) => x);

let backend: CheckedBackend;
const liveBuffers = (): number => backend.stats().liveBuffers;
beforeEach(() => {
  backend = new CheckedBackend();
  setBackend(backend);
});

const leaf = (values: number | number[]): Tensor => tensor(values, undefined, { requiresGrad: true });
const elements = (t: Tensor | null): number[] => [...backend.peek(t!.buffer)];

/** Matches an error of the class whose message begins with the name. */
const refusal = (type: new (message: string) => Error, who: string) => (error: unknown) =>
  error instanceof type && error.message.startsWith(`${who}: `);

describe("random programs of tensors, ops, scopes and gradients of any order", () => {
  it("give the right numbers, use nothing after it is gone, and leave nothing behind", () => {
    fc.assert(
      fc.property(actions({ gradients: true }), (program) => {
        backend = new CheckedBackend();
        setBackend(backend);
        const world = new World(backend);
        world.run(program);
        world.end();
      }),
      { numRuns: 1000 },
    );
  });
});

describe("memory of the tape", () => {
  it("a forward pass that is never differentiated holds what backward would need, until its result goes", () => {
    const x = leaf([1, 2]);
    const before = liveBuffers();
    const y = scope(() => sum(mul(exp(x), exp(x))));
    assert(liveBuffers() > before + 1, "the exponentials are saved");
    y.dispose();
    assert.equal(liveBuffers(), before);
  });

  it("backward frees it as it goes", () => {
    const x = leaf([1, 2]);
    const y = scope(() => sum(mul(exp(x), exp(x))));
    backward(y);
    assert.equal(liveBuffers(), 3, "x, y and x.grad");
    y.dispose();
    x.dispose();
    assert.equal(liveBuffers(), 0);
  });

  it("noGrad saves nothing", () => {
    const x = leaf([1, 2]);
    const y = noGrad(() => scope(() => sum(mul(exp(x), exp(x)))));
    assert.equal(liveBuffers(), 2);
    assert(!y.requiresGrad);
  });

  it("a long chain is freed, and differentiated, without recursion", () => {
    const x = leaf(1);
    const y = scope(() => {
      let y = x;
      for (let i = 0; i < 5000; i++) y = add(y, 1);
      return y;
    });
    backward(y, { retainGraph: true });
    assert.deepEqual(elements(x.grad), [1]);
    y.dispose();
    x.dispose();
    assert.equal(liveBuffers(), 0);
  });

  it("an error on the way leaves no gradient behind", () => {
    const x = leaf(1);
    const y = scope(() => add(mul(x, 3), step(x)));
    const before = liveBuffers();
    assert.throws(() => { backward(y); }, refusal(NotDifferentiableError, "step")); // prettier-ignore
    assert(liveBuffers() <= before);
    assert.equal(x.grad, null);
  });

  it("an input that the output does not depend on leaves no gradient of the others behind", () => {
    const [x, z] = [leaf(1), leaf(2)];
    const y = scope(() => exp(x));
    const before = liveBuffers();
    assert.throws(() => grad(y, [x, z], { retainGraph: true }), refusal(NotDifferentiableError, "grad"));
    assert.equal(liveBuffers(), before);
  });

  it("a leaf lives, and keeps its gradient, as long as a handle on it", () => {
    const x = leaf(3);
    const other = x.alias();
    x.dispose();
    backward(scope(() => mul(other, other)));
    assert.deepEqual(elements(other.grad), [6]);
    other.dispose();
    assert.equal(other.grad, null);
  });

  it("a leaf that is gone receives no gradient", () => {
    const [x, z] = [leaf(1), leaf(2)];
    const y = scope(() => mul(x, z));
    x.dispose();
    backward(y);
    assert.equal(x.grad, null);
    assert.deepEqual(elements(z.grad), [1]);
    for (const t of [y, z]) t.dispose();
    assert.equal(liveBuffers(), 0);
  });
});

describe("backward", () => {
  it("accumulates into leaves until zeroGrad, and outlives scopes", () => {
    const x = leaf([1, 2, 3]);
    for (let i = 0; i < 2; i++) scope(() => { backward(sum(mul(x, x))); }); // prettier-ignore
    assert.deepEqual(elements(x.grad), [4, 8, 12]);
    x.zeroGrad();
    assert.equal(x.grad, null);
    assert.equal(liveBuffers(), 1);
  });

  it("gives each leaf a gradient of its own, without a copy where it is", () => {
    const [x, z, gradient] = [leaf([1, 2]), leaf([3, 4]), tensor([5, 6])];
    backward(add(x, z), { gradient });
    const storages = new Set([x.grad!, z.grad!, gradient].map(({ storage }) => storage));
    assert.equal(storages.size, 3);
    for (const { grad: own } of [x, z]) assert.deepEqual(elements(own), [5, 6]);

    const [a, b] = [leaf(1), leaf(2)];
    const product = mul(a, b);
    const { kernelsRun } = backend.stats();
    backward(product);
    assert.equal(backend.stats().kernelsRun, kernelsRun + 2, "one product for each of the two");
  });

  it("a second time needs retainGraph the first time", () => {
    const x = leaf(3);
    const y = scope(() => mul(x, x));
    backward(y, { retainGraph: true });
    backward(y);
    assert.deepEqual(elements(x.grad), [12]);
    assert.throws(() => { backward(y); }, (error) => refusal(NotDifferentiableError, "backward")(error) && String(error).includes('retainGraph')); // prettier-ignore
    assert.deepEqual(elements(x.grad), [12]);
  });

  it("with createGraph leaves a gradient that can be differentiated", () => {
    const x = leaf(2);
    const cube = mul(mul(x, x), x);
    backward(cube, { createGraph: true });
    const [second] = grad(x.grad!, [x]);
    assert.deepEqual([elements(x.grad), elements(second)], [[12], [12]]);
  });

  it("takes the gradient of an output of several elements", () => {
    const x = leaf([1, 2]);
    const y = mul(x, x);
    assert.throws(() => { backward(y); }, refusal(ShapeError, "backward")); // prettier-ignore
    assert.throws(() => { backward(y, { gradient: tensor([1, 2, 3]) }); }, refusal(ShapeError, "backward")); // prettier-ignore
    const integers = tensor([1, 2], undefined, { dtype: "i32" });
    assert.throws(() => { backward(y, { gradient: integers }); }, refusal(DTypeError, "backward")); // prettier-ignore
    const gone = tensor([1, 2]);
    gone.dispose();
    assert.throws(() => grad(y, [x], { gradient: gone }), refusal(DisposedError, "grad"));
    setBackend(new CheckedBackend());
    const elsewhere = tensor([1, 2]);
    setBackend(backend);
    assert.throws(() => { backward(y, { gradient: elsewhere }); }, refusal(BackendError, "backward")); // prettier-ignore
    backward(y, { gradient: tensor([1, 10]) });
    assert.deepEqual(elements(x.grad), [2, 40]);
  });

  it("gives gradients off the tape, unless asked: also where they are the gradient that was passed in", () => {
    const [x, w] = [leaf(1), leaf(2)];
    const y = add(x, 1);
    const [plain] = grad(y, [x], { gradient: w, retainGraph: true });
    assert(!plain.requiresGrad);
    const [recorded] = grad(y, [x], { gradient: w, createGraph: true });
    assert.deepEqual(elements(grad(recorded, [w])[0]), [1]);
  });

  it("refuses what has no gradient", () => {
    assert.throws(() => { backward(tensor(1)); }, refusal(NotDifferentiableError, "backward")); // prettier-ignore
    const x = leaf(1);
    assert.throws(() => { backward(noGrad(() => exp(x))); }, refusal(NotDifferentiableError, "backward")); // prettier-ignore
    assert.throws(() => { backward(stopGradient(exp(x))); }, refusal(NotDifferentiableError, "backward")); // prettier-ignore
  });

  it("ends at a leaf made of what was computed, which takes its gradient along when it goes", () => {
    const x = leaf([1, 2]);
    const y = exp(x);
    const middle = leafOf(y);
    backward(sum(mul(middle, middle)));
    const [a = 0, b = 0] = elements(y);
    assert.deepEqual(elements(middle.grad), [2 * a, 2 * b]);
    assert.equal(x.grad, null);
    const before = liveBuffers();
    middle.dispose();
    assert.equal(liveBuffers(), before - 1);
    assert.deepEqual(elements(y), [a, b]);
    assert.throws(() => leafOf(middle), refusal(DisposedError, "leafOf"));
    assert.throws(() => leafOf(tensor(Int32Array.of(1))), refusal(DTypeError, "leafOf"));
  });

  it("of a leaf itself is 1", () => {
    const x = leaf(5);
    backward(x);
    assert.deepEqual(elements(x.grad), [1]);
  });

  it("runs on the backend of its tensor, whichever is current", () => {
    const x = leaf(3);
    const y = mul(x, x);
    setBackend(new CheckedBackend());
    backward(y);
    assert.deepEqual(elements(x.grad), [6]);
  });
});

describe("noGrad and stopGradient", () => {
  it("refuse a promise, whatever becomes of it, and a disposed tensor", async () => {
    const later = async (): Promise<Tensor> => {
      await Promise.resolve();
      throw new Error("nobody waits for this");
    };
    assert.throws(() => noGrad(later), refusal(ValueError, "noGrad"));
    assert(leaf(1).requiresGrad && exp(leaf(1)).requiresGrad, "recording goes on");
    await new Promise(setImmediate);
    const x = leaf(1);
    x.dispose();
    assert.throws(() => stopGradient(x), refusal(DisposedError, "stopGradient"));
  });
});

describe("grad", () => {
  it("takes intermediate tensors, and the output", () => {
    const x = leaf(2);
    const y = exp(x);
    const z = mul(y, y);
    const [dy, dz, dx] = grad(z, [y, z, x]);
    const ex = Math.exp(2);
    assert.deepEqual([dy, dz, dx].map(elements), [[2 * ex], [1], [2 * ex * ex]]);
    assert.equal(x.grad, null);
  });

  it("differentiates again and again", () => {
    const x = leaf(1.5);
    let y = mul(mul(x, x), mul(x, x));
    const derivatives = Array.from({ length: 4 }, () => {
      [y] = grad(y, [x], { createGraph: true });
      return elements(y)[0];
    });
    assert.deepEqual(derivatives, [13.5, 27, 36, 24]);
  });

  it("refuses a disposed input", () => {
    const x = leaf(1);
    const y = exp(x);
    x.dispose();
    assert.throws(() => grad(y, [x]), refusal(DisposedError, "grad"));
  });
});

describe("ops", () => {
  // y = x e^w, which keeps e^w, and for dy = 1 gives it as it is.
  const scaled = defineOp({
    name: "scaled",
    infer: () => null,
    forward: ({ x, w }: { x: Tensor; w: Tensor }) => {
      const factor = exp(w);
      return { output: mul(x, factor), saved: { factor } };
    },
    backward: ({ factor }) => ({ x: () => factor, w: null }),
  });

  it("keep intermediate results for backward alone, as long as it can come", () => {
    const [x, w] = [leaf(2), tensor(0)];
    scaled({ x, w }, null).dispose();
    assert.equal(liveBuffers(), 2);
    const y = scaled({ x, w }, null);
    assert.equal(liveBuffers(), 4);
    backward(y);
    assert.deepEqual(elements(x.grad), [1]);
    assert.equal(liveBuffers(), 4, "x, w, y and x.grad, which took the place of what was saved");
    y.dispose();
    assert.deepEqual(elements(x.grad), [1]);
  });

  it("may hand out what they saved as a gradient, which is then off the tape", () => {
    const x = leaf(3);
    const first = defineOp({
      name: "first",
      infer: () => null,
      forward: (inputs: { x: Tensor; w: Tensor }) => ({ output: mul(inputs.x, inputs.w), saved: inputs }),
      backward: ({ w }) => ({ x: () => w, w: null }),
    });
    const w = leaf(5);
    const [gradient] = grad(first({ x, w }, null), [x]);
    assert.deepEqual(elements(gradient), [5]);
    assert(!gradient.requiresGrad);
  });

  it("refuse tensors of another backend", () => {
    const a = tensor(1);
    setBackend(new CheckedBackend());
    assert.throws(() => add(a, tensor(1)), refusal(BackendError, "add"));
  });

  it("of several outputs: a gradient may come through any of them", () => {
    const split = defineMultiOp({
      name: "split",
      infer: () => null,
      forward: ({ x }: { x: Tensor }) => ({ outputs: { twice: mul(x, 2), thrice: mul(x, 3) }, saved: {} }),
      backward: (_saved, { twice, thrice }) => ({
        x: () => {
          const parts = [twice && mul(twice, 2), thrice && mul(thrice, 3)].filter((part) => part !== null);
          return parts.reduce((a, b) => add(a, b));
        },
      }),
    });
    const x = leaf(1);
    const through = (pick: (outputs: { twice: Tensor; thrice: Tensor }) => Tensor) =>
      elements(grad(pick(split({ x }, null)), [x])[0]);
    assert.deepEqual(through(({ twice }) => twice), [2]); // prettier-ignore
    assert.deepEqual(through(({ thrice }) => thrice), [3]); // prettier-ignore
    assert.deepEqual(
      through(({ twice, thrice }) => add(twice, thrice)),
      [5],
    );
  });

  it("with a rule that gives a gradient of another shape are named", () => {
    const wrong = defineMultiOp({
      name: "wrong",
      infer: () => null,
      forward: ({ x }: { x: Tensor }) => ({ outputs: { y: sum(x) }, saved: {} }),
      backward: (_saved, { y }) => ({ x: () => mul(y!, 1) }),
    });
    const { y } = wrong({ x: leaf([1, 2]) }, null);
    assert.throws(() => { backward(y); }, /^Error: wrong: the rule for x gave a gradient of shape \[\], expected \[2\]/); // prettier-ignore
  });
});
