import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import {
  call,
  f32,
  f32x4,
  i32,
  i32x4,
  ModuleBuilder,
  select,
  v128,
} from "../../engine/backends/cpu/assembler.ts";
import type { Func, FunctionBuilder, Local, Value, ValueType } from "../../engine/backends/cpu/assembler.ts";

type Numbers = readonly number[];

/** Assembles a module against an unshared memory of one page (or as given) and instantiates it. */
function instantiate(module: ModuleBuilder, memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 })) {
  const { exports } = new WebAssembly.Instance(new WebAssembly.Module(Uint8Array.from(module.encode())), {
    env: { memory },
  });
  return (name: string, ...args: Numbers): unknown => {
    const f = exports[name];
    assert(typeof f === "function");
    return (f as (...args: Numbers) => unknown)(...args);
  };
}

const newModule = () => new ModuleBuilder({ shared: false });

/** f(a, b) of an expression of two i32. */
function evaluateI32(
  expression: (a: Local<"i32">, b: Local<"i32">) => Value<"i32">,
  a: number,
  b: number,
): unknown {
  const module = newModule();
  module.func({ params: ["i32", "i32"], result: "i32", export: "f" }, (_, a, b) => expression(a, b));
  return instantiate(module)("f", a, b);
}

describe("assembler", () => {
  it("smoke", () => {
    const module = newModule();
    module.task((f, args) => {
      const a = f.let(v128.load32Splat(args, 0));
      const bytes = f.let(i32.shl(i32.load(args, 4), 2));
      f.forRange(0, bytes, 16, (i) => {
        const y = f.let(i32.add(i32.load(args, 12), i));
        f.store(y, f.madd(a, v128.load(i32.add(i32.load(args, 8), i)), v128.load(y)));
      });
    });
    const memory = new WebAssembly.Memory({ initial: 1, maximum: 65536 });
    const floats = new Float32Array(memory.buffer);
    const words = new Int32Array(memory.buffer);
    floats[0] = 2;
    words[1] = 8;
    words[2] = 64;
    words[3] = 128;
    for (let i = 0; i < 9; i++) [floats[16 + i], floats[32 + i]] = [i, 100];
    instantiate(module, memory)("task", 0, 0);
    assert.deepEqual([...floats.slice(32, 41)], [100, 102, 104, 106, 108, 110, 112, 114, 100]);
  });
});
