/** Elementwise functions at the points where they are easy to get wrong: near 0, far out, at kinks and jumps. */
import assert from "node:assert/strict";
import { after, before, beforeEach, describe, it } from "node:test";
import { backward, grad, stopGradient } from "../../engine/autograd.ts";
import { setBackend } from "../../engine/backend.ts";
import { CpuBackend } from "../../engine/backends/cpu/backend.ts";
import { tensor } from "../../engine/create.ts";
import { NotDifferentiableError } from "../../engine/errors.ts";
import type { Tensor } from "../../engine/tensor.ts";
import * as k from "../../kernels/index.ts";
import {
  assertRefused,
  assertTensor,
  checkGradients,
  distinct,
  positive,
  useReference,
  values,
} from "./helpers.ts";

const leaf = (xs: readonly number[]): Tensor => tensor(xs, [xs.length], { requiresGrad: true });

/** Elements of y and of its derivative at xs; 0 for -0. */
async function withDerivative(
  op: (x: Tensor) => Tensor,
  xs: readonly number[],
): Promise<[number[], number[]]> {
  const x = leaf(xs);
  const y = op(x);
  const plain = async (t: Tensor) => (await values(t)).map((value) => value + 0);
  return [await plain(y), await plain(grad(k.sum(y), [x])[0])];
}

describe("golden values", () => {
  beforeEach(useReference);
  // erf, gelu and sigmoid computed with 20 digits (mpmath); tanh's form as torch.nn.functional.gelu documents it.
  const golden: [(x: Tensor) => Tensor, number, number][] = [
    [k.erf, 0.5, 0.52049987781304653768],
    [k.erf, -2, -0.99532226501895273416],
    [k.erf, 1e-9, 1.1283791670955125739e-9],
    [k.gelu, 1, 0.84134474606854294859],
    [k.gelu, -1, -0.15865525393145705141],
    [(x) => k.gelu(x, { approximate: "tanh" }), 1, 0.84119199060827670463],
    [k.sigmoid, 2, 0.88079707797788244406],
    [k.logSigmoid, 2, -0.12692801104297249644],
    [k.softplus, 1, 1.313261687518222834],
    [k.silu, -1, -0.26894142136999512075],
    [(x) => k.elu(x, 2), -1, -1.2642411176571153568],
    [k.expm1, 1e-10, 1.00000000005e-10],
    [k.log1p, 1e-10, 9.9999999995e-11],
  ];
  for (const [op, x, y] of golden) {
    it(`${y} at ${x}`, async () => {
      const got = await op(tensor([x])).item();
      assert.ok(Math.abs(got / y - 1) < 4e-16 * 4, String(got));
    });
  }
});

describe("values and derivatives in double precision", () => {
  beforeEach(useReference);

  it("far out: no overflow, no NaN", async () => {
    const far = [-800, -40, 40, 800];
    const tail = Math.exp(-40);
    const expected: [(x: Tensor) => Tensor, number[], number[]][] = [
      [k.sigmoid, [0, tail, 1, 1], [0, tail, tail, 0]],
      [k.logSigmoid, [-800, -40, -tail, 0], [1, 1, tail, 0]],
      [k.softplus, [0, tail, 40, 800], [0, tail, 1, 1]],
      [k.elu, [-1, -1, 40, 800], [0, tail, 1, 1]],
      [k.tanh, [-1, -1, 1, 1], [0, 0, 0, 0]],
      [k.gelu, [0, 0, 40, 800], [0, 0, 1, 1]],
      [k.silu, [0, -40 * tail, 40, 800], [0, tail - 40 * tail, 1, 1]],
    ];
    for (const [op, y, dy] of expected) {
      const [got, slopes] = await withDerivative(op, far);
      got.forEach((value, i) => { assert.ok(Math.abs(value - y[i]!) <= 1e-15 * Math.abs(y[i]!) + 1e-300, `${i}: ${value}`); }); // prettier-ignore
      slopes.forEach((value, i) => { assert.ok(Math.abs(value - dy[i]!) <= 1e-13 * Math.abs(dy[i]!) + 1e-300, `${i}: ${value}`); }); // prettier-ignore
    }
  });

  it("at kinks: PyTorch's choices", async () => {
    assert.deepEqual(await withDerivative(k.abs, [-2, 0, 3]), [[2, 0, 3], [-1, 0, 1]]); // prettier-ignore
    assert.deepEqual((await withDerivative((x) => k.leakyRelu(x, 0.5), [-2, 0, 3]))[1], [0.5, 0.5, 1]);
    assert.deepEqual((await withDerivative((x) => k.elu(x, 3), [0, 1]))[1], [3, 1]);
    assert.deepEqual(await withDerivative((x) => k.clamp(x, -1, 2), [-2, -1, 0, 2, 3]), [[-1, -1, 0, 2, 2], [0, 1, 1, 1, 0]]); // prettier-ignore
    assert.deepEqual((await withDerivative((x) => k.minimum(x, 1), [0, 1, 2]))[1], [1, 0.5, 0]);
  });

  it("smooth functions that are computed in two branches have one derivative at 0, to the second order", async () => {
    for (const [op, first, second] of [
      [k.sigmoid, 1 / 4, 0],
      [k.softplus, 1 / 2, 1 / 4],
      [k.silu, 1 / 2, 1 / 2],
    ] as const) {
      for (const at of [0, -0]) {
        const x = leaf([at]);
        const [slope] = grad(op(x), [x], { createGraph: true });
        await assertTensor(slope, [1], [first]);
        await assertTensor(grad(slope, [x])[0], [1], [second]);
      }
    }
  });

  it("clamp: NaN stays, one bound may be infinite, and bounds may be tensors with gradients", async () => {
    await assertTensor(k.clamp(tensor([NaN, -5, 5]), -1, Infinity), [3], [NaN, -1, 5]);
    const [x, low, high] = [leaf([-3, 0, 3]), leaf([-1, -1, -1]), leaf([1, 1, 1])];
    const y = k.clamp(x, low, high);
    await assertTensor(y, [3], [-1, 0, 1]);
    const slopes = grad(k.sum(y), [x, low, high]);
    for (const [i, expected] of [[0, 1, 0], [1, 0, 0], [0, 0, 1]].entries()) await assertTensor(slopes[i]!, [3], expected); // prettier-ignore
  });

  it("pow: the special values of Math.pow, and derivatives where a factor is 0", async () => {
    const [bases, exponents] = [
      [2, -2, -2, 0, 0, 9, -8],
      [3, 3, 0.5, 0, 2, 0.5, 2],
    ];
    await assertTensor(k.pow(tensor(bases), tensor(exponents)), [7], [8, -8, NaN, 1, 0, 3, 64]);
    const [a, b] = [leaf([0, 0, 3, -2]), leaf([1, 2, 0, 2])];
    const [da] = grad(k.sum(k.pow(a, b)), [a]);
    await assertTensor(da, [4], [1, 0, 0, -4]);
    const power = leaf([2, 0, 1]);
    const [db] = grad(k.sum(k.pow(leaf([0, 0, Math.E]), power)), [power]);
    await assertTensor(db, [3], [0, 0, Math.E]);
  });

  it("pow: gradients of gradients, with numbers and tensors as exponents", async () => {
    const a = positive(1, [2, 3]);
    await checkGradients(k.pow, [a, distinct(2, [3])[0]!]);
    for (const power of [-1.5, 0, 1, 2, 3]) await checkGradients((x) => k.pow(x, power), [a]);
    await checkGradients((x) => k.pow(x, 3), [k.neg(a)]);
    await checkGradients((x) => k.pow(2, x), [a]);
  });

  it("the sixth derivative of gelu, which is that of x Phi(x)", async () => {
    const x = leaf([0.3]);
    let y = k.gelu(x);
    for (let order = 0; order < 6; order++) [y] = grad(y, [x], { createGraph: true });
    // x Phi + phi' terms: (x Phi)^(n) = n Phi^(n-1) + x Phi^(n), with Phi^(m+1) = (-1)^m He_m(x) phi(x)
    const phi = Math.exp(-0.045) / Math.sqrt(2 * Math.PI);
    const he4 = 0.3 ** 4 - 6 * 0.3 ** 2 + 3;
    const he5 = 0.3 ** 5 - 10 * 0.3 ** 3 + 15 * 0.3;
    await assertTensor(y, [1], [(6 * he4 - 0.3 * he5) * phi]);
  });
});

describe("steps", () => {
  beforeEach(useReference);
  it("sign, floor and round; ties go to even numbers", async () => {
    const xs = [-2.5, -1.5, -0.5, -0.2, 0, 0.5, 1.5, 2.5, 2.6, NaN];
    await assertTensor(k.sign(tensor(xs)), [10], [-1, -1, -1, -1, 0, 1, 1, 1, 1, 0]);
    await assertTensor(k.floor(tensor(xs)), [10], [-3, -2, -1, -1, 0, 0, 1, 2, 2, NaN]);
    await assertTensor(k.round(tensor(xs)), [10], [-2, -2, 0, 0, 0, 0, 2, 2, 3, NaN].map((y, i) => (xs[i]! < 0 && y === 0 ? -0 : y))); // prettier-ignore
  });
  it("have no derivative; the straight-through estimator has", async () => {
    for (const [name, op] of Object.entries({ sign: k.sign, floor: k.floor, round: k.round })) {
      assertRefused(() => { backward(k.sum(op(leaf([1.2])))); }, NotDifferentiableError, new RegExp(`^${name}: `)); // prettier-ignore
    }
    const through = (x: Tensor) => k.add(x, stopGradient(k.sub(k.round(x), x)));
    assert.deepEqual(await withDerivative((x) => k.mul(through(x), 3), [1.2, 1.8]), [[3, 6], [3, 3]]); // prettier-ignore
  });
});

describe("single precision on the cpu backend", () => {
  let cpu: CpuBackend;
  before(async () => {
    cpu = await CpuBackend.create(1);
  });
  after(() => cpu.destroy());

  it("near 0 and far out, values and derivatives are as good as floats are", async () => {
    const xs = [1e-6, -1e-6, 1e-3, -0.01, 0.5, -3, 8, -8, 20, -20, 87, -87].map(Math.fround);
    for (const op of [k.expm1, k.log1p, k.tanh, k.erf, k.softplus, k.sigmoid, k.silu, k.elu]) {
      const domain = op === k.log1p ? xs.filter((x) => x > -1) : xs;
      useReference();
      const [y, dy] = await withDerivative(op, domain);
      setBackend(cpu);
      const [got, slopes] = await withDerivative(op, domain);
      y.forEach((value, i) => {
        assert.ok(Math.abs(got[i]! - value) <= 5e-7 * Math.abs(value) + 1e-38, `at ${domain[i]}: ${got[i]}, not ${value}`);
        // Where y is near 1, 1 - y^2 cannot be better than y.
        assert.ok(Math.abs(slopes[i]! - dy[i]!) <= 1e-6 * Math.abs(dy[i]!) + 3e-7, `slope at ${domain[i]}: ${slopes[i]}, not ${dy[i]}`);
      });
    }
  }); // prettier-ignore
});
