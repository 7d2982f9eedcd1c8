import { sized, unsigned, vector } from "./encoding.ts";
import { asI32, f32x4, laneIndex, lift, memarg } from "./instructions.ts";
import type { Operand, Value, ValueType } from "./instructions.ts";

/** A local variable; as an expression, its value at the moment a statement uses it. */
export interface Local<T extends ValueType> extends Value<T> {
  readonly index: number;
}

/** The parameters of a function, as locals. */
export type Locals<P extends readonly ValueType[]> = { readonly [K in keyof P]: Local<P[K]> };
/** The arguments of a call. */
type Operands<P extends readonly ValueType[]> = { readonly [K in keyof P]: Operand<P[K]> };

/** A place to branch to: the end of a block, the top of a loop. */
export interface Label {
  readonly depth: number;
}

/** A function of the module, to be called from another one. `R` is undefined where it returns nothing. */
export interface Func<P extends readonly ValueType[], R extends ValueType | undefined> {
  readonly index: number;
  readonly params: P;
  readonly result: R;
}

/** What the engine that will run the module can do. */
export interface Features {
  /** Whether the imported memory is shared between threads. */
  readonly shared: boolean;
  /** Whether the engine has the relaxed SIMD instructions (fused multiply-add). */
  readonly relaxedSimd: boolean;
}

/** @internal The codes of the types. */
export const TYPE = { i32: 0x7f, f32: 0x7d, v128: 0x7b } as const satisfies Record<ValueType, number>;
const STORE = { i32: [0x36], f32: [0x38], v128: [0xfd, 0x0b] } as const satisfies Record<
  ValueType,
  readonly number[]
>;
const OP = { block: 0x02, loop: 0x03, if: 0x04, else: 0x05, end: 0x0b, br: 0x0c, brIf: 0x0d, call: 0x10, localGet: 0x20, localSet: 0x21 } as const; // prettier-ignore
const NO_RESULT = 0x40;

const isLocal = (x: Operand<ValueType>): boolean => typeof x === "object" && "index" in x;

/** @internal */
export const local = <T extends ValueType>(type: T, index: number): Local<T> => ({
  type,
  index,
  code: [OP.localGet, ...unsigned(index)],
});

const argument = (x: Operand<ValueType>, type: ValueType): Value<ValueType> =>
  typeof x === "number" ? lift[type](x) : x;

const callCode = (
  func: Func<readonly ValueType[], ValueType | undefined>,
  args: readonly Operand<ValueType>[],
) => [
  ...func.params.flatMap((type, i) => argument(args[i] ?? 0, type).code),
  OP.call,
  ...unsigned(func.index),
];

/** The result of a function of the same module, as an expression. */
export const call = <const P extends readonly ValueType[], R extends ValueType>(
  func: Func<P, R>,
  ...args: Operands<P>
): Value<R> => ({ type: func.result, code: callCode(func, args) });

/** The statements of one function, written in order. Made by `ModuleBuilder.func`. */
export class FunctionBuilder {
  readonly #features: Features;
  readonly #params: number;
  readonly #locals: ValueType[] = [];
  readonly #code: number[] = [];
  #depth = 0;

  /** @internal */
  constructor(params: number, features: Features) {
    this.#params = params;
    this.#features = features;
  }

  /** A new local variable, 0 at the start of the function (not at each turn of a loop). */
  local<T extends ValueType>(type: T): Local<T> {
    return local(type, this.#params + this.#locals.push(type) - 1);
  }

  /** A new local variable that holds `value` from here on. A bare number is an i32. */
  let(value: Operand<"i32">): Local<"i32">;
  let<T extends ValueType>(value: Value<T>): Local<T>;
  let(value: Operand<ValueType>): Local<ValueType> {
    const variable = this.local(typeof value === "number" ? "i32" : value.type);
    this.set(variable, value);
    return variable;
  }

  /** variable = value. A bare number in a vector is four floats. */
  set<T extends ValueType>(variable: Local<T>, value: Operand<T>): void {
    this.#emit(argument(value, variable.type).code, [OP.localSet], unsigned(variable.index));
  }

  /** variable += step */
  increment(variable: Local<"i32">, step: Operand<"i32">): void {
    this.#emit(variable.code, asI32(step).code, [0x6a, OP.localSet], unsigned(variable.index));
  }

  /** memory[address + offset] = value, 4 or 16 bytes by the type of the value. */
  store(address: Operand<"i32">, value: Value<ValueType>, offset = 0): void {
    this.#emit(asI32(address).code, value.code, STORE[value.type], memarg(offset));
  }

  /** memory[address + offset] = one 32-bit lane of a vector. */
  storeLane(address: Operand<"i32">, vector: Value<"v128">, lane: number, offset = 0): void {
    this.#emit(asI32(address).code, vector.code, [0xfd, 0x5a], memarg(offset), [laneIndex(lane)]);
  }

  /** Sets bytes to the low 8 bits of `byte`. */
  memoryFill(to: Operand<"i32">, byte: Operand<"i32">, bytes: Operand<"i32">): void {
    this.#emit(asI32(to).code, asI32(byte).code, asI32(bytes).code, [0xfc, 0x0b, 0]);
  }

  /** a * b + c, fused if the engine has relaxed SIMD. */
  madd(a: Operand<"v128">, b: Operand<"v128">, c: Operand<"v128">): Value<"v128"> {
    return this.#features.relaxedSimd ? f32x4.relaxedMadd(a, b, c) : f32x4.add(f32x4.mul(a, b), c);
  }

  /** c - a * b, fused if the engine has relaxed SIMD. */
  nmadd(a: Operand<"v128">, b: Operand<"v128">, c: Operand<"v128">): Value<"v128"> {
    return this.#features.relaxedSimd ? f32x4.relaxedNmadd(a, b, c) : f32x4.sub(c, f32x4.mul(a, b));
  }

  /** Calls a function that returns nothing. */
  call<const P extends readonly ValueType[]>(func: Func<P, undefined>, ...args: Operands<P>): void {
    this.#emit(callCode(func, args));
  }

  /** Statements whose end can be branched to. */
  block(body: (end: Label) => void): void {
    this.#nest(OP.block, body);
  }

  /** Statements whose start can be branched to; without a branch they run once. */
  loop(body: (top: Label) => void): void {
    this.#nest(OP.loop, body);
  }

  /** Continues at the label. */
  br(label: Label): void {
    this.#emit([OP.br], unsigned(this.#depth - label.depth));
  }

  /** Continues at the label if the condition is not 0. */
  brIf(label: Label, condition: Operand<"i32">): void {
    this.#emit(asI32(condition).code, [OP.brIf], unsigned(this.#depth - label.depth));
  }

  /** Runs `then` if the condition is not 0, else `otherwise`. */
  if(condition: Operand<"i32">, then: () => void, otherwise?: () => void): void {
    this.#emit(asI32(condition).code);
    this.#nest(OP.if, () => {
      then();
      if (otherwise !== undefined) {
        this.#emit([OP.else]);
        otherwise();
      }
    });
  }

  /**
   * for (i = from; i < to; i += step) body(i). All are unsigned, so that i may be a pointer: write `n & ~3`, not
   * `n - 3`, for a bound that small n would carry below 0. `to` is evaluated once, before the loop, unless it is
   * a local (read at each turn).
   */
  forRange(
    from: Operand<"i32">,
    to: Operand<"i32">,
    step: Operand<"i32">,
    body: (i: Local<"i32">) => void,
  ): void {
    const i = this.let(from);
    const end = typeof to === "number" ? asI32(to) : isLocal(to) ? to : this.let(to);
    const inside: Value<"i32"> = { type: "i32", code: [...i.code, ...end.code, 0x49] };
    this.if(inside, () => {
      this.loop((top) => {
        body(i);
        this.increment(i, step);
        this.brIf(top, inside);
      });
    });
  }

  /** @internal The function's entry in the code section. */
  encode(result: Value<ValueType> | undefined): number[] {
    const locals = this.#locals.map((type) => [1, TYPE[type]]);
    const body = [...vector(locals), ...this.#code, ...(result?.code ?? []), OP.end];
    return sized(body);
  }

  #nest(opcode: number, body: (label: Label) => void): void {
    this.#emit([opcode, NO_RESULT]);
    this.#depth++;
    body({ depth: this.#depth });
    this.#depth--;
    this.#emit([OP.end]);
  }

  #emit(...code: (readonly number[])[]): void {
    for (const part of code) for (const byte of part) this.#code.push(byte);
  }
}
