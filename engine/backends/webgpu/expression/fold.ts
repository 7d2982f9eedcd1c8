/**
 * Folds on the GPU: sums and maxima of f(x0[i], x1[i], ...) over some loops.
 *
 * Where there are many outputs, one invocation folds everything that belongs to an output, and ends with the output
 * expressions. Where there are few, the folded elements are dealt out to `chunks` invocations for each output, as
 * cards are: neighbouring invocations then read neighbouring elements. A second shader combines their partial results,
 * in order, so that the same bits come out each time. How many chunks there are depends on the shape alone.
 *
 * Bound: memory. Each operand is read once, 4 bytes for each element; partial results are few beside that. A chunk has
 * at least 32 elements (or quads). Sums are made of sums of 64: the rounding error grows with the number of blocks in a chunk
 * and with the number of chunks, not with that of the elements.
 */
import { emitWgsl, literal } from "../../../expr/emit-wgsl.ts";
import { inputsOf } from "../../../expr/expr.ts";
import type { Expr } from "../../../expr/expr.ts";
import { identityOf } from "../../../expr/kernel.ts";
import type { Accumulator, LoopStructure, Monoid } from "../../../expr/kernel.ts";
import type { Params, WgslBody } from "../../../kernel.ts";
import type { Shader } from "../shader.ts";
import {
  bindingsOf,
  buildShader,
  coordinates,
  fitsQuads,
  inQuads,
  orderBuffers,
  readOperand,
} from "./loops.ts";
import type { Quads } from "./loops.ts";
import { outputCount, writeOutputs } from "./map.ts";

/** Invocations that are worth having, if each has enough to do. */
const ENOUGH_INVOCATIONS = 16384;
const LEAST_FOLDS = 32;
const MOST_CHUNKS = 1024;

/** Into how many chunks `folds` elements are dealt for each of so many outputs. */
export function chunksFor(outputs: number, folds: number): number {
  const wanted = Math.min(Math.ceil(folds / LEAST_FOLDS), Math.ceil(ENOUGH_INVOCATIONS / outputs));
  return Math.max(1, Math.min(wanted, MOST_CHUNKS));
}

const combine: Record<Monoid, (a: string, b: string) => string> = {
  sum: (a, b) => `${a} + ${b}`,
  max: (a, b) => `max(${a}, ${b})`,
};

/** The `wgsl` body of an expression kernel that folds. */
export function foldBody(structure: LoopStructure): WgslBody<string> {
  const { definition, foldsRows, reducedRank } = structure;
  const accumulators = definition.accumulators.length;
  const shaders = new Map<string, Shader>();
  const shaderOf = (key: string, make: () => Shader): Shader => {
    const shader = shaders.get(key) ?? make();
    shaders.set(key, shader);
    return shader;
  };
  const foldCount = (params: Params<string>) =>
    Array.from({ length: reducedRank }, (_, i) => params[`reduced${i}`] ?? 1).reduce((a, b) => a * b, 1);

  return (gpu, params, inputs, outputs) => {
    const loop = foldsRows ? "reduced" : "kept";
    const quads = fitsQuads(structure, params, loop) ? loop : undefined;
    const cut = quads ? inQuads(structure, params, quads) : params;
    const [count, folds] = [outputCount(structure)(cut), foldCount(cut)];
    const chunks = chunksFor(count, folds);
    const buffers = (stage: Stage, targets: typeof outputs) =>
      orderBuffers(structure, readIn(structure, stage), inputs, targets);
    if (chunks === 1) {
      const whole = shaderOf(`whole ${quads}`, () => foldShader(structure, quads, "whole"));
      gpu.forEach(whole, buffers("whole", outputs), { ...cut, folds }, count);
      return;
    }
    const all = outputCount(structure)(params);
    gpu.withScratch(accumulators * chunks * all, (partials) => {
      const part = shaderOf(`part ${quads}`, () => foldShader(structure, quads, "part"));
      gpu.forEach(
        part,
        buffers("part", [partials]),
        { ...cut, folds, chunks, outputs: count },
        count * chunks,
      );
      const finish = shaderOf("finish", () => finishShader(structure));
      gpu.forEach(
        finish,
        buffers("finish", [...outputs, partials]),
        { ...params, chunks, outputs: all },
        all,
      );
    });
  };
}

/** Folding all elements of an output at once, folding a chunk of them, or combining chunks. */
type Stage = "whole" | "part" | "finish";

/** The expressions that a stage evaluates. */
function readIn({ definition: { accumulators, outputs } }: LoopStructure, stage: Stage): Expr[] {
  const folded = stage === "finish" ? [] : accumulators.map(({ of }) => of);
  return [...folded, ...(stage === "part" ? [] : outputs)];
}

/** Folds all elements of an output and writes it (`whole`), or folds a chunk and writes a partial result (`part`). */
function foldShader(structure: LoopStructure, quads: Quads, stage: "whole" | "part"): Shader {
  const { name, outputs, accumulators } = structure.definition;
  // Lanes along the folded elements meet in the end, and all four then hold the same.
  const lanesMeet = quads === "reduced";
  const lanes = (a: number) => ["x", "y", "z", "w"].map((lane) => `acc${a}.${lane}`);
  const meet = accumulators.map(({ monoid }, a) => `acc${a} = T(${lanes(a).reduce(combine[monoid])});`);
  const stored = (value: string) => (lanesMeet ? `(${value}).x` : value);
  const storedType = quads === "kept" ? "vec4f" : "f32";

  const folded = accumulators.map(({ of }) => of);
  const { statements, results } = emitWgsl(folded, (i) => `v${i}`, "f");
  const dealt = structure.foldsRows
    ? ["let output = thread / params.chunks;", "let chunk = thread % params.chunks;"]
    : ["let output = thread % params.outputs;", "let chunk = thread / params.outputs;"];
  const whole = stage === "whole";
  const step = whole ? "1" : "params.chunks";
  const body = [
    ...(whole ? ["let output = thread;"] : dealt),
    ...coordinates(structure, "kept", "output"),
    ...inBlocks(
      accumulators,
      { name: "fold", start: whole ? "0" : "chunk", end: "params.folds", step },
      [
        ...coordinates(structure, "reduced", "fold"),
        ...inputsOf(folded).map(
          (i) => `let v${i} = ${readOperand(structure, i, ["kept", "reduced"], quads)};`,
        ),
        ...statements,
      ],
      results,
    ),
    ...(lanesMeet ? meet : []),
    ...(whole
      ? finishLines(structure, quads, "output", stored)
      : accumulators.map((_, a) => `partials[${partial(a, "chunk", "output")}] = ${stored(`acc${a}`)};`)),
  ];
  const names = whole ? outputs.map((_, i) => `y${i}`) : ["partials"];
  const targets = names.map((each) => ({ name: each, type: storedType, access: "read_write" as const }));
  const label = whole ? name : `${name} (parts)`;
  return buildShader(
    label,
    structure,
    quads ? "vec4f" : "f32",
    bindingsOf(structure, readIn(structure, stage), quads, targets),
    words,
    body,
  );
}

/** Combines the chunks' partial results, and writes the outputs. */
function finishShader(structure: LoopStructure): Shader {
  const { name, outputs, accumulators } = structure.definition;
  const body = [
    "let output = thread;",
    ...coordinates(structure, "kept", "output"),
    ...inBlocks(
      accumulators,
      { name: "chunk", start: "0", end: "params.chunks", step: "1" },
      [],
      accumulators.map((_, a) => `partials[${partial(a, "chunk", "output")}]`),
    ),
    ...finishLines(structure, undefined, "output", (value) => value),
  ];
  const targets = outputs.map((_, i) => ({ name: `y${i}`, type: "f32", access: "read_write" as const }));
  const bindings = [
    ...bindingsOf(structure, readIn(structure, "finish"), undefined, targets),
    { name: "partials", type: "f32", access: "read" as const },
  ];
  return buildShader(`${name} (finish)`, structure, "f32", bindings, words, body);
}

/** Elements that are folded before they join the total. */
const BLOCK = 64;

/** A loop that folds `values` (each of which `lines` compute) into `acc0`, `acc1`, ..., block by block. */
function inBlocks(
  accumulators: readonly Accumulator[],
  { name, start, end, step }: Readonly<Record<"name" | "start" | "end" | "step", string>>,
  lines: readonly string[],
  values: readonly string[],
): string[] {
  const all = (line: (monoid: Monoid, a: number) => string) =>
    accumulators.map(({ monoid }, a) => line(monoid, a));
  return [
    ...all((monoid, a) => `var acc${a} = ${literal(identityOf[monoid])};`),
    `for (var block = ${start}; block < ${end}; block += ${BLOCK} * ${step}) {`,
    ...indent([
      ...all((monoid, a) => `var part${a} = ${literal(identityOf[monoid])};`),
      `let last = min(block + ${BLOCK} * ${step}, ${end});`,
      `for (var ${name} = block; ${name} < last; ${name} += ${step}) {`,
      ...indent([
        ...lines,
        ...all((monoid, a) => `part${a} = ${combine[monoid](`part${a}`, values[a] ?? "")};`),
      ]),
      "}",
      ...all((monoid, a) => `acc${a} = ${combine[monoid](`acc${a}`, `part${a}`)};`),
    ]),
    "}",
  ];
}

const words = ["folds", "chunks", "outputs"];

const partial = (accumulator: number, chunk: string, output: string): string =>
  `(${accumulator} * params.chunks + ${chunk}) * params.outputs + ${output}`;

const indent = (lines: readonly string[]): string[] => lines.map((line) => `  ${line}`);

/** The output expressions, over the operands that they read and then the accumulators. */
function finishLines(
  structure: LoopStructure,
  quads: Quads,
  index: string,
  convert: (value: string) => string,
): string[] {
  const { operands, definition } = structure;
  const reads = inputsOf(definition.outputs).filter((i) => i < operands.length);
  return [
    ...reads.map((i) => `let w${i} = ${readOperand(structure, i, ["kept"], quads)};`),
    ...writeOutputs(
      structure,
      (i) => (i < operands.length ? `w${i}` : `acc${i - operands.length}`),
      index,
      convert,
    ),
  ];
}
