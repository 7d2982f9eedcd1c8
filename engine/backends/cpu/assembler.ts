/**
 * A small WebAssembly assembler: expressions (`instructions.ts`) in the statements of functions (`function.ts`) in a
 * module, which is put together here.
 *
 * ```ts
 * // y[i] += a * x[i] for n floats, n a multiple of 4; args = [a, n, x, y]
 * const module = new ModuleBuilder();
 * module.task((f, args) => {
 *   const a = f.let(v128.load32Splat(args, 0));
 *   const bytes = f.let(i32.shl(i32.load(args, 4), 2));
 *   f.forRange(0, bytes, 16, (i) => {
 *     const y = f.let(i32.add(i32.load(args, 12), i));
 *     f.store(y, f.madd(a, v128.load(i32.add(i32.load(args, 8), i)), v128.load(y)));
 *   });
 * });
 * const bytes = module.encode();
 * ```
 */
import { section, text, unsigned, vector } from "./encoding.ts";
import { FunctionBuilder, local, TYPE } from "./function.ts";
import type { Features, Func, Local, Locals } from "./function.ts";
import type { Value, ValueType } from "./instructions.ts";

export { call } from "./function.ts";
export type { Features, Func, FunctionBuilder, Label, Local } from "./function.ts";
export { f32, f32x4, f64x2, i32, i32x4, select, v128 } from "./instructions.ts";
export type { Operand, Value, ValueType } from "./instructions.ts";

/** A module under construction: it imports the memory "env"."memory" and exports what its functions ask for. */
export class ModuleBuilder {
  readonly #features: Features;
  readonly #types: number[][] = [];
  readonly #exports: number[][] = [];
  readonly #code: number[][] = [];

  constructor(features: Partial<Features> = {}) {
    this.#features = { shared: true, relaxedSimd: false, ...features };
  }

  /**
   * Adds a function. `body` writes its statements and returns the result, if it has one:
   * `module.func({ params: ["f32"], result: "f32" }, (f, x) => f32.mul(x, x))`.
   */
  func<const P extends readonly ValueType[], R extends ValueType>(
    signature: { readonly params: P; readonly result: R; readonly export?: string },
    body: (f: FunctionBuilder, ...params: Locals<P>) => Value<R>,
  ): Func<P, R>;
  func<const P extends readonly ValueType[]>(
    signature: { readonly params: P; readonly export?: string },
    body: (f: FunctionBuilder, ...params: Locals<P>) => void,
  ): Func<P, undefined>;
  func(
    signature: {
      readonly params: readonly ValueType[];
      readonly result?: ValueType;
      readonly export?: string;
    },
    body: (f: FunctionBuilder, ...params: Local<ValueType>[]) => Value<ValueType> | void,
  ): Func<readonly ValueType[], ValueType | undefined> {
    const { params, result } = signature;
    const f = new FunctionBuilder(params.length, this.#features);
    const value = body(f, ...params.map(local));
    const index = this.#code.push(f.encode(value ?? undefined)) - 1;
    const types = (list: readonly ValueType[]): number[] => vector(list.map((type) => [TYPE[type]]));
    this.#types.push([0x60, ...types(params), ...types(result === undefined ? [] : [result])]);
    if (signature.export !== undefined)
      this.#exports.push([...text(signature.export), 0x00, ...unsigned(index)]);
    return { index, params, result };
  }

  /** Adds the entry point that `Machine` runs: `task(args: pointer to the argument words, index of the task)`. */
  task(body: (f: FunctionBuilder, args: Local<"i32">, index: Local<"i32">) => void): void {
    this.func({ params: ["i32", "i32"], export: "task" }, body);
  }

  /** The module's bytes. */
  encode(): Uint8Array {
    // Limits: at least 1 page of 64 KiB, at most 65536 (4 GiB).
    const limits = [this.#features.shared ? 0x03 : 0x01, ...unsigned(1), ...unsigned(65536)];
    const memory = [...text("env"), ...text("memory"), 0x02, ...limits];
    return new Uint8Array([
      ...[0x00, 0x61, 0x73, 0x6d, 0x01, 0x00, 0x00, 0x00],
      ...section(1, this.#types),
      ...section(2, [memory]),
      ...section(
        3,
        this.#types.map((_, i) => unsigned(i)),
      ),
      ...section(7, this.#exports),
      ...section(10, this.#code),
    ]);
  }
}
