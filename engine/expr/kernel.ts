/**
 * From scalar expressions to a {@link Kernel}: a map over broadcast operands, optionally folded over some axes.
 * One definition gives one kernel for each loop structure (ranks, operand kinds); lengths and strides stay parameters.
 */
import type { DType, JsBody, Kernel } from "../kernel.ts";
import { cpuBody } from "../backends/cpu/expression/body.ts";
import { wgslBody } from "../backends/webgpu/expression/body.ts";
import { emitJs } from "./emit-js.ts";
import type { Expr } from "./expr.ts";
import { range } from "./space.ts";
import type { IterationSpace } from "./space.ts";

/** How partial results combine. */
export type Monoid = "sum" | "max";

/** The value that leaves a monoid's other operand as it is. */
export const identityOf = { sum: 0, max: -Infinity } satisfies Record<Monoid, number>;

/** A fold over the reduced loops. */
export interface Accumulator {
  readonly monoid: Monoid;
  /** What is folded: an expression over the operands. */
  readonly of: Expr;
}

/** An expression kernel before its loops are known. */
export interface ExpressionDefinition {
  readonly name: string;
  /** Folds over the reduced loops; none for a plain map. */
  readonly accumulators: readonly Accumulator[];
  /**
   * One expression for each output, over the operands (inputs 0 ... n-1) and then the accumulators (inputs n, n+1,
   * ...). Where there are accumulators, only operands that are constant along the reduced loops may be read here.
   */
  readonly outputs: readonly Expr[];
  /** For each output the operand that it overwrites, if any. */
  readonly inPlace?: readonly (number | undefined)[];
}

/** What stands at an operand's place: a tensor's elements, or a number passed as a parameter. */
export type OperandKind = DType | "number";

/** Everything about a launch that is compiled into the kernel; lengths and stride values are not. */
export interface LoopStructure {
  readonly definition: ExpressionDefinition;
  readonly operands: readonly OperandKind[];
  readonly keptRank: number;
  readonly reducedRank: number;
  readonly foldsRows: boolean;
  /** The stride of each operand along the innermost kept loop: with the next, all that SIMD bodies are cut for. */
  readonly keptInner: readonly InnerStride[];
  /** The same along the innermost reduced loop. */
  readonly reducedInner: readonly InnerStride[];
  readonly shortRows: ShortRows | null;
}

/** Two kept loops of which the inner one, a row, {@link isShort}. */
interface ShortRows {
  readonly length: number;
  /** Which operands read the same elements in every row. */
  readonly same: readonly boolean[];
}

/**
 * Rows so short that a loop over their elements costs as much as its work, as those of 8 or 16 channels: SIMD bodies
 * unroll them, and keep in registers what is the same in all. A multiple of the four lanes.
 */
const isShort = (length: number): boolean => length > 0 && length <= 32 && length % 4 === 0;

/** Stride along the innermost loop: the same element, neighbours, or anything else. */
export type InnerStride = "same" | "next" | "far";

const kernels = new WeakMap<ExpressionDefinition, Map<string, Kernel>>();

function shortRowsOf({ kept: [rows, length, ...more], strides }: IterationSpace): ShortRows | null {
  if (rows === undefined || length === undefined || more.length > 0 || !isShort(length)) return null;
  return { length, same: strides.map(({ kept: [stride = 0] }) => stride === 0) };
}

/** The kernel of a definition for a loop structure, made once. */
export function expressionKernel(
  definition: ExpressionDefinition,
  operands: readonly OperandKind[],
  space: IterationSpace,
): Kernel {
  const { foldsRows } = space;
  const [keptRank, reducedRank] = [space.kept.length, space.reduced.length];
  const keptInner = space.strides.map(({ kept }) => innerStride(kept));
  const reducedInner = space.strides.map(({ reduced }) => innerStride(reduced));
  const shortRows = shortRowsOf(space);
  const loops = { keptRank, reducedRank, foldsRows, keptInner, reducedInner };
  const structure = { definition, operands, ...loops, shortRows };
  const key = [operands, ...Object.values(loops), shortRows?.length, shortRows?.same].join(";");
  let known = kernels.get(definition);
  if (!known) kernels.set(definition, (known = new Map<string, Kernel>()));
  let kernel = known.get(key);
  if (!kernel) {
    kernel = build(structure);
    known.set(key, kernel);
  }
  return kernel;
}

function innerStride(strides: readonly number[]): InnerStride {
  const stride = strides.at(-1) ?? 0;
  return stride === 0 ? "same" : stride === 1 ? "next" : "far";
}

/** The values of the parameters that {@link expressionKernel}'s bodies read. */
export function expressionParams(
  space: IterationSpace,
  operands: readonly OperandKind[],
  numbers: readonly number[] = [],
): Record<string, number> {
  const params: Record<string, number> = {};
  space.kept.forEach((length, i) => (params[`kept${i}`] = length));
  space.reduced.forEach((length, i) => (params[`reduced${i}`] = length));
  let number = 0;
  operands.forEach((kind, i) => {
    if (kind === "number") {
      params[`x${i}`] = numbers[number++] ?? 0;
      return;
    }
    const strides = space.strides[i];
    strides?.kept.forEach((stride, loop) => (params[`x${i}_kept${loop}`] = stride));
    strides?.reduced.forEach((stride, loop) => (params[`x${i}_reduced${loop}`] = stride));
  });
  return params;
}

function build(structure: LoopStructure): Kernel {
  const { definition, operands, keptRank, reducedRank } = structure;
  const tensors = operands.flatMap((kind, i) => (kind === "number" ? [] : [[`x${i}`, kind] as const]));
  const outputNames = definition.outputs.map((_, i) => `y${i}`);
  const loops = [...range(keptRank).map((i) => `kept${i}`), ...range(reducedRank).map((i) => `reduced${i}`)];
  const inPlace = Object.fromEntries(
    (definition.inPlace ?? []).flatMap((operand, i) =>
      operand === undefined ? [] : [[`y${i}`, `x${operand}`]],
    ),
  );
  return {
    name: definition.name,
    inputs: Object.fromEntries(tensors),
    outputs: Object.fromEntries(outputNames.map((name) => [name, "f32"])),
    params: [
      ...loops,
      ...tensors.flatMap(([name]) => loops.map((loop) => `${name}_${loop}`)),
      ...operands.flatMap((kind, i) => (kind === "number" ? [`x${i}`] : [])),
    ],
    ...(Object.keys(inPlace).length > 0 && { inPlace }),
    js: lazily(outputNames, (i) => jsBody(structure, i)),
    cpu: cpuBody(structure),
    wgsl: wgslBody(structure),
  };
}

/** An object whose properties are made when they are first read. */
function lazily<T>(names: readonly string[], make: (i: number) => T): Record<string, T> {
  const object: Record<string, T> = {};
  names.forEach((name, i) => {
    let value: T | undefined;
    Object.defineProperty(object, name, { enumerable: true, get: () => (value ??= make(i)) });
  });
  return object;
}

/**
 * The `js` body of one output, as source text made into a function: it splits `this.thread.x` into the kept
 * coordinates, runs the reduced loops, and ends in the output's expression.
 */
function jsBody(structure: LoopStructure, output: number): JsBody<string> {
  const { definition, operands, keptRank, reducedRank } = structure;
  const lines: string[] = ["let rest = this.thread.x;"];
  for (const i of range(keptRank).reverse()) {
    lines.push(`const kept${i} = rest % this.constants.kept${i};`);
    lines.push(`rest = Math.floor(rest / this.constants.kept${i});`);
  }
  // `index` is the text of a loop's variable.
  const offset = (operand: number, kind: "kept" | "reduced", rank: number, index: string): string =>
    range(rank)
      .map((loop) => `${index}${loop} * this.constants.x${operand}_${kind}${loop}`)
      .join(" + ") || "0";
  const element = (i: number, reducedIndex?: string): string => {
    if (operands[i] === "number") return `this.constants.x${i}`;
    const inner = reducedIndex !== undefined && reducedRank > 0;
    const reduced = inner ? ` + ${offset(i, "reduced", reducedRank, reducedIndex)}` : "";
    return `x${i}[${offset(i, "kept", keptRank, "kept")}${reduced}]`;
  };

  const root = definition.outputs[output];
  if (!root) throw new RangeError(`${definition.name}: no output ${output}`);
  definition.accumulators.forEach(({ monoid, of }, a) => {
    const index = `a${a}_reduced`;
    const { statements, results } = emitJs([of], (i) => element(i, index), `a${a}_`);
    const value = results[0] ?? "";
    lines.push(`let acc${a} = ${monoid === "sum" ? "0" : "(-1 / 0)"};`);
    for (const r of range(reducedRank)) {
      lines.push(`for (let ${index}${r} = 0; ${index}${r} < this.constants.reduced${r}; ${index}${r}++) {`);
    }
    lines.push(...statements);
    lines.push(monoid === "sum" ? `acc${a} += ${value};` : `acc${a} = Math.max(acc${a}, ${value});`);
    lines.push("}".repeat(reducedRank));
  });
  const { statements, results } = emitJs([root], (i) =>
    i < operands.length ? element(i) : `acc${i - operands.length}`,
  );
  lines.push(...statements, `return ${results[0] ?? "0"};`);
  const names = operands.flatMap((kind, i) => (kind === "number" ? [] : [`x${i}`]));
  // Source text is what gpu.js compiles too; it is made from expressions only, never from user strings.
  // eslint-disable-next-line @typescript-eslint/no-implied-eval, @typescript-eslint/no-unsafe-call
  return new Function(`return function (${names.join(", ")}) {\n${lines.join("\n")}\n}`)() as JsBody<string>;
}
