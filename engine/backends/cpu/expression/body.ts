import type { LoopStructure } from "../../../expr/kernel.ts";
import type { CpuBody, Params, Pointer } from "../../../kernel.ts";
import { foldCut, mapCut } from "./cut.ts";
import { emitFinish, emitFold, finishWords, foldWords } from "./fold.ts";
import { emitMap, mapWords } from "./map.ts";

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
      machine.parallel(program, cut.tasks, words.pack({ params, inputs, outputs, cut }));
    };
  }

  const [words, lastWords] = [foldWords(structure), finishWords(structure)];
  const accumulators = definition.accumulators.length;
  return (machine, params, inputs, outputs) => {
    const [kept, reduced] = [lengths(params, "kept", keptRank), lengths(params, "reduced", reducedRank)];
    const cut = foldCut(structure, kept, reduced);
    const foldInto = (partials: Pointer): void => {
      const program = machine.program(`${key} fold`, (module) => { emitFold(module, structure); }); // prettier-ignore
      machine.parallel(
        program,
        cut.tasks,
        words.pack({ params, inputs, outputs, cut: { ...cut, partials } }),
      );
    };
    // One chunk whose sum is the output as it is needs no second stage.
    const [target] = outputs;
    if (cut.chunks === 1 && isPlainFold(structure) && target !== undefined) {
      foldInto(target);
      return;
    }
    const partials = machine.heap.alloc(4 * accumulators * cut.chunks * cut.outputs);
    try {
      foldInto(partials);
      const finish = machine.program(`${key} finish`, (module) => { emitFinish(module, structure); }); // prettier-ignore
      const last = { ...mapCut(kept), outputs: cut.outputs, chunks: cut.chunks, partials };
      machine.parallel(finish, last.tasks, lastWords.pack({ params, inputs, outputs, cut: last }));
    } finally {
      machine.heap.free(partials);
    }
  };
}

const isPlainFold = ({ definition, operands }: LoopStructure): boolean => {
  const [output, ...others] = definition.outputs;
  const plain = output?.kind === "input" && output.index === operands.length;
  return plain && others.length === 0 && definition.accumulators.length === 1;
};
