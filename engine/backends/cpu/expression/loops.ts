/**
 * What the map and the fold share: argument words by name, and operands that are walked by loops.
 */
import { f32x4, i32, v128 } from "../assembler.ts";
import type { FunctionBuilder, Local, Value } from "../assembler.ts";
import type { InnerStride, LoopStructure } from "../../../expr/kernel.ts";
import { range } from "../../../expr/space.ts";
import type { Params, Pointer } from "../../../kernel.ts";
import { f32Bits } from "../machine.ts";
import { Words } from "../task.ts";

/** What a call brings: parameters and addresses as every CPU body gets them, and how its work is cut. */
export interface Call {
  readonly params: Params<string>;
  readonly inputs: readonly Pointer[];
  readonly outputs: readonly Pointer[];
  readonly cut: Readonly<Record<string, number>>;
  /** Where partial results lie, of those that have any. */
  readonly partials?: Pointer;
}

/** The name of a 32-bit word that a task receives, where its value comes from, and when it changes. */
export type ArgumentWord = readonly [
  name: string,
  value: (call: Call) => number,
  changes: "never" | "each call",
];

/** The words of an expression kernel's task: which there are depends on its structure, so each brings its value. */
export class ArgumentWords extends Words<string> {
  readonly #words: readonly ArgumentWord[];
  readonly #changing: readonly (readonly [index: number, value: ArgumentWord[1]])[];
  /** A launch comes again and again with one record of parameters, in which sizes and strides do not change. */
  readonly #packed = new WeakMap<Params<string>, number[]>();

  constructor(words: readonly ArgumentWord[]) {
    super(words.map(([name]) => name));
    this.#words = words;
    this.#changing = words.flatMap(([, value, changes], i) =>
      changes === "never" ? [] : [[i, value] as const],
    );
  }

  /** A word as an integer. */
  load(args: Local<"i32">, name: string): Value<"i32"> {
    return this.reader(args)(name);
  }

  /** The words for a call, in order; they hold until the next. */
  pack(call: Call): readonly number[] {
    const known = this.#packed.get(call.params);
    if (known) {
      for (const [index, value] of this.#changing) known[index] = value(call);
      return known;
    }
    const words = this.#words.map(([, value]) => value(call));
    this.#packed.set(call.params, words);
    return words;
  }
}

/** Words that say how the work is cut, which follows from the parameters, and where partial results lie. */
export const cutWords = (names: readonly string[]): ArgumentWord[] =>
  names.map((name) =>
    name === "partials"
      ? [name, ({ partials }) => partials ?? 0, "each call"]
      : [name, ({ cut }) => cut[name] ?? 0, "never"],
  );

/** Which loops of a kernel: those that are kept or those that are folded. */
export type LoopKind = "kept" | "reduced";

/** The operands of a structure that are tensors: index, and whether its elements are integers. */
export const tensorsOf = ({ operands }: LoopStructure): { index: number; integer: boolean }[] =>
  operands.flatMap((kind, index) => (kind === "number" ? [] : [{ index, integer: kind === "i32" }]));

/** The words that describe a structure's operands and loops: lengths, strides in bytes, addresses, numbers as bits. */
export function operandWords(structure: LoopStructure): ArgumentWord[] {
  const loops = [
    ...range(structure.keptRank).map((i) => `kept${i}`),
    ...range(structure.reducedRank).map((i) => `reduced${i}`),
  ];
  const param = (name: string, factor = 1): ArgumentWord => [
    name,
    ({ params }) => factor * (params[name] ?? 0),
    "never",
  ];
  const numbers = structure.operands.flatMap((kind, i) => (kind === "number" ? [`x${i}`] : []));
  const tensors = tensorsOf(structure).map(({ index }) => `x${index}`);
  return [
    ...loops.map((loop) => param(loop)),
    ...numbers.map((name): ArgumentWord => [name, ({ params }) => f32Bits(params[name] ?? 0), "each call"]),
    ...tensors.map((name, i): ArgumentWord => [name, ({ inputs }) => inputs[i] ?? 0, "each call"]),
    ...tensors.flatMap((name) => loops.map((loop) => param(`${name}_${loop}`, 4))),
  ];
}

/** Moves every pointer to the element at which the loops of one kind stand when their flat index is `index`. */
export function advance(
  f: FunctionBuilder,
  words: ArgumentWords,
  args: Local<"i32">,
  pointers: ReadonlyMap<number, Local<"i32">>,
  kind: LoopKind,
  loops: number,
  index: Local<"i32">,
): void {
  const rest = f.let(index);
  for (const loop of range(loops).reverse()) {
    const length = words.load(args, `${kind}${loop}`);
    // The outermost coordinate is what is left: no division for one loop, the common case.
    const coordinate = loop === 0 ? rest : f.let(i32.remU(rest, length));
    if (loop > 0) f.set(rest, i32.divU(rest, length));
    for (const [operand, pointer] of pointers) {
      f.increment(pointer, i32.mul(coordinate, words.load(args, `x${operand}_${kind}${loop}`)));
    }
  }
}

/** A pointer for each tensor operand, at its first element. */
export function startPointers(
  f: FunctionBuilder,
  structure: LoopStructure,
  words: ArgumentWords,
  args: Local<"i32">,
): Map<number, Local<"i32">> {
  return new Map(tensorsOf(structure).map(({ index }) => [index, f.let(words.load(args, `x${index}`))]));
}

/** Code that moves the pointers of some operands by one turn of a loop. */
export function stepper(
  f: FunctionBuilder,
  words: ArgumentWords,
  args: Local<"i32">,
  pointers: ReadonlyMap<number, Local<"i32">>,
  loop: string,
  operands: readonly number[],
): () => void {
  const steps = [...pointers]
    .filter(([index]) => operands.includes(index))
    .map(([index, pointer]) => [pointer, f.let(words.load(args, `x${index}_${loop}`))] as const);
  return () => {
    for (const [pointer, step] of steps) f.increment(pointer, step);
  };
}

/** Sets pointers back to others. */
export function reset(
  f: FunctionBuilder,
  pointers: ReadonlyMap<number, Local<"i32">>,
  to: ReadonlyMap<number, Local<"i32">>,
): void {
  for (const [operand, pointer] of pointers) f.set(pointer, to.get(operand) ?? pointer);
}

/** Reads operands along one innermost loop, four elements at a time. */
export class OperandReader {
  readonly #structure: LoopStructure;
  readonly #words: ArgumentWords;
  readonly #inner: readonly InnerStride[];
  readonly #innerLoop: string;
  readonly #args: Local<"i32">;
  readonly #integers: ReadonlySet<number>;

  constructor(structure: LoopStructure, words: ArgumentWords, args: Local<"i32">, kind: LoopKind) {
    this.#structure = structure;
    this.#words = words;
    this.#args = args;
    this.#inner = kind === "kept" ? structure.keptInner : structure.reducedInner;
    this.#innerLoop = `${kind}${(kind === "kept" ? structure.keptRank : structure.reducedRank) - 1}`;
    this.#integers = new Set(tensorsOf(structure).flatMap(({ index, integer }) => (integer ? [index] : [])));
  }

  /** The operands that do not change along the loop, read once. `pointers` stand at the start of the loop. */
  hoist(
    f: FunctionBuilder,
    pointers: ReadonlyMap<number, Local<"i32">>,
    operands: readonly number[],
  ): Map<number, Local<"v128">> {
    const values = new Map<number, Local<"v128">>();
    for (const index of operands) {
      if (this.#structure.operands[index] === "number") {
        values.set(index, f.let(v128.load32Splat(this.#args, this.#words.offset(`x${index}`))));
      } else if (this.#inner[index] === "same") {
        const pointer = pointers.get(index);
        if (pointer) values.set(index, f.let(this.#toFloat(index, v128.load32Splat(pointer))));
      }
    }
    return values;
  }

  /**
   * The operands that do not change from row to row, read before the loop over the rows: some vectors of each, from
   * `elements` on. Gives the value of an operand's vector, nothing for other operands.
   */
  readShared(
    f: FunctionBuilder,
    pointers: ReadonlyMap<number, Local<"i32">>,
    operands: readonly number[],
    vectors: number,
    elements: Local<"i32">,
  ): (index: number, vector: number) => Value<"v128"> | undefined {
    const single = this.hoist(f, pointers, operands);
    const several = operands.filter((index) => !single.has(index));
    const values = range(vectors).map(
      (vector) => new Map(several.map((i) => [i, this.read(f, i, pointers.get(i), elements, 4 * vector)])),
    );
    return (index, vector) => single.get(index) ?? values[vector]?.get(index);
  }

  /** Four neighbouring elements, `elements` after the pointer (and a constant number more). */
  read(
    f: FunctionBuilder,
    index: number,
    pointer: Local<"i32"> | undefined,
    elements: Local<"i32">,
    plus = 0,
  ): Value<"v128"> {
    if (!pointer) throw new RangeError(`operand ${index} has no pointer`);
    if (this.#inner[index] === "next") {
      return f.let(this.#toFloat(index, v128.load(i32.add(pointer, i32.shl(elements, 2)), 4 * plus)));
    }
    const stride = f.let(this.#words.load(this.#args, `x${index}_${this.#innerLoop}`));
    const at = f.let(i32.add(pointer, i32.mul(i32.add(elements, plus), stride)));
    const lanes = f.let(v128.load32Splat(at));
    for (const lane of [1, 2, 3]) {
      f.increment(at, stride);
      f.set(lanes, v128.load32Lane(at, lanes, lane));
    }
    return f.let(this.#toFloat(index, lanes));
  }

  #toFloat(index: number, lanes: Value<"v128">): Value<"v128"> {
    return this.#integers.has(index) ? f32x4.convertI32x4S(lanes) : lanes;
  }
}
