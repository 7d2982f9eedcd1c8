import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { call, f32, f32x4, i32, i32x4, select, v128 } from "../../engine/backends/cpu/assembler.ts";
import type { Value } from "../../engine/backends/cpu/assembler.ts";
import { instantiate } from "../../engine/backends/cpu/webassembly.ts";
import { ValueError } from "../../engine/errors.ts";
import {
  bitsOf,
  compileF32,
  compileI32,
  compileVector,
  floatsOf,
  fourFloats,
  fourInts,
  newModule,
  newPages,
} from "./compile.ts";

describe("assembler: memory, constants and lanes", () => {
  it("constants of every size, signed and unsigned", () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 31), max: 2 ** 32 - 1 }), fourFloats, fourInts, (x, v, w) => {
        assert.equal(compileI32(() => i32.const(x))(0, 0), x | 0);
        assert.equal(compileF32(() => f32.const(v[0]))(0, 0), v[0]);
        assert.deepEqual(floatsOf(compileVector(() => f32x4.const(...v))()), v);
        assert.deepEqual([...compileVector(() => i32x4.const(...w))()], w);
      }),
    );
    assert.deepEqual([...compileVector(() => i32x4.const(-7))()], [-7, -7, -7, -7]);
    assert.deepEqual(
      floatsOf(compileVector((a) => f32x4.add(a, 0.5))(bitsOf([1, 2, 3, 4]))),
      [1.5, 2.5, 3.5, 4.5],
    );
    for (const wrong of [2 ** 32, -(2 ** 31) - 1, 0.5, Number.NaN])
      assert.throws(() => i32.const(wrong), ValueError);
  });

  it("pointers above 2 GiB", () => {
    const memory = newPages(49153);
    const module = newModule();
    const address = 3 * 2 ** 30;
    module.task((f, p) => {
      f.store(address, f32x4.const(1, 2, 3, 4), 16);
      f.forRange(p, address + 32, 4, (i) => { f.store(i, f32.mul(f32.load(i, 16), 10)); }); // prettier-ignore
    });
    instantiate(module.encode(), memory).task?.(address, 0);
    assert.deepEqual([...new Float32Array(memory.buffer, address, 4)], [10, 20, 30, 40]);
  });

  it("splats, lanes, shuffles, partial loads and stores", () => {
    const v = [11, 12, 13, 14];
    const word = i32.const(0);
    const cases: [(a: Value<"v128">, b: Value<"v128">) => Value<"v128">, number[]][] = [
      [() => v128.load32Splat(word, 4), [12, 12, 12, 12]],
      [() => v128.load64Splat(word, 4), [12, 13, 12, 13]],
      [() => v128.load32Zero(word, 8), [13, 0, 0, 0]],
      [(_, b) => v128.load32Lane(word, b, 2, 12), [21, 22, 14, 24]],
      [() => i32x4.splat(i32.load(word, 8)), [13, 13, 13, 13]],
      [(a) => i32x4.splat(i32x4.extractLane(a, 3)), [14, 14, 14, 14]],
      [(a) => i32x4.replaceLane(a, 1, 7), [11, 7, 13, 14]],
      [(a) => f32x4.splat(f32x4.extractLane(a, 1)), [12, 12, 12, 12]],
      [(a) => f32x4.replaceLane(a, 0, f32.load(word, 8)), [13, 12, 13, 14]],
      [(a, b) => v128.shuffle(a, b, [0, 4, 1, 5]), [11, 21, 12, 22]],
      [(a, b) => v128.shuffle(a, b, [7, 6, 3, 2]), [24, 23, 14, 13]],
    ];
    for (const [expression, want] of cases) {
      assert.deepEqual([...compileVector(expression)(v, [21, 22, 23, 24])], want, expression.toString());
    }
    assert.throws(() => f32x4.extractLane(f32x4.const(0), 4), ValueError);

    const module = newModule();
    module.task((f) => {
      f.storeLane(0, i32x4.const(1, 2, 3, 4), 2, 8);
      f.memoryFill(16, 0xff, 4);
    });
    const memory = newPages();
    instantiate(module.encode(), memory).task?.(0, 0);
    assert.deepEqual([...new Int32Array(memory.buffer, 0, 6)], [0, 0, 3, 0, -1, 0]);
  });
});

describe("assembler: statements", () => {
  it("loops, blocks, branches and calls", () => {
    const module = newModule();
    const square = module.func({ params: ["i32"], result: "i32" }, (_, x) => i32.mul(x, x));
    const storeAt = module.func({ params: ["i32", "i32"] }, (f, p, x) => {
      f.if(x, () => { f.store(p, x); }); // prettier-ignore
    });
    // The sum of i^2 over i = from, from + 3, ... < to, without multiples of 5, as long as it stays below 10000.
    module.func({ params: ["i32", "i32"], result: "i32", export: "sum" }, (f, from, to) => {
      const sum = f.local("i32");
      f.block((end) => {
        f.forRange(from, i32.add(to, 0), 3, (i) => {
          f.if(i32.remU(i, 5), () => { f.set(sum, i32.add(sum, call(square, i))); }); // prettier-ignore
          f.brIf(end, i32.geU(sum, 10000));
        });
      });
      f.call(storeAt, 64, sum);
      return sum;
    });
    const memory = newPages();
    const { sum: f } = instantiate(module.encode(), memory);
    assert(f);
    const expected = (from: number, to: number): number => {
      let sum = 0;
      for (let i = from; i < to && sum < 10000; i += 3) if (i % 5 !== 0) sum += i * i;
      return sum;
    };
    const small = fc.integer({ min: 0, max: 60 });
    fc.assert(
      fc.property(small, small, (from, to) => {
        const stored = new Int32Array(memory.buffer, 64, 1);
        stored[0] = 0;
        assert.equal(f(from, to), expected(from, to));
        assert.equal(stored[0], expected(from, to));
      }),
    );
  });

  it("if and else, loop by hand and select", () => {
    // The number of Collatz steps from a to 1, plus b's larger neighbour, chosen twice.
    const f = compileI32((f, a, b) => {
      const n = f.let(a);
      const steps = f.local("i32");
      f.block((end) => {
        f.loop((top) => {
          f.brIf(end, i32.leU(n, 1));
          f.if(
            i32.and(n, 1),
            () => { f.set(n, i32.add(i32.mul(n, 3), 1)); }, // prettier-ignore
            () => { f.set(n, i32.shrU(n, 1)); }, // prettier-ignore
          );
          f.increment(steps, 1);
          f.br(top);
        });
      });
      const larger = f.let(select(i32.gtS(b, 0), i32.add(b, 1), b));
      return i32.add(steps, i32.add(larger, larger));
    });
    assert.equal(f(27, 0), 111);
    assert.equal(f(27, 4), 111 + 10);
    assert.equal(f(1, -3), -6);
  });

  it("a loop's bounds are unsigned, and its end is computed once", () => {
    const turns = compileI32((f, from, to) => {
      const count = f.local("i32");
      const bound = f.let(to);
      f.forRange(from, i32.add(bound, 0), 1, () => {
        f.increment(bound, 1);
        f.increment(count, 1);
      });
      return count;
    });
    assert.equal(turns(3, 10), 7);
    assert.equal(turns(10, 3), 0);
    assert.equal(turns(2 ** 31 - 2, 2 ** 31 + 2), 4);
  });

  it("large functions and many locals", () => {
    const f = compileI32((f, a) => {
      const locals = Array.from({ length: 300 }, (_, i) => f.let(i32.add(a, i)));
      return locals.reduce<Value<"i32">>((sum, x) => i32.add(sum, x), i32.const(0));
    });
    assert.equal(f(1000, 0), 300 * 1000 + (299 * 300) / 2);
  });
});
