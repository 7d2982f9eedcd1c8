import type { LoopStructure } from "../../../expr/kernel.ts";
import type { CpuBody, Params } from "../../../kernel.ts";
import { f32Bits } from "../machine.ts";
import { emitFinish, emitFold, finishWords, foldCut, foldWords } from "./fold.ts";
import { tensorsOf } from "./loops.ts";
import { emitMap, mapCut, mapWords } from "./map.ts";

let structures = 0;

/** The CPU body of an expression kernel: one program for a map, two for a fold. */
export function cpuBody(structure: LoopStructure): CpuBody<string> {
  const { definition, keptRank, reducedRank } = structure;
  // Definitions are told apart by identity, programs by key.
  const key = `${definition.name}#${structures++}`;
  const lengths = (params: Params<string>, kind: string, rank: number) =>
    Array.from({ length: rank }, (_, i) => params[`${kind}${i}`] ?? 0);

  if (definition.accumulators.length === 0) {
    const words = mapWords(structure);
    return (machine, params, inputs, outputs) => {
      const program = machine.program(key, (module) => { emitMap(module, structure, words); }); // prettier-ignore
      const cut = mapCut(lengths(params, "kept", keptRank));
      const values = { ...operandValues(structure, params, inputs), ...outputValues(outputs), ...cut };
      machine.parallel(program, cut.tasks, words.pack(values));
    };
  }

  const [words, lastWords] = [foldWords(structure), finishWords(structure)];
  const accumulators = definition.accumulators.length;
  return (machine, params, inputs, outputs) => {
    const [kept, reduced] = [lengths(params, "kept", keptRank), lengths(params, "reduced", reducedRank)];
    const cut = foldCut(structure, kept, reduced);
    const operands = operandValues(structure, params, inputs);
    const fold = machine.program(`${key} fold`, (module) => { emitFold(module, structure); }); // prettier-ignore
    // One chunk whose sum is the output as it is needs no second stage.
    const [target] = outputs;
    if (cut.chunks === 1 && isPlainFold(structure) && target !== undefined) {
      machine.parallel(fold, cut.tasks, words.pack({ ...operands, ...cut, partials: target }));
      return;
    }
    const partials = machine.heap.alloc(4 * accumulators * cut.chunks * cut.outputs);
    machine.parallel(fold, cut.tasks, words.pack({ ...operands, ...cut, partials }));
    const finish = machine.program(`${key} finish`, (module) => { emitFinish(module, structure); }); // prettier-ignore
    const last = mapCut(kept);
    const { outputs: count, chunks } = cut;
    const values = { ...operands, ...outputValues(outputs), ...last, outputs: count, chunks, partials };
    machine.parallel(finish, last.tasks, lastWords.pack(values));
    machine.heap.free(partials);
  };
}

const isPlainFold = ({ definition, operands }: LoopStructure): boolean => {
  const [output, ...others] = definition.outputs;
  const plain = output?.kind === "input" && output.index === operands.length;
  return plain && others.length === 0 && definition.accumulators.length === 1;
};

/** Operand addresses, numbers as bits, lengths, and strides in bytes. */
function operandValues(
  structure: LoopStructure,
  params: Params<string>,
  inputs: readonly number[],
): Record<string, number> {
  const values: Record<string, number> = {};
  for (const [name, value] of Object.entries(params)) values[name] = name.includes("_") ? 4 * value : value;
  structure.operands.forEach((kind, i) => {
    if (kind === "number") values[`x${i}`] = f32Bits(params[`x${i}`] ?? 0);
  });
  tensorsOf(structure).forEach(({ index }, i) => (values[`x${index}`] = inputs[i] ?? 0));
  return values;
}

const outputValues = (outputs: readonly number[]): Record<string, number> =>
  Object.fromEntries(outputs.map((address, i) => [`y${i}`, address]));
