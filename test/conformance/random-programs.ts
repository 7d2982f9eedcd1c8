/** Random programs of ops, uploads, updates in place, frees and reads, on a backend and on the reference. */
import assert from "node:assert/strict";
import fc from "fast-check";
import { setBackend } from "../../engine/backend.ts";
import type { Backend, Elements } from "../../engine/backend.ts";
import { ReferenceBackend } from "../../engine/backends/reference/backend.ts";
import { randn } from "../../engine/create.ts";
import * as e from "../../engine/expr/expr.ts";
import { Random } from "../../engine/random.ts";
import { scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import * as k from "../../kernels/index.ts";
import { defineUpdate } from "../../nn/update.ts";

/** Ops on matrices [n, n] that keep values small. Folds of everything, and deep products, need partial results. */
const ops = {
  product: (a: Tensor, b: Tensor) => k.tanh(k.matmul(a, b)),
  centred: (a: Tensor, b: Tensor) => k.sub(k.tanh(a), k.mean(b)),
  shifted: (a: Tensor, b: Tensor) => k.slice(k.concat([a, b], 1), [0, 1], [a.shape[0]!, a.shape[0]! + 1]),
  turned: (a: Tensor, b: Tensor) => k.mul(k.transpose(a), k.sigmoid(b)),
  deep: (a: Tensor, b: Tensor) => {
    const [flat, other] = [k.reshape(a, [1, -1]), k.reshape(b, [-1, 1])];
    return k.add(k.tanh(a), k.mul(0.1, k.tanh(k.matmul(flat, other))));
  },
};
type OpName = keyof typeof ops;
const names: OpName[] = ["product", "centred", "shifted", "turned", "deep"];

/** w <- (w + v) / 2 */
const approach = defineUpdate("approach", (w, v) => [e.mul(0.5, e.add(w, v))]);

interface Action {
  readonly kind: OpName | "upload" | "update" | "free" | "read";
  /** Which live tensors, counted round. */
  readonly of: readonly [number, number];
}

const action: fc.Arbitrary<Action> = fc.record({
  kind: fc.constantFrom(...names, ...names, "upload", "upload", "update", "free", "free", "free", "read"),
  of: fc.tuple(fc.nat(1000), fc.nat(1000)),
});

/** What a program reads on its way, and what is left at its end. */
async function run(backend: Backend, size: number, program: readonly Action[]): Promise<Elements[]> {
  setBackend(backend);
  const random = new Random(size);
  const upload = () => randn([size, size], random);
  const live = [upload(), upload()];
  const reads: Promise<Elements>[] = [];
  for (const { kind, of } of program) {
    const [a, b] = [live[of[0] % live.length]!, live[of[1] % live.length]!];
    if (kind === "upload") live.push(upload());
    else if (kind === "read") reads.push(a.data());
    else if (kind === "update") {
      if (a !== b) approach(a, b);
    } else if (kind !== "free") live.push(scope(() => ops[kind](a, b)));
    else if (live.length > 2) {
      live.splice(live.indexOf(a), 1);
      a.dispose();
    }
  }
  const results = await Promise.all([...reads, ...live.map((each) => each.data())]);
  for (const each of live) each.dispose();
  return results;
}

/** Runs random programs on matrices of the sizes given, and compares what they read with the reference's. */
export const checkRandomPrograms = (
  backend: Backend,
  sizes: readonly number[],
  numRuns: number,
): Promise<void> =>
  fc.assert(
    fc.asyncProperty(
      fc.constantFrom(...sizes),
      fc.array(action, { minLength: 20, maxLength: 120, size: "max" }),
      async (size, program) => {
        const held = backend.stats().liveBuffers;
        const [found, expected] = [await run(backend, size, program), await run(new ReferenceBackend(), size, program)]; // prettier-ignore
        assert.equal(backend.stats().liveBuffers, held, "buffers that are left at the end");
        assert.equal(found.length, expected.length);
        found.forEach((elements, i) => {
          const worst = Math.max(...Array.from(elements, (value, j) => Math.abs(value - expected[i]![j]!)));
          assert.ok(worst <= 1e-4, `result ${i}: expected at most 1e-4 from the reference, got ${worst}`);
        });
      },
    ),
    { numRuns },
  );
