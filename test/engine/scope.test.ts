import assert from "node:assert/strict";
import { beforeEach, describe, it } from "node:test";
import fc from "fast-check";
import { setBackend } from "../../engine/backend.ts";
import { tensor } from "../../engine/create.ts";
import { setDebug } from "../../engine/debug.ts";
import { elementwise } from "../../engine/elementwise.ts";
import { DisposedError, ValueError } from "../../engine/errors.ts";
import * as e from "../../engine/expr/expr.ts";
import { keep, scope } from "../../engine/scope.ts";
import type { Tensor } from "../../engine/tensor.ts";
import { reshape } from "../../engine/view.ts";
import { CheckedBackend } from "./checked-backend.ts";
import { actions, World } from "./world.ts";

const double = elementwise("double", (x) => e.mul(x, 2));

let backend: CheckedBackend;
const liveBuffers = (): number => backend.stats().liveBuffers;
beforeEach(() => {
  backend = new CheckedBackend();
  setBackend(backend);
});

describe("random programs of tensors, scopes and ops, without gradients", () => {
  it("keep exactly what is alive, and let nobody use what is not", () => {
    fc.assert(
      fc.property(actions({ gradients: false }), (program) => {
        backend = new CheckedBackend();
        setBackend(backend);
        const world = new World(backend);
        world.run(program);
        world.end();
      }),
      { numRuns: 300 },
    );
  });
});

describe("scope", () => {
  it("disposes all but what it returns, alone or in arrays and plain objects", () => {
    const { a, list } = scope(() => {
      const [a, b, c] = [tensor(1), tensor(2), tensor(3)];
      double(b);
      return { a, list: [b, { c, n: 1, nothing: null }] as const };
    });
    assert.equal(liveBuffers(), 3);
    for (const t of [a, list[0], list[1].c]) t.dispose();
    assert.equal(liveBuffers(), 0);
  });

  it("hands what it returns to the scope around it", () => {
    const inner = scope(() => {
      const kept = scope(() => double(tensor(1)));
      assert.equal(liveBuffers(), 1);
      return scope(() => [kept, double(kept)] as const)[1];
    });
    assert.equal(liveBuffers(), 1, "`kept` belonged to the outer scope, and was not returned from there");
    inner.dispose();
  });

  it("leaves alone what was made outside, and what is kept", () => {
    const outside = tensor(1);
    const kept = scope(() => scope(() => [outside, keep(double(outside))])[1]);
    assert.equal(liveBuffers(), 2);
    outside.dispose();
    kept?.dispose();
    assert.equal(liveBuffers(), 0);
  });

  it("disposes everything when the body throws, and passes the error on", () => {
    const error = new Error("on purpose");
    const body = (): Tensor => {
      scope(() => double(tensor(1)));
      throw error;
    };
    assert.throws(() => scope(body), (thrown) => thrown === error); // prettier-ignore
    assert.equal(liveBuffers(), 0);
    assert.equal(scope(() => 1), 1, "the next scope is not disturbed"); // prettier-ignore
  });

  it("refuses a promise, whatever becomes of it", async () => {
    let made: Tensor | undefined;
    const body = async (): Promise<Tensor> => {
      made = tensor(1);
      await Promise.resolve();
      return double(made); // It rejects: `made` is disposed. Nobody waits for it, and the process must not end.
    };
    assert.throws(() => scope(body), (error) => error instanceof ValueError && /^scope: .*promise/.test(error.message)); // prettier-ignore
    await new Promise(setImmediate);
    assert.throws(() => made?.buffer, DisposedError);
    assert.equal(liveBuffers(), 0);
  });

  it("works with `using`", () => {
    {
      using t = tensor([1, 2]);
      assert.equal(t.size, 2);
      assert.equal(liveBuffers(), 1);
    }
    assert.equal(liveBuffers(), 0);
  });
});

describe("dispose", () => {
  it("may be called again, and frees shared elements with the last handle", () => {
    const a = tensor([1, 2, 3, 4]);
    const b = reshape(a, [2, 2]);
    a.dispose();
    a.dispose();
    assert.deepEqual([...backend.peek(b.buffer)], [1, 2, 3, 4]);
    b.dispose();
    assert.equal(liveBuffers(), 0);
  });

  it("makes every use throw DisposedError that names who asked", async () => {
    const t = tensor([1]);
    t.dispose();
    const named = (who: string) => (error: unknown) =>
      error instanceof DisposedError && error.message.startsWith(`${who}: `);
    assert.throws(() => double(t), named("double"));
    assert.throws(() => reshape(t, [1, 1]), named("reshape"));
    await assert.rejects(t.data(), named("data"));
    await assert.rejects(t.item(), named("data"));
  });

  it("is found again, in debug mode, from the error", () => {
    const disposeIt = (t: Tensor): void => {
      t.dispose();
    };
    setDebug(true);
    try {
      const t = tensor(1);
      disposeIt(t);
      assert.throws(() => double(t), (error) => {
        assert(error instanceof DisposedError && error.cause instanceof Error);
        return error.cause.stack?.includes("disposeIt") ?? false;
      }); // prettier-ignore
    } finally {
      setDebug(false);
    }
  });
});
