import type { LoopStructure } from "../../../expr/kernel.ts";
import { range } from "../../../expr/space.ts";
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
  const kept = (params: Params<string>) => range(keptRank).map((i) => params[`kept${i}`] ?? 0);
  const reduced = (params: Params<string>) => range(reducedRank).map((i) => params[`reduced${i}`] ?? 0);

  if (definition.accumulators.length === 0) {
    const words = mapWords(structure);
    const cutOf = onceForEach((params) => mapCut(kept(params)));
    return (machine, params, inputs, outputs) => {
      const program = machine.program(key, (module) => { emitMap(module, structure, words); }); // prettier-ignore
      const cut = cutOf(params);
      machine.parallel(program, cut.tasks, words.pack({ params, inputs, outputs, cut }));
    };
  }

  const [words, lastWords] = [foldWords(structure), finishWords(structure)];
  const accumulators = definition.accumulators.length;
  const cutsOf = onceForEach((params) => {
    const cut = foldCut(structure, kept(params), reduced(params));
    return { cut, last: { ...mapCut(kept(params)), outputs: cut.outputs, chunks: cut.chunks } };
  });
  return (machine, params, inputs, outputs) => {
    const { cut, last } = cutsOf(params);
    const foldInto = (partials: Pointer): void => {
      const program = machine.program(`${key} fold`, (module) => { emitFold(module, structure); }); // prettier-ignore
      machine.parallel(program, cut.tasks, words.pack({ params, inputs, outputs, cut, partials }));
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
      machine.parallel(finish, last.tasks, lastWords.pack({ params, inputs, outputs, cut: last, partials }));
    } finally {
      machine.heap.free(partials);
    }
  };
}

/** The function, called once for each record of parameters: a launch comes again and again with the same. */
function onceForEach<T>(f: (params: Params<string>) => T): (params: Params<string>) => T {
  const results = new WeakMap<Params<string>, { readonly result: T }>();
  return (params) => {
    let known = results.get(params);
    if (!known) results.set(params, (known = { result: f(params) }));
    return known.result;
  };
}

const isPlainFold = ({ definition, operands }: LoopStructure): boolean => {
  const [output, ...others] = definition.outputs;
  const plain = output?.kind === "input" && output.index === operands.length;
  return plain && others.length === 0 && definition.accumulators.length === 1;
};
