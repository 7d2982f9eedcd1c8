import assert from "node:assert/strict";
import fc from "fast-check";
import { ModuleBuilder, v128 } from "../../engine/backends/cpu/assembler.ts";
import type { FunctionBuilder, Local, Value } from "../../engine/backends/cpu/assembler.ts";
import { instantiate, newMemory } from "../../engine/backends/cpu/webassembly.ts";

/** A module for memory that is not shared. */
export const newModule = (): ModuleBuilder => new ModuleBuilder({ shared: false });

/** Such a memory of some pages. */
export const newPages = (initial = 1) => newMemory({ initial, maximum: 65536, shared: false });

/** Compiles one function of two integers and an optional body before its result. */
export function compileI32(body: (f: FunctionBuilder, a: Local<"i32">, b: Local<"i32">) => Value<"i32">) {
  const module = newModule();
  module.func({ params: ["i32", "i32"], result: "i32", export: "f" }, body);
  const { f } = instantiate(module.encode(), newPages());
  assert(f);
  return f;
}

/** Compiles an expression of two floats. */
export function compileF32(expression: (a: Local<"f32">, b: Local<"f32">) => Value<"f32">) {
  const module = newModule();
  module.func({ params: ["f32", "f32"], result: "f32", export: "f" }, (_, a, b) => expression(a, b));
  const { f } = instantiate(module.encode(), newPages());
  assert(f);
  return f;
}

/** Compiles an expression of up to three vectors, to be called with arrays of 4 bit patterns (i32) each. */
export function compileVector(
  expression: (a: Value<"v128">, b: Value<"v128">, c: Value<"v128">) => Value<"v128">,
): (...vectors: ArrayLike<number>[]) => Int32Array {
  const module = newModule();
  module.task((f, args) => {
    f.store(args, expression(v128.load(args), v128.load(args, 16), v128.load(args, 32)), 48);
  });
  const memory = newPages();
  const { task } = instantiate(module.encode(), memory);
  assert(task);
  return (...vectors) => {
    const words = new Int32Array(memory.buffer);
    vectors.forEach((vector, i) => {
      words.set(vector, 4 * i);
    });
    task(0, 0);
    return words.slice(12, 16);
  };
}

/** The bit patterns of floats. */
export const bitsOf = (floats: readonly number[]): Int32Array =>
  new Int32Array(new Float32Array(floats).buffer);

/** The floats of bit patterns. */
export const floatsOf = (bits: Int32Array): number[] => [...new Float32Array(bits.buffer)];

const int = fc.oneof(fc.integer(), fc.constantFrom(0, 1, -1, 2 ** 31 - 1, -(2 ** 31)));
/** Lanes of integers, the extremes among them. */
export const fourInts = fc.tuple(int, int, int, int);

const float = fc.oneof(fc.float({ noNaN: true }), fc.integer({ min: -8, max: 8 }).map((i) => i / 2)); // prettier-ignore
/** Lanes of floats, halves and infinities among them. */
export const fourFloats = fc.tuple(float, float, float, float);
