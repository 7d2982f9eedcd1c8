/**
 * What the shaders of maps and folds share: buffers, parameters, and operands that are walked by loops.
 *
 * A shader works on single elements, or on quads: four neighbours along the innermost loop (kept or reduced), which
 * take one memory access and one instruction where the device has such. The text is the same but for types: in quads
 * the innermost loop counts quads, and so do the strides of the operands that are read in quads.
 */
import { prelude } from "../../../expr/emit-wgsl.ts";
import { inputsOf } from "../../../expr/expr.ts";
import type { Expr } from "../../../expr/expr.ts";
import type { LoopStructure } from "../../../expr/kernel.ts";
import { range } from "../../../expr/space.ts";
import type { Params } from "../../../kernel.ts";
import { shader } from "../shader.ts";
import type { Shader } from "../shader.ts";

/** The loop along which quads lie, if any. */
export type Quads = "kept" | "reduced" | undefined;

const rankOf = (structure: LoopStructure, loop: "kept" | "reduced"): number =>
  loop === "kept" ? structure.keptRank : structure.reducedRank;

/** Whether an operand's neighbours along the loop of the quads are neighbours in memory. */
const isInQuads = (structure: LoopStructure, operand: number, quads: Quads): boolean =>
  quads !== undefined && structure[quads === "kept" ? "keptInner" : "reducedInner"][operand] === "next";

/**
 * The operands that a shader needs buffers for, since a device has few: tensors that its expressions read, but not those
 * that an output overwrites, which are read from the output.
 */
const boundOperands = ({ operands, definition }: LoopStructure, read: readonly Expr[]): number[] => {
  const inputs = inputsOf(read);
  const overwritten = definition.inPlace ?? [];
  return range(operands.length).filter(
    (i) => operands[i] !== "number" && inputs.includes(i) && !overwritten.includes(i),
  );
};

/** Whether the kernel's sizes allow quads along a loop: whole ones, that start at multiples of four. */
export function fitsQuads(
  structure: LoopStructure,
  params: Params<string>,
  loop: "kept" | "reduced",
): boolean {
  const inner = rankOf(structure, loop) - 1;
  if (inner < 0 || (params[`${loop}${inner}`] ?? 0) % 4 !== 0) return false;
  const kinds = structure[loop === "kept" ? "keptInner" : "reducedInner"];
  return structure.operands.every((kind, i) => {
    if (kind === "number" || kinds[i] === "same") return true;
    const others = strideNames(structure, i).filter((name) => name !== `x${i}_${loop}${inner}`);
    return kinds[i] === "next" && others.every((name) => (params[name] ?? 0) % 4 === 0);
  });
}

const strideNames = (structure: LoopStructure, operand: number): string[] =>
  (["kept", "reduced"] as const).flatMap((loop) =>
    range(rankOf(structure, loop)).map((i) => `x${operand}_${loop}${i}`),
  );

/** The kernel's parameters as a shader in quads takes them. */
export function inQuads(structure: LoopStructure, params: Params<string>, loop: "kept" | "reduced") {
  const inner = `${loop}${rankOf(structure, loop) - 1}`;
  const quads: Record<string, number> = { ...params, [inner]: (params[inner] ?? 0) / 4 };
  structure.operands.forEach((_, i) => {
    if (!isInQuads(structure, i, loop)) return;
    for (const name of strideNames(structure, i)) {
      if (name !== `x${i}_${inner}`) quads[name] = (params[name] ?? 0) / 4;
    }
  });
  return quads;
}

/** A buffer of a shader. */
export interface Binding {
  readonly name: string;
  readonly type: string;
  readonly access: "read" | "read_write";
}

/** The buffers of the operands that the expressions read and of the outputs, in the order of {@link orderBuffers}. */
export function bindingsOf(
  structure: LoopStructure,
  read: readonly Expr[],
  quads: Quads,
  outputs: readonly Binding[],
): Binding[] {
  const operands = boundOperands(structure, read).map((i) => {
    const element = structure.operands[i] === "i32" ? "i32" : "f32";
    const type = isInQuads(structure, i, quads) ? `vec4<${element}>` : element;
    return { name: `x${i}`, type, access: "read" as const };
  });
  return [...operands, ...outputs];
}

/** The inputs that need a buffer, then outputs. */
export function orderBuffers<B>(
  structure: LoopStructure,
  read: readonly Expr[],
  inputs: readonly B[],
  outputs: readonly B[],
): B[] {
  const tensors = range(structure.operands.length).filter((i) => structure.operands[i] !== "number");
  const bound = boundOperands(structure, read);
  return [...inputs.filter((_, i) => bound.includes(tensors[i] ?? -1)), ...outputs];
}

/** A shader from its buffers, what it needs of the structure, parameters of its own, and the body of `main`. */
export function buildShader(
  name: string,
  structure: LoopStructure,
  type: "f32" | "vec4f",
  bindings: readonly Binding[],
  counts: readonly string[],
  body: readonly string[],
): Shader {
  const loops = (["kept", "reduced"] as const).flatMap((loop) =>
    range(rankOf(structure, loop)).map((i) => `${loop}${i}`),
  );
  const tensors = range(structure.operands.length).filter((i) => structure.operands[i] !== "number");
  const numbers = range(structure.operands.length).filter((i) => structure.operands[i] === "number");
  const text = body.join("\n");
  const words = [...counts, ...loops, ...tensors.flatMap((i) => strideNames(structure, i))];
  // Only what the body reads: parameters that fit into few words reach the device faster.
  const isRead = (word: string) => new RegExp(`params\\.${word}\\b`).test(text);
  const fields = [
    "size: i32",
    ...words.filter(isRead).map((word) => `${word}: i32`),
    ...numbers.map((i) => `x${i}`).filter(isRead).map((word) => `${word}: f32`),
  ]; // prettier-ignore
  const buffers = bindings.map(({ name: buffer, type: element, access }, i) => {
    return `@group(0) @binding(${i}) var<storage, ${access}> ${buffer}: array<${element}>;`;
  });
  const code = `struct Params { ${fields.join(", ")} }
${buffers.join("\n")}

${prelude(text, type)}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let thread = i32(id.x + id.y * groups.x * 64u);
  if (thread >= params.size) { return; }
${text.replace(/^/gm, "  ")}
}`;
  return shader(name, code);
}

/** Statements that split a flat index into the coordinates of loops: `kept0`, `kept1`, ... */
export function coordinates(structure: LoopStructure, loop: "kept" | "reduced", index: string): string[] {
  const rank = rankOf(structure, loop);
  const lines: string[] = [];
  let rest = index;
  for (const i of range(rank).reverse()) {
    const name = `${loop}${i}`;
    if (i === 0) {
      lines.push(`let ${name} = ${rest};`);
      continue;
    }
    lines.push(`let ${name} = ${rest} % params.${name};`, `let above_${name} = ${rest} / params.${name};`);
    rest = `above_${name}`;
  }
  return lines;
}

/** The text that reads operand i, as a T, at the coordinates of the loops given. */
export function readOperand(
  structure: LoopStructure,
  i: number,
  loops: readonly ("kept" | "reduced")[],
  quads: Quads,
): string {
  if (structure.operands[i] === "number") return `T(params.x${i})`;
  const terms = loops.flatMap((loop) =>
    range(rankOf(structure, loop)).map((at) => `${loop}${at} * params.x${i}_${loop}${at}`),
  );
  const output = (structure.definition.inPlace ?? []).indexOf(i);
  const element = `${output >= 0 ? `y${output}` : `x${i}`}[${terms.join(" + ") || "0"}]`;
  return isInQuads(structure, i, quads) ? `T(${element})` : `T(f32(${element}))`;
}
