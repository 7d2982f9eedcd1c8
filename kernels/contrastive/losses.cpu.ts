/**
 * The forward pass on the CPU. Cost: 2 M^2 D operations for the similarities and M^2 exponentials of about 20; every
 * strip goes through its four rows' running sums twice, for the largest element and for the sum.
 */
import { f32x4, i32, v128 } from "../../engine/backends/cpu/assembler.ts";
import type { FunctionBuilder, Local, ModuleBuilder, Value } from "../../engine/backends/cpu/assembler.ts";
import { expLanes, logLanes } from "../../engine/backends/cpu/expression/math.ts";
import { minU, Words } from "../../engine/backends/cpu/task.ts";
import { TILE_ROWS } from "../../engine/backends/cpu/gemm/tile.ts";
import { f32Bits } from "../../engine/backends/cpu/machine.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Params, Pointer } from "../../engine/kernel.ts";
import { forLanes, forRows, stripLoop, stripWords, withStrips } from "./strip.cpu.ts";

const words = new Words([...stripWords, "states", "loss", "logSumExp", "inversePositives"] as const);

/** Stands for -Infinity, whose differences would be NaN. */
const LOWEST = -3.0e38;

/**
 * What a row has gathered so far, four lanes of each: its largest s, the sum of e^(s - largest), the sum of s over its
 * positives, and their number. Each lane has a largest element of its own; they meet at the row's end.
 */
const STATE = { largest: 0, total: 16, similarities: 32, positives: 48 } as const;
const STATE_BYTES = 64;

/** loss, logSumExp and inversePositives from z and classes. */
export function lossesOnCpu(
  machine: Machine,
  { rows, features, temperature }: Params<"rows" | "features" | "temperature">,
  [z = 0, classes = 0]: readonly Pointer[],
  [loss = 0, logSumExp = 0, inversePositives = 0]: readonly Pointer[],
): void {
  withStrips(machine, z, rows, features, (strips) => {
    const states = machine.heap.alloc(strips.tasks * TILE_ROWS * STATE_BYTES);
    try {
      const program = machine.program("contrastiveLosses", lossesTask);
      const outputs = { loss, logSumExp, inversePositives };
      const inverseTemperature = f32Bits(1 / temperature);
      const args = { ...strips, rows, features, classes, inverseTemperature, states, ...outputs };
      machine.parallel(program, strips.tasks, words.list(args));
    } finally {
      machine.heap.free(states);
    }
  });
}

function lossesTask(module: ModuleBuilder): void {
  const loop = stripLoop(module);
  const gather = module.func({ params: ["i32", "i32", "i32", "i32", "i32", "i32"] }, (f, args, ...at) => {
    gatherRow(f, words.reader(args), ...at);
  });
  const finish = module.func({ params: ["i32", "i32", "i32"] }, (f, args, row, state) => {
    finishRow(f, words.reader(args), row, state);
  });
  module.task((f, args, index) => {
    const word = words.reader(args);
    const states = f.let(i32.add(word("states"), i32.mul(index, TILE_ROWS * STATE_BYTES)));
    const stateOf = (i: Value<"i32">) => i32.add(states, i32.mul(i, STATE_BYTES));
    loop(f, word, index, {
      startPanel: () => {
        f.memoryFill(states, 0, TILE_ROWS * STATE_BYTES);
        f.forRange(0, TILE_ROWS, 1, (i) => {
          f.store(stateOf(i), f32x4.const(LOWEST), STATE.largest);
        });
      },
      strip: ({ firstRow, presentRows, firstColumn, lastColumn, strip }) => {
        forRows(f, presentRows, strip, (i, from) => {
          f.call(gather, args, i32.add(firstRow, i), firstColumn, lastColumn, from, stateOf(i));
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

/** Adds one row of a strip, at `from`, to the row's state. */
function gatherRow(
  f: FunctionBuilder,
  word: ReturnType<typeof words.reader>,
  row: Local<"i32">,
  first: Local<"i32">,
  last: Local<"i32">,
  from: Local<"i32">,
  state: Local<"i32">,
): void {
  const [before, largest] = [f.let(v128.load(state, STATE.largest)), f.let(v128.load(state, STATE.largest))];
  const similarities = f.let(v128.load(state, STATE.similarities));
  const positives = f.let(v128.load(state, STATE.positives));
  forLanes(f, word, { row, first, last, from }, ({ s, isOther, isPositive, at }) => {
    f.set(s, v128.bitselect(s, f32x4.const(LOWEST), isOther));
    f.set(largest, f32x4.max(largest, s));
    f.set(similarities, f32x4.add(similarities, v128.and(s, isPositive)));
    f.set(positives, f32x4.add(positives, v128.and(f32x4.const(1), isPositive)));
    f.store(at, s);
  });
  const total = f.let(v128.load(state, STATE.total));
  f.set(total, f32x4.mul(total, expLanes(f, f32x4.sub(before, largest))));
  const end = f.let(i32.add(from, i32.shl(i32.sub(last, first), 2)));
  f.forRange(from, end, 16, (at) => {
    f.set(total, f32x4.add(total, expLanes(f, f32x4.sub(v128.load(at), largest))));
  });
  for (const [name, value] of Object.entries({ largest, total, similarities, positives })) {
    f.store(state, value, STATE[name as keyof typeof STATE]);
  }
}

/** Lets the lanes of a row's state meet, and writes the row's outputs. */
function finishRow(
  f: FunctionBuilder,
  word: ReturnType<typeof words.reader>,
  row: Local<"i32">,
  state: Local<"i32">,
): void {
  const across = (x: Local<"v128">, combine: (a: Value<"v128">, b: Value<"v128">) => Value<"v128">) => {
    const halves = f.let(combine(x, v128.shuffle(x, x, [2, 3, 0, 1])));
    return f.let(combine(halves, v128.shuffle(halves, halves, [1, 0, 3, 2])));
  };
  const lanes = f.let(v128.load(state, STATE.largest));
  const largest = across(lanes, f32x4.max);
  // A lane that met no other row has a sum too, of e^0 for masked elements: its factor here is 0.
  const scaled = f32x4.mul(v128.load(state, STATE.total), expLanes(f, f32x4.sub(lanes, largest)));
  const total = across(f.let(scaled), f32x4.add);
  const similarities = across(f.let(v128.load(state, STATE.similarities)), f32x4.add);
  const positives = across(f.let(v128.load(state, STATE.positives)), f32x4.add);

  const logSumExp = f.let(f32x4.add(largest, logLanes(f, total)));
  const hasPositives = f.let(f32x4.gt(positives, f32x4.const(0)));
  const mean = f32x4.div(similarities, positives);
  const write = (name: "loss" | "logSumExp" | "inversePositives", value: Value<"v128">): void => {
    f.storeLane(i32.add(word(name), i32.shl(row, 2)), value, 0);
  };
  write("loss", v128.and(f32x4.sub(logSumExp, mean), hasPositives));
  write("logSumExp", logSumExp);
  write("inversePositives", v128.and(f32x4.div(f32x4.const(1), positives), hasPositives));
}
