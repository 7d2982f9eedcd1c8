/**
 * Maps on the GPU: y[i] = f(x0[i], x1[i], ...), one invocation for each element or quad.
 *
 * Bound: memory. Each operand that is not broadcast is read once, each output written once, 4 bytes for each element.
 */
import { emitWgsl } from "../../../expr/emit-wgsl.ts";
import { inputsOf } from "../../../expr/expr.ts";
import type { LoopStructure } from "../../../expr/kernel.ts";
import type { WgslBody } from "../../../kernel.ts";
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

/** The `wgsl` body of an expression kernel that folds nothing. */
export function mapBody(structure: LoopStructure): WgslBody<string> {
  let [plain, quads]: (Shader | undefined)[] = [];
  const count = outputCount(structure);
  return (gpu, params, inputs, outputs) => {
    const buffers = orderBuffers(structure, structure.definition.outputs, inputs, outputs);
    if (fitsQuads(structure, params, "kept")) {
      gpu.forEach((quads ??= mapShader(structure, "kept")), buffers, inQuads(structure, params, "kept"), count(params) / 4); // prettier-ignore
    } else {
      gpu.forEach((plain ??= mapShader(structure, undefined)), buffers, params, count(params));
    }
  };
}

/** Elements of each output: the product of the kept loops. */
export const outputCount =
  ({ keptRank }: LoopStructure) =>
  (params: Readonly<Record<string, number>>): number =>
    Array.from({ length: keptRank }, (_, i) => params[`kept${i}`] ?? 1).reduce((a, b) => a * b, 1);

function mapShader(structure: LoopStructure, quads: Quads): Shader {
  const { name, outputs } = structure.definition;
  const type = quads ? "vec4f" : "f32";
  const targets = outputs.map((_, i) => ({ name: `y${i}`, type, access: "read_write" as const }));
  const body = [
    ...coordinates(structure, "kept", "thread"),
    ...inputsOf(outputs).map((i) => `let v${i} = ${readOperand(structure, i, ["kept"], quads)};`),
    ...writeOutputs(structure, (i) => `v${i}`, "thread", (value) => value), // prettier-ignore
  ];
  return buildShader(
    name,
    structure,
    type,
    bindingsOf(structure, structure.definition.outputs, quads, targets),
    [],
    body,
  );
}

/** Statements that compute every output, and then write them all: what is overwritten was read before. */
export function writeOutputs(
  { definition }: LoopStructure,
  inputs: (index: number) => string,
  index: string,
  convert: (value: string) => string,
): string[] {
  const { statements, results } = emitWgsl(definition.outputs, inputs);
  return [...statements, ...results.map((value, i) => `y${i}[${index}] = ${convert(value)};`)];
}
