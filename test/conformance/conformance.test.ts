/**
 * Every op of the registry, on every backend: outputs and gradients against the reference in f64, first and second
 * derivatives against central differences. An op without a case fails. A derivative that a case leaves out, with its
 * reason, must not exist: asking for it throws. What was left out is printed at the end.
 */
import assert from "node:assert/strict";
import { after, describe, it } from "node:test";
import fc from "fast-check";
import { backward, grad } from "../../engine/autograd.ts";
import { init, backendNames, setBackend } from "../../engine/backend.ts";
import type { Backend, Elements } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import { NotDifferentiableError } from "../../engine/errors.ts";
import { gradCheck } from "../../engine/gradcheck.ts";
import { scope } from "../../engine/scope.ts";
import { sizeOf } from "../../engine/shape.ts";
import type { Shape } from "../../engine/shape.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { add, mul, ops, sum } from "../../kernels/index.ts";
import { distinct, positive, checkGradients } from "../kernels/helpers.ts";
import { skip as noWebGpu } from "../webgpu/adapter.ts";
import { cases } from "./cases.ts";
import type { Case, Example } from "./cases.ts";

const reference = await init({ backend: "reference" });
const others = await Promise.all(
  backendNames
    .filter((name) => name !== "reference" && !(name === "webgpu" && noWebGpu))
    .map((name) => init({ backend: name, threads: 2 })),
);

const counts = { outputs: 0, gradients: 0, secondDerivatives: 0 };
const skipped = new Map<string, string[]>();

/** Nearer to a kink, rounding or a finite difference might cross it. */
const NEAR = 1e-3;

/** The example's inputs as plain numbers, the same for every backend. None near a kink: another example is taken. */
async function inputsOf(
  { shapes, domain, kinks }: Example,
  seed: number,
): Promise<{ values: Elements; shape: Shape }[]> {
  setBackend(reference);
  const tensors =
    domain === "positive" ? shapes.map((shape, i) => positive(seed + i, shape)) : distinct(seed, ...shapes);
  if (kinks) fc.pre((await scope(() => kinks(...tensors)).data()).every((value) => Math.abs(value) > NEAR));
  return Promise.all(tensors.map(async (each) => ({ values: await each.data(), shape: each.shape })));
}

/** Outputs, and the gradients of a weighted sum of them, on a backend. */
async function evaluate(
  backend: Backend,
  example: Example,
  inputs: readonly { values: Elements; shape: Shape }[],
  differentiate: boolean,
): Promise<{ shapes: Shape[]; data: Elements[] }> {
  setBackend(backend);
  const before = backend.stats().liveBuffers;
  const results = scope(() => {
    const leaves = inputs.map(({ values, shape }) =>
      tensor(values, shape, { requiresGrad: true, dtype: "f32" }),
    );
    const outputs = example.call(...leaves);
    if (!differentiate) return outputs;
    const total = weightedSum(outputs);
    const gradients = grad(total, leavesOf(total, leaves));
    return [...outputs, ...gradients];
  });
  const data = await Promise.all(results.map((result) => result.data()));
  const shapes = results.map(({ shape }) => shape);
  for (const result of results) result.dispose();
  assert.equal(backend.stats().liveBuffers, before, `${backend.name}: the op leaked buffers`);
  return { shapes, data };
}

/** One number that depends on every element of every output, on each in its own way. */
const weightedSum = (outputs: readonly Tensor[]): Tensor =>
  outputs.map((output, i) => sum(mul(output, positive(i, output.shape)))).reduce((a, b) => add(a, b));

/** The leaves that an output depends on, found on the tape. */
function leavesOf(output: Tensor, leaves: readonly Tensor[]): Tensor[] {
  const seen = new Set<unknown>();
  const visit = (variable: Tensor["variable"]): void => {
    if (!variable || seen.has(variable)) return;
    seen.add(variable);
    variable.node?.inputs.forEach(visit);
  };
  visit(output.variable);
  return leaves.filter((leaf) => seen.has(leaf.variable));
}

/** f32 against f64: relative to the largest element, since sums of large terms may be small. */
function assertClose(actual: Elements, expected: Elements, what: string): void {
  const scale = Math.max(1, ...expected.map(Math.abs));
  expected.forEach((value, i) => {
    const error = Math.abs(actual[i]! - value) / scale;
    assert.ok(
      error <= 1e-5 || Object.is(actual[i], value),
      `${what}, element ${i}: expected ${value}, got ${actual[i]}`,
    );
  });
}

/** Where a case says that there is no derivative, asking for one throws: zeros would pass for one. */
function assertNoDerivative(what: string, output: Tensor): void {
  assert.ok(output.requiresGrad, `${what} depends on its inputs`);
  const ask = (): void => {
    backward(sum(output));
  };
  assert.throws(ask, NotDifferentiableError, `the case says that ${what} has no derivative, but it has one`);
}

const entries = Object.entries<Case>(cases);

describe("conformance", () => {
  it("has a case for every op of the registry", () => {
    assert.deepEqual(Object.keys(cases).sort(), Object.values(ops).flatMap((family) => Object.keys(family)).sort()); // prettier-ignore
  });

  for (const backend of others) {
    describe(`${backend.name} against the reference`, () => {
      for (const [name, { examples, noGradient }] of entries) {
        it(name, () =>
          fc.assert(
            fc.asyncProperty(examples, fc.nat(1000), async (example, seed) => {
              const inputs = await inputsOf(example, seed);
              const expected = await evaluate(reference, example, inputs, noGradient === undefined);
              const actual = await evaluate(backend, example, inputs, noGradient === undefined);
              assert.deepEqual(actual.shapes, expected.shapes);
              for (const [i, each] of expected.data.entries())
                assertClose(actual.data[i]!, each, `${name}, result ${i}`);
              counts.outputs += expected.data.length;
            }),
            { numRuns: 25 },
          ),
        );
      }
    });
  }

  describe("derivatives against central differences", () => {
    for (const [name, { examples, noGradient, noSecondGradient }] of entries) {
      const reason = noGradient ?? noSecondGradient;
      if (reason !== undefined) skipped.set(reason, [...(skipped.get(reason) ?? []), name]);
      it(name, () =>
        fc.assert(
          fc.asyncProperty(
            // Rounding in a sum of many elements would hide what one of them changes.
            examples.filter(({ shapes }) => shapes.every((shape) => sizeOf(shape) <= 64)),
            fc.nat(1000),
            async (example, seed) => {
              const inputs = await inputsOf(example, seed);
              setBackend(reference);
              const leaves = inputs.map(({ values, shape }) => tensor(values, shape, { requiresGrad: true }));
              if (noGradient !== undefined) {
                if (leaves.length === 0) return;
                for (const output of example.call(...leaves)) assertNoDerivative(name, output);
                return;
              }
              const total = (...xs: Tensor[]) => weightedSum(example.call(...xs));
              await gradCheck(total, leaves);
              counts.gradients += inputs.length;
              if (noSecondGradient === undefined) {
                await checkGradients(total, leaves);
                counts.secondDerivatives += inputs.length;
              } else {
                const loss = total(...leaves);
                // The gradient that comes in is a leaf too: also where a gradient does not depend on the inputs, it
                // depends on that one.
                const gradient = tensor(1, [], { requiresGrad: true });
                const first = grad(loss, leavesOf(loss, leaves), { gradient, createGraph: true });
                for (const each of first) assertNoDerivative(`the gradient of ${name}`, each);
              }
            },
          ),
          { numRuns: 4 },
        ),
      );
    }
  });

  after(async () => {
    const skips = [...skipped].map(([reason, names]) => `${names.join(", ")}: ${reason}`);
    console.log(
      `conformance: ${entries.length} ops on ${others.length} backend(s) beside the reference; ` +
        `${counts.outputs} results compared, ${counts.gradients} gradients and ${counts.secondDerivatives} second derivatives ` +
        `checked by differences; without a first or second gradient: ${skips.join("; ") || "none"}`,
    );
    await Promise.all(others.map((backend) => backend.destroy()));
  });
});
