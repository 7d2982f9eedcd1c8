/** What forward passes on the CPU have in common: each row gathers a state from its strips, and ends as a few numbers. */
import { f32x4, i32, v128 } from "../../engine/backends/cpu/assembler.ts";
import type { FunctionBuilder, Local, ModuleBuilder, Value } from "../../engine/backends/cpu/assembler.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import { minU, Words } from "../../engine/backends/cpu/task.ts";
import { TILE_ROWS } from "../../engine/backends/cpu/gemm/tile.ts";
import type { Pointer } from "../../engine/kernel.ts";
import type { ContrastiveParams } from "./pairs.ts";
import { forRows, stripLoop, stripWords, withStrips } from "./strip.cpu.ts";

const words = new Words([...stripWords, ...(["states", "extra", "output0", "output1", "output2"] as const)]);
const outputWords = ["output0", "output1", "output2"] as const;

/** Reads a job's words: those of strips, and `extra`, where a kernel's fifth input is. */
export type Reader = ReturnType<typeof words.reader>;

/** One row of a strip. */
export interface RowOfStrip {
  readonly row: Local<"i32">;
  readonly first: Local<"i32">;
  readonly last: Local<"i32">;
  readonly from: Local<"i32">;
}

/** How a row's results come to be. */
export interface Gather {
  /** Of the program. */
  readonly name: string;
  /** What each vector of the state is at first. */
  readonly state: readonly number[];
  /** Writes the code that adds a row of a strip to the state. */
  gather(f: FunctionBuilder, word: Reader, row: RowOfStrip, state: readonly Local<"v128">[]): void;
  /** Writes the code that lets the lanes of a row's state meet: the outputs, in the first lane. */
  finish(f: FunctionBuilder, state: readonly Local<"v128">[]): readonly Value<"v128">[];
}

/** Runs it on all threads. */
export function gatherOnCpu(
  machine: Machine,
  gather: Gather,
  params: ContrastiveParams,
  inputs: readonly Pointer[],
  [output0 = 0, output1 = 0, output2 = 0]: readonly Pointer[],
): void {
  withStrips(machine, params, inputs, (strips) => {
    const states = machine.heap.alloc(strips.tasks * TILE_ROWS * stateBytes(gather));
    try {
      const program = machine.program(gather.name, (module) => {
        gatherTask(module, gather);
      });
      const pointers = { states, extra: inputs[4] ?? 0, output0, output1, output2 };
      machine.parallel(program, strips.tasks, words.list(Object.assign(pointers, strips)));
    } finally {
      machine.heap.free(states);
    }
  });
}

const stateBytes = ({ state }: Gather): number => 16 * state.length;

function gatherTask(module: ModuleBuilder, gather: Gather): void {
  const bytes = stateBytes(gather);
  const loop = stripLoop(module);
  const load = (f: FunctionBuilder, at: Local<"i32">): Local<"v128">[] =>
    gather.state.map((_, k) => f.let(v128.load(at, 16 * k)));
  const add = module.func(
    { params: ["i32", "i32", "i32", "i32", "i32", "i32"] },
    (f, args, row, first, last, from, at) => {
      const state = load(f, at);
      gather.gather(f, words.reader(args), { row, first, last, from }, state);
      state.forEach((vector, k) => {
        f.store(at, vector, 16 * k);
      });
    },
  );
  const finish = module.func({ params: ["i32", "i32", "i32"] }, (f, args, row, at) => {
    const word = words.reader(args);
    gather.finish(f, load(f, at)).forEach((value, k) => {
      const name = outputWords[k];
      if (name) f.storeLane(i32.add(word(name), i32.shl(row, 2)), value, 0);
    });
  });
  module.task((f, args, index) => {
    const word = words.reader(args);
    const states = f.let(i32.add(word("states"), i32.mul(index, TILE_ROWS * bytes)));
    const stateOf = (i: Value<"i32">) => i32.add(states, i32.mul(i, bytes));
    loop(f, word, index, {
      startPanel: () => {
        f.forRange(0, TILE_ROWS, 1, (i) => {
          gather.state.forEach((value, k) => {
            f.store(stateOf(i), f32x4.const(value), 16 * k);
          });
        });
      },
      strip: ({ firstRow, presentRows, firstColumn, lastColumn, strip }) => {
        forRows(f, presentRows, strip, (i, from) => {
          f.call(add, args, i32.add(firstRow, i), firstColumn, lastColumn, from, stateOf(i));
        });
      },
      endPanel: ({ firstRow, presentRows }) => {
        f.forRange(0, minU(presentRows, i32.const(TILE_ROWS)), 1, (i) => {
          f.call(finish, args, i32.add(firstRow, i), stateOf(i));
        });
      },
    });
  });
}
