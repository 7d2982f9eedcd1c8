/**
 * WebAssembly instructions as typed expressions.
 *
 * An expression is a value: `f32x4.add(a, f32x4.mul(b, 2))` builds the bytes that leave one v128 on the stack,
 * and TypeScript refuses to mix i32, f32 and v128. Bare numbers stand for constants of the type that the
 * instruction takes (in vector instructions: the same number in every lane). Names are those of the WebAssembly
 * specification in camel case.
 */
import { ValueError } from "../../errors.ts";
import { signed, unsigned } from "./encoding.ts";

/** The WebAssembly types used here. Pointers are unsigned i32, vectors are four lanes of f32 or i32. */
export type ValueType = "i32" | "f32" | "v128";

/**
 * The instructions that leave one value of type `T` on the stack.
 * A recipe, not a result: it is evaluated wherever a statement uses it, as often as it is used.
 * To compute something once, put it in a local with `f.let(...)`.
 */
export interface Value<T extends ValueType> {
  readonly type: T;
  readonly code: readonly number[];
}

/** What an instruction takes for an argument of type `T`: an expression or a constant. */
export type Operand<T extends ValueType> = Value<T> | number;

const lanesToBytes = (lanes: Float32Array | Int32Array): number[] => [...new Uint8Array(lanes.buffer)];

const none: readonly number[] = [];
// concat is several times faster than flat, and most of the time it takes to write a module is spent here.
const value = <T extends ValueType>(type: T, ...code: (readonly number[])[]): Value<T> => ({
  type,
  code: none.concat(...code),
});

const simd = (opcode: number): number[] => [0xfd, ...unsigned(opcode)];

/** -2^31 <= x < 2^32: both a signed number and a pointer above 2 GiB are one i32. */
function i32Const(x: number): Value<"i32"> {
  if (!Number.isInteger(x) || x < -(2 ** 31) || x >= 2 ** 32)
    throw new ValueError(`i32.const: expected an integer of 32 bits, got ${x}`);
  return value("i32", [0x41], signed(x | 0));
}

const f32Const = (x: number): Value<"f32"> => value("f32", [0x43], lanesToBytes(new Float32Array([x])));

/** One number for all four lanes, or four numbers, lane 0 first. */
type Lanes = readonly [number, number, number, number];
const f32x4Const = (...x: [number] | Lanes): Value<"v128"> =>
  value(
    "v128",
    simd(0x0c),
    lanesToBytes(x.length === 1 ? new Float32Array(4).fill(x[0]) : new Float32Array(x)),
  );
const f64x2Const = (x: number): Value<"v128"> =>
  value("v128", simd(0x0c), [...new Uint8Array(new Float64Array(2).fill(x).buffer)]);
const i32x4Const = (...x: [number] | Lanes): Value<"v128"> =>
  value("v128", simd(0x0c), lanesToBytes(x.length === 1 ? new Int32Array(4).fill(x[0]) : new Int32Array(x)));

type Lift<T extends ValueType> = (x: Operand<T>) => Value<T>;
/** @internal A number as a constant; an expression as it is. */
export const asI32: Lift<"i32"> = (x) => (typeof x === "number" ? i32Const(x) : x);
const asF32: Lift<"f32"> = (x) => (typeof x === "number" ? f32Const(x) : x);
const asF32x4: Lift<"v128"> = (x) => (typeof x === "number" ? f32x4Const(x) : x);
const asF64x2: Lift<"v128"> = (x) => (typeof x === "number" ? f64x2Const(x) : x);
const asI32x4: Lift<"v128"> = (x) => (typeof x === "number" ? i32x4Const(x) : x);

/** @internal How each type takes a bare number; a vector takes it as four floats. */
export const lift: { readonly [T in ValueType]: Lift<T> } = { i32: asI32, f32: asF32, v128: asF32x4 };

const unary =
  <A extends ValueType, R extends ValueType>(lift: Lift<A>, result: R, opcode: readonly number[]) =>
  (a: Operand<A>): Value<R> =>
    value(result, lift(a).code, opcode);

const binary =
  <A extends ValueType, R extends ValueType>(lift: Lift<A>, result: R, opcode: readonly number[]) =>
  (a: Operand<A>, b: Operand<A>): Value<R> =>
    value(result, lift(a).code, lift(b).code, opcode);

/**
 * @internal Alignment hint 2^2 and offset. Every access here is of 4 bytes or more to arrays of 4-byte words;
 * the hint changes nothing but the size of the code.
 */
export const memarg = (offset: number): number[] => [2, ...unsigned(offset)];

const load =
  <R extends ValueType>(result: R, opcode: readonly number[]) =>
  (address: Operand<"i32">, offset = 0): Value<R> =>
    value(result, asI32(address).code, opcode, memarg(offset));

/** @internal */
export function laneIndex(lane: number, lanes = 4): number {
  if (!Number.isInteger(lane) || lane < 0 || lane >= lanes)
    throw new ValueError(`lane: expected an integer in 0..${lanes - 1}, got ${lane}`);
  return lane;
}

const i32Unary = (opcode: number) => unary(asI32, "i32", [opcode]);
const i32Binary = (opcode: number) => binary(asI32, "i32", [opcode]);
const f32Unary = (opcode: number) => unary(asF32, "f32", [opcode]);
const f32Binary = (opcode: number) => binary(asF32, "f32", [opcode]);
const f32Compare = (opcode: number) => binary(asF32, "i32", [opcode]);
const f32x4Unary = (opcode: number) => unary(asF32x4, "v128", simd(opcode));
const f32x4Binary = (opcode: number) => binary(asF32x4, "v128", simd(opcode));
const f64x2Unary = (opcode: number) => unary(asF64x2, "v128", simd(opcode));
const f64x2Binary = (opcode: number) => binary(asF64x2, "v128", simd(opcode));
const i32x4Unary = (opcode: number) => unary(asI32x4, "v128", simd(opcode));
const i32x4Binary = (opcode: number) => binary(asI32x4, "v128", simd(opcode));
const i32x4Shift =
  (opcode: number) =>
  (a: Operand<"v128">, bits: Operand<"i32">): Value<"v128"> =>
    value("v128", asI32x4(a).code, asI32(bits).code, simd(opcode));
const f32x4Ternary =
  (opcode: number) =>
  (a: Operand<"v128">, b: Operand<"v128">, c: Operand<"v128">): Value<"v128"> =>
    value("v128", asF32x4(a).code, asF32x4(b).code, asF32x4(c).code, simd(opcode));

/** Integers and unsigned pointers. Comparisons give 0 or 1. */
export const i32 = {
  const: i32Const,
  load: load("i32", [0x28]),
  eqz: i32Unary(0x45),
  eq: i32Binary(0x46),
  ne: i32Binary(0x47),
  ltS: i32Binary(0x48),
  ltU: i32Binary(0x49),
  gtS: i32Binary(0x4a),
  gtU: i32Binary(0x4b),
  leS: i32Binary(0x4c),
  leU: i32Binary(0x4d),
  geS: i32Binary(0x4e),
  geU: i32Binary(0x4f),
  add: i32Binary(0x6a),
  sub: i32Binary(0x6b),
  mul: i32Binary(0x6c),
  divS: i32Binary(0x6d),
  divU: i32Binary(0x6e),
  remS: i32Binary(0x6f),
  remU: i32Binary(0x70),
  and: i32Binary(0x71),
  or: i32Binary(0x72),
  xor: i32Binary(0x73),
  shl: i32Binary(0x74),
  shrS: i32Binary(0x75),
  shrU: i32Binary(0x76),
  truncSatF32S: unary(asF32, "i32", [0xfc, 0x00]),
  reinterpretF32: unary(asF32, "i32", [0xbc]),
};

/** Single-precision scalars. Comparisons give an i32, 0 or 1. */
export const f32 = {
  const: f32Const,
  load: load("f32", [0x2a]),
  eq: f32Compare(0x5b),
  ne: f32Compare(0x5c),
  lt: f32Compare(0x5d),
  gt: f32Compare(0x5e),
  le: f32Compare(0x5f),
  ge: f32Compare(0x60),
  abs: f32Unary(0x8b),
  neg: f32Unary(0x8c),
  ceil: f32Unary(0x8d),
  floor: f32Unary(0x8e),
  trunc: f32Unary(0x8f),
  /** Rounds to the nearest integer, ties to even. */
  nearest: f32Unary(0x90),
  sqrt: f32Unary(0x91),
  add: f32Binary(0x92),
  sub: f32Binary(0x93),
  mul: f32Binary(0x94),
  div: f32Binary(0x95),
  min: f32Binary(0x96),
  max: f32Binary(0x97),
  convertI32S: unary(asI32, "f32", [0xb2]),
  convertI32U: unary(asI32, "f32", [0xb3]),
  reinterpretI32: unary(asI32, "f32", [0xbe]),
};

/** Whole vectors: memory access and bits. A bare number is a bit pattern, the same in four 32-bit lanes. */
export const v128 = {
  load: load("v128", simd(0x00)),
  /** One f32 or i32 in all four lanes. */
  load32Splat: load("v128", simd(0x09)),
  /** Two words in lanes 0, 1 and again in 2, 3. */
  load64Splat: load("v128", simd(0x0a)),
  /** One word in lane 0, zeros elsewhere. */
  load32Zero: load("v128", simd(0x5c)),
  /** `vector` with one lane replaced by a word from memory. */
  load32Lane: (address: Operand<"i32">, vector: Value<"v128">, lane: number, offset = 0): Value<"v128"> =>
    value("v128", asI32(address).code, vector.code, simd(0x56), memarg(offset), [laneIndex(lane)]),
  not: i32x4Unary(0x4d),
  and: i32x4Binary(0x4e),
  /** a AND NOT b. */
  andnot: i32x4Binary(0x4f),
  or: i32x4Binary(0x50),
  xor: i32x4Binary(0x51),
  /** Bits of `a` where `mask` is 1, of `b` where it is 0. */
  bitselect: (a: Value<"v128">, b: Value<"v128">, mask: Value<"v128">): Value<"v128"> =>
    value("v128", a.code, b.code, mask.code, simd(0x52)),
  anyTrue: unary(asI32x4, "i32", simd(0x53)),
  /** Lanes 0..3 are those of `a`, 4..7 those of `b`: `shuffle(a, b, [0, 4, 1, 5])` interleaves. */
  shuffle: (a: Value<"v128">, b: Value<"v128">, lanes: Lanes): Value<"v128"> =>
    value("v128", a.code, b.code, simd(0x0d), lanes.flatMap((lane) => [0, 1, 2, 3].map((byte) => 4 * laneIndex(lane, 8) + byte))), // prettier-ignore
};

/** Four single-precision lanes. Comparisons give all ones or all zeros in each lane (a mask for `v128.bitselect`). */
export const f32x4 = {
  const: f32x4Const,
  splat: unary(asF32, "v128", simd(0x13)),
  extractLane: (a: Value<"v128">, lane: number): Value<"f32"> =>
    value("f32", a.code, simd(0x1f), [laneIndex(lane)]),
  replaceLane: (a: Value<"v128">, lane: number, x: Operand<"f32">): Value<"v128"> =>
    value("v128", a.code, asF32(x).code, simd(0x20), [laneIndex(lane)]),
  eq: f32x4Binary(0x41),
  ne: f32x4Binary(0x42),
  lt: f32x4Binary(0x43),
  gt: f32x4Binary(0x44),
  le: f32x4Binary(0x45),
  ge: f32x4Binary(0x46),
  ceil: f32x4Unary(0x67),
  floor: f32x4Unary(0x68),
  trunc: f32x4Unary(0x69),
  /** Rounds to the nearest integer, ties to even. */
  nearest: f32x4Unary(0x6a),
  abs: f32x4Unary(0xe0),
  neg: f32x4Unary(0xe1),
  sqrt: f32x4Unary(0xe3),
  add: f32x4Binary(0xe4),
  sub: f32x4Binary(0xe5),
  mul: f32x4Binary(0xe6),
  div: f32x4Binary(0xe7),
  /** IEEE minimum: NaN if either is NaN. */
  min: f32x4Binary(0xe8),
  /** IEEE maximum: NaN if either is NaN. */
  max: f32x4Binary(0xe9),
  /** b < a ? b : a, one machine instruction. */
  pmin: f32x4Binary(0xea),
  /** a < b ? b : a, one machine instruction. */
  pmax: f32x4Binary(0xeb),
  convertI32x4S: unary(asI32x4, "v128", simd(0xfa)),
  /** a * b + c, rounded once or twice as the machine likes; needs relaxed SIMD (see `FunctionBuilder.madd`). */
  relaxedMadd: f32x4Ternary(0x105),
  /** c - a * b, rounded once or twice; needs relaxed SIMD (see `FunctionBuilder.nmadd`). */
  relaxedNmadd: f32x4Ternary(0x106),
};

/** Two double-precision lanes, for what single precision cannot hold. Bare numbers are doubles. */
export const f64x2 = {
  const: f64x2Const,
  nearest: f64x2Unary(0x94),
  add: f64x2Binary(0xf0),
  sub: f64x2Binary(0xf1),
  mul: f64x2Binary(0xf2),
  div: f64x2Binary(0xf3),
  /** b < a ? b : a, one machine instruction. */
  pmin: f64x2Binary(0xf6),
  /** a < b ? b : a, one machine instruction. */
  pmax: f64x2Binary(0xf7),
  /** Lanes 0 and 1 of four floats. */
  promoteLowF32x4: unary(asF32x4, "v128", simd(0x5f)),
  /** Rounded to floats in lanes 0 and 1; 0 in lanes 2 and 3. */
  demoteToF32x4: f64x2Unary(0x5e),
};

/** Four 32-bit integer lanes. Shift counts are scalars, the same for all lanes. */
export const i32x4 = {
  const: i32x4Const,
  splat: unary(asI32, "v128", simd(0x11)),
  extractLane: (a: Value<"v128">, lane: number): Value<"i32"> =>
    value("i32", a.code, simd(0x1b), [laneIndex(lane)]),
  replaceLane: (a: Value<"v128">, lane: number, x: Operand<"i32">): Value<"v128"> =>
    value("v128", a.code, asI32(x).code, simd(0x1c), [laneIndex(lane)]),
  eq: i32x4Binary(0x37),
  ne: i32x4Binary(0x38),
  ltS: i32x4Binary(0x39),
  gtS: i32x4Binary(0x3b),
  leS: i32x4Binary(0x3d),
  geS: i32x4Binary(0x3f),
  abs: i32x4Unary(0xa0),
  neg: i32x4Unary(0xa1),
  shl: i32x4Shift(0xab),
  shrS: i32x4Shift(0xac),
  shrU: i32x4Shift(0xad),
  add: i32x4Binary(0xae),
  sub: i32x4Binary(0xb1),
  mul: i32x4Binary(0xb5),
  minS: i32x4Binary(0xb6),
  maxS: i32x4Binary(0xb8),
  /** Truncates towards zero; saturates; NaN gives 0. */
  truncSatF32x4S: unary(asF32x4, "v128", simd(0xf8)),
};

/** `condition` is not 0 ? `a` : `b`; both are evaluated. */
export const select = <T extends ValueType>(condition: Operand<"i32">, a: Value<T>, b: Value<T>): Value<T> =>
  value(a.type, a.code, b.code, asI32(condition).code, [0x1b]);
