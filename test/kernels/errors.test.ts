/**
 * Bad calls of every op: they are refused, before any work, with a typed error whose message says who refused, what was
 * expected and what came. An op without an entry, or with one that refuses nothing, fails.
 */
import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import { setBackend } from "../../engine/backend.ts";
import { ReferenceBackend } from "../../engine/backends/reference/backend.ts";
import { zeros } from "../../engine/create.ts";
import { BackendError, DisposedError, DTypeError } from "../../engine/errors.ts";
import type { SpheregradError } from "../../engine/errors.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { ops } from "../../kernels/index.ts";
import { useReference } from "./helpers.ts";
import { refusals } from "./refusals.ts";
import type { Entry } from "./refusals.ts";

let backend: ReferenceBackend;
beforeEach(() => {
  backend = useReference();
});

const make = (input: Entry["inputs"][number]): Tensor =>
  "i32" in input ? zeros(input.i32, { dtype: "i32" }) : zeros(input);

/** The same input of the other element type. */
const otherType = (input: Entry["inputs"][number]): Entry["inputs"][number] =>
  "i32" in input ? input.i32 : { i32: input };

const elsewhere = (input: Entry["inputs"][number]): Tensor => {
  setBackend(new ReferenceBackend());
  const made = make(input);
  setBackend(backend);
  return made;
};

function assertRefuses(
  op: string,
  type: typeof SpheregradError,
  expected: string,
  call: () => unknown,
): void {
  assert.throws(call, (error) => {
    assert.ok(error instanceof type, `${op}: expected ${type.name}, got ${String(error)}`);
    assert.ok(error.message.startsWith(`${op}: expected ${expected}`), error.message);
    assert.match(error.message, /^[^\n]+: expected [^\n]+, got [^\n]+$/);
    return true;
  });
}

it("every op has an entry, and refuses something", () => {
  assert.deepEqual(Object.keys(refusals).sort(), Object.values(ops).flatMap((family) => Object.keys(family)).sort()); // prettier-ignore
  const trusting = Object.entries(refusals).filter(([, { refuses }]) => refuses.length === 0);
  assert.deepEqual(trusting.map(([op]) => op), []); // prettier-ignore
});

for (const [op, { inputs, call, anyType = false, refuses }] of Object.entries(refusals)) {
  describe(op, () => {
    it("takes what the other tests make wrong", () => {
      call(...inputs.map(make));
    });
    it("refuses disposed tensors and those of another backend", () => {
      inputs.forEach((input, i) => {
        const gone = make(input);
        gone.dispose();
        const before = backend.stats().kernelsRun;
        assertRefuses(op, DisposedError, "a live tensor", () => call(...inputs.map(make).with(i, gone)));
        if (inputs.length > 1) {
          const foreign = elsewhere(input);
          assertRefuses(op, BackendError, "tensors of one backend", () => call(...inputs.map(make).with(i, foreign))); // prettier-ignore
        }
        assert.equal(backend.stats().kernelsRun, before, "before any work");
      });
    });
    it("refuses tensors of another type, or takes both", () => {
      if (anyType) call(...inputs.map((input) => ("i32" in input ? input : otherType(input))).map(make));
      else {
        inputs.forEach((input, i) => {
          const wrong = make(otherType(input));
          const type = "i32" in input ? "i32" : "f32";
          assertRefuses(op, DTypeError, `${type} for `, () => call(...inputs.map(make).with(i, wrong)));
        });
      }
    });
    for (const [type, expected, badCall] of refuses) {
      it(`refuses with "expected ${expected} ..."`, () => {
        assertRefuses(op, type, expected, badCall);
      });
    }
  });
}
