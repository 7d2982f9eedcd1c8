import assert from "node:assert/strict";
import { describe, it } from "node:test";
import fc from "fast-check";
import { enableRelaxedSimd } from "#platform";
import { f32, f32x4, i32, i32x4, ModuleBuilder, v128 } from "../../engine/backends/cpu/assembler.ts";
import type { Operand, Value, ValueType } from "../../engine/backends/cpu/assembler.ts";
import { instantiate } from "../../engine/backends/cpu/webassembly.ts";
import {
  bitsOf,
  compileF32,
  compileI32,
  compileVector,
  floatsOf,
  fourFloats,
  fourInts,
  newPages,
} from "./compile.ts";

type Binary<A extends ValueType, R extends ValueType> = (a: Operand<A>, b: Operand<A>) => Value<R>;
type Meaning<R> = (a: number, b: number) => R;

const u = (x: number): number => x >>> 0;

/** Name, scalar and vector instruction, and what they mean in JavaScript (`| 0` is added). */
const integerOps: [string, Binary<"i32", "i32"> | null, Binary<"v128", "v128"> | null, Meaning<number>][] = [
  ["add", i32.add, i32x4.add, (a, b) => a + b],
  ["sub", i32.sub, i32x4.sub, (a, b) => a - b],
  ["mul", i32.mul, i32x4.mul, Math.imul],
  ["div_s", i32.divS, null, (a, b) => a / b],
  ["div_u", i32.divU, null, (a, b) => u(a) / u(b)],
  ["rem_s", i32.remS, null, (a, b) => a % b],
  ["rem_u", i32.remU, null, (a, b) => u(a) % u(b)],
  ["and", i32.and, v128.and, (a, b) => a & b],
  ["andnot", null, v128.andnot, (a, b) => a & ~b],
  ["or", i32.or, v128.or, (a, b) => a | b],
  ["xor", i32.xor, v128.xor, (a, b) => a ^ b],
  ["shl", i32.shl, null, (a, b) => a << b],
  ["shr_s", i32.shrS, null, (a, b) => a >> b],
  ["shr_u", i32.shrU, null, (a, b) => a >>> b],
  ["min_s", null, i32x4.minS, Math.min],
  ["max_s", null, i32x4.maxS, Math.max],
];

const integerComparisons: [string, Binary<"i32", "i32">, Binary<"v128", "v128"> | null, Meaning<boolean>][] =
  [
    ["eq", i32.eq, i32x4.eq, (a, b) => a === b],
    ["ne", i32.ne, i32x4.ne, (a, b) => a !== b],
    ["lt_s", i32.ltS, i32x4.ltS, (a, b) => a < b],
    ["lt_u", i32.ltU, null, (a, b) => u(a) < u(b)],
    ["gt_s", i32.gtS, i32x4.gtS, (a, b) => a > b],
    ["gt_u", i32.gtU, null, (a, b) => u(a) > u(b)],
    ["le_s", i32.leS, i32x4.leS, (a, b) => a <= b],
    ["le_u", i32.leU, null, (a, b) => u(a) <= u(b)],
    ["ge_s", i32.geS, i32x4.geS, (a, b) => a >= b],
    ["ge_u", i32.geU, null, (a, b) => u(a) >= u(b)],
  ];

/** Rounds to the nearest integer, ties to even. */
const nearest = (x: number): number => (Math.abs(x % 1) === 0.5 ? 2 * Math.round(x / 2) : Math.round(x));

const floatUnary = [
  ["abs", f32.abs, f32x4.abs, Math.abs],
  ["neg", f32.neg, f32x4.neg, (x: number) => -x],
  ["sqrt", f32.sqrt, f32x4.sqrt, Math.sqrt],
  ["ceil", f32.ceil, f32x4.ceil, Math.ceil],
  ["floor", f32.floor, f32x4.floor, Math.floor],
  ["trunc", f32.trunc, f32x4.trunc, Math.trunc],
  ["nearest", f32.nearest, f32x4.nearest, nearest],
] as const;

const floatBinary: [string, Binary<"f32", "f32"> | null, Binary<"v128", "v128">, Meaning<number>][] = [
  ["add", f32.add, f32x4.add, (a, b) => a + b],
  ["sub", f32.sub, f32x4.sub, (a, b) => a - b],
  ["mul", f32.mul, f32x4.mul, (a, b) => a * b],
  ["div", f32.div, f32x4.div, (a, b) => a / b],
  ["min", f32.min, f32x4.min, Math.min],
  ["max", f32.max, f32x4.max, Math.max],
  ["pmin", null, f32x4.pmin, (a, b) => (b < a ? b : a)],
  ["pmax", null, f32x4.pmax, (a, b) => (a < b ? b : a)],
];

const floatComparisons: [string, Binary<"f32", "i32">, Binary<"v128", "v128">, Meaning<boolean>][] = [
  ["eq", f32.eq, f32x4.eq, (a, b) => a === b],
  ["ne", f32.ne, f32x4.ne, (a, b) => a !== b],
  ["lt", f32.lt, f32x4.lt, (a, b) => a < b],
  ["gt", f32.gt, f32x4.gt, (a, b) => a > b],
  ["le", f32.le, f32x4.le, (a, b) => a <= b],
  ["ge", f32.ge, f32x4.ge, (a, b) => a >= b],
];

/** Equal after rounding to f32, as numbers: two NaNs are equal, 0 and -0 are. */
function assertFloats(got: readonly unknown[], want: readonly number[]): void {
  assert.deepEqual(got.map((x) => Number(x) + 0), want.map((x) => Math.fround(x) + 0)); // prettier-ignore
}

/** 1 or 0 of a scalar comparison; all ones or zeros of a vector comparison. */
const asMask = (condition: boolean): number => (condition ? -1 : 0);

describe("instructions mean what WebAssembly says", () => {
  for (const [name, scalar, vector, meaning] of integerOps) {
    it(`i32 ${name}`, () => {
      const f = scalar && compileI32((_, a, b) => scalar(a, b));
      const g = vector && compileVector(vector);
      fc.assert(
        fc.property(fourInts, fourInts, (a, b) => {
          const traps = /div|rem/.test(name) && (b[0] === 0 || (a[0] === -(2 ** 31) && b[0] === -1));
          if (f && !traps) assert.equal(f(a[0], b[0]), meaning(a[0], b[0]) | 0);
          if (g) assert.deepEqual([...g(a, b)], a.map((x, i) => meaning(x, b[i]!) | 0)); // prettier-ignore
        }),
      );
    });
  }

  for (const [name, scalar, vector, meaning] of integerComparisons) {
    it(`i32 ${name}`, () => {
      const f = compileI32((_, a, b) => scalar(a, b));
      const g = vector && compileVector(vector);
      fc.assert(
        fc.property(fourInts, fc.oneof(fourInts, fc.constant(null)), (a, other) => {
          const b = other ?? a;
          assert.equal(f(a[0], b[0]), Number(meaning(a[0], b[0])));
          if (g) assert.deepEqual([...g(a, b)], a.map((x, i) => asMask(meaning(x, b[i]!)))); // prettier-ignore
        }),
      );
    });
  }

  for (const [name, scalar, vector, meaning] of floatUnary) {
    it(`f32 ${name}`, () => {
      const f = compileF32((a) => scalar(a));
      const g = compileVector((a) => vector(a));
      fc.assert(
        fc.property(fourFloats, (a) => {
          assertFloats([f(a[0], 0)], [meaning(a[0])]);
          assertFloats(floatsOf(g(bitsOf(a))), a.map(meaning));
        }),
      );
    });
  }

  for (const [name, scalar, vector, meaning] of floatBinary) {
    it(`f32 ${name}`, () => {
      const f = scalar && compileF32((a, b) => scalar(a, b));
      const g = compileVector(vector);
      fc.assert(
        fc.property(fourFloats, fourFloats, (a, b) => {
          if (f) assertFloats([f(a[0], b[0])], [meaning(a[0], b[0])]);
          assertFloats(floatsOf(g(bitsOf(a), bitsOf(b))), a.map((x, i) => meaning(x, b[i]!))); // prettier-ignore
        }),
      );
    });
  }

  for (const [name, scalar, vector, meaning] of floatComparisons) {
    it(`f32 ${name}`, () => {
      const f = compileF32((a, b) => f32.convertI32S(scalar(a, b)));
      const g = compileVector(vector);
      fc.assert(
        fc.property(fourFloats, fc.oneof(fourFloats, fc.constant(null)), (a, other) => {
          const b = other ?? a;
          assert.equal(f(a[0], b[0]), Number(meaning(a[0], b[0])));
          assert.deepEqual([...g(bitsOf(a), bitsOf(b))], a.map((x, i) => asMask(meaning(x, b[i]!)))); // prettier-ignore
        }),
      );
    });
  }

  it("vector shifts, bits and conversions", () => {
    const truncSat = (x: number): number => Math.max(-(2 ** 31), Math.min(2 ** 31 - 1, Math.trunc(x))) | 0;
    const integers: [
      (a: Value<"v128">, b: Value<"v128">, c: Value<"v128">) => Value<"v128">,
      (x: number, y: number, m: number) => number,
    ][] = [
      [(a) => i32x4.shl(a, 23), (x) => x << 23],
      [(a) => i32x4.shrS(a, 5), (x) => x >> 5],
      [(a) => i32x4.shrU(a, 5), (x) => (x >>> 5) | 0],
      [(a) => v128.not(a), (x) => ~x],
      [(a) => i32x4.neg(a), (x) => -x | 0],
      [(a) => i32x4.abs(a), (x) => Math.abs(x) | 0],
      [v128.bitselect, (x, y, m) => (x & m) | (y & ~m)],
    ];
    const compiled = integers.map(([expression, meaning]) => [compileVector(expression), meaning] as const);
    const convert = compileVector((a) => f32x4.convertI32x4S(a));
    const truncate = compileVector((a) => i32x4.truncSatF32x4S(a));
    fc.assert(
      fc.property(fourInts, fourInts, fourInts, fourFloats, (a, b, c, x) => {
        for (const [f, meaning] of compiled) {
          assert.deepEqual([...f(a, b, c)], a.map((lane, i) => meaning(lane, b[i]!, c[i]!))); // prettier-ignore
        }
        assert.deepEqual(floatsOf(convert(a)), a.map(Math.fround));
        assert.deepEqual([...truncate(bitsOf(x))], x.map(truncSat));
      }),
    );
  });

  it("scalar conversions and bits", () => {
    const truncate = compileI32((_, a) => i32.truncSatF32S(f32.reinterpretI32(a)));
    const roundTrip = compileI32((_, a) => i32.reinterpretF32(f32.reinterpretI32(a)));
    const convertU = compileI32((_, a) => i32.reinterpretF32(f32.convertI32U(a)));
    const isZero = compileI32((_, a) => i32.eqz(a));
    const anyTrue = compileI32((_, a) => v128.anyTrue(i32x4.replaceLane(i32x4.const(0), 2, a)));
    fc.assert(
      fc.property(fourInts, ([a]) => {
        assert.equal(truncate(bitsOf([a])[0]!, 0), Math.min(Math.fround(a), 2 ** 31 - 1));
        assert.equal(convertU(a, 0), bitsOf([u(a)])[0]);
        assert.equal(isZero(a, 0), Number(a === 0));
        assert.equal(anyTrue(a, 0), Number(a !== 0));
        if (!Number.isNaN(floatsOf(Int32Array.of(a))[0])) assert.equal(roundTrip(a, 0), a);
      }),
    );
  });

  it("fused or not, madd and nmadd are a * b + c and c - a * b", () => {
    enableRelaxedSimd();
    for (const relaxedSimd of [false, true]) {
      const module = new ModuleBuilder({ shared: false, relaxedSimd });
      module.task((f, args) => {
        const [a, b, c] = [v128.load(args), v128.load(args, 16), v128.load(args, 32)];
        f.store(args, f.madd(a, b, c), 48);
        f.store(args, f.nmadd(a, b, c), 64);
      });
      const memory = newPages();
      const floats = new Float32Array(memory.buffer);
      floats.set([1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12]);
      instantiate(module.encode(), memory).task?.(0, 0);
      assert.deepEqual([...floats.slice(12, 20)], [14, 22, 32, 44, 4, -2, -10, -20]);
    }
  });
});
