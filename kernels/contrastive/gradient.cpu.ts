/**
 * The backward pass on the CPU. Each strip of similarities becomes a strip of the weights W = (G + G^T) / temperature in
 * its place, and as an operand of the micro-kernel adds W Z to the gradients of its four rows.
 *
 * Cost: 4 M^2 D operations, half of them for the similarities once more, and 2 M^2 exponentials.
 */
import { f32, f32x4, i32, v128 } from "../../engine/backends/cpu/assembler.ts";
import type { FunctionBuilder, Local, ModuleBuilder, Value } from "../../engine/backends/cpu/assembler.ts";
import { expLanes } from "../../engine/backends/cpu/expression/math.ts";
import { pack } from "../../engine/backends/cpu/gemm/pack.ts";
import { Words } from "../../engine/backends/cpu/task.ts";
import { B_STEP_BYTES, TILE_COLUMNS, tileFunction } from "../../engine/backends/cpu/gemm/tile.ts";
import { f32Bits } from "../../engine/backends/cpu/machine.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Params, Pointer } from "../../engine/kernel.ts";
import { forLanes, forRows, STRIP_ROW_BYTES, stripLoop, stripWords, withStrips } from "./strip.cpu.ts";

const words = new Words([
  ...stripWords,
  ...(["packedZ", "logSumExp", "inversePositives", "dLoss", "dz"] as const),
]);

/** A strip as the left operand: rows of weights, as they are. */
const STRIP_A = { rowBytes: STRIP_ROW_BYTES, stepBytes: 4 };

/** dz from z, classes, the saved row statistics and dLoss. */
export function gradientOnCpu(
  machine: Machine,
  { rows, features, temperature }: Params<"rows" | "features" | "temperature">,
  [z = 0, classes = 0, logSumExp = 0, inversePositives = 0, dLoss = 0]: readonly Pointer[],
  [dz = 0]: readonly Pointer[],
): void {
  withStrips(machine, z, rows, features, (strips) => {
    const panelBytes = rows * B_STEP_BYTES;
    const packedZ = machine.heap.alloc(Math.ceil(features / TILE_COLUMNS) * panelBytes);
    try {
      pack(
        machine,
        { from: z, lineBytes: 4 * features, interleave: false, places: features, steps: rows },
        { to: packedZ, panelBytes, width: TILE_COLUMNS },
      );
      const program = machine.program("contrastiveGradient", gradientTask);
      const inverseTemperature = f32Bits(1 / temperature);
      const pointers = { classes, packedZ, logSumExp, inversePositives, dLoss, dz };
      const args = { ...strips, rows, features, inverseTemperature, ...pointers };
      machine.parallel(program, strips.tasks, words.list(args));
    } finally {
      machine.heap.free(packedZ);
    }
  });
}

function gradientTask(module: ModuleBuilder): void {
  const loop = stripLoop(module);
  const tile = tileFunction(module, STRIP_A);
  const weigh = module.func({ params: ["i32", "i32", "i32", "i32", "i32"] }, (f, args, ...at) => {
    weighRow(f, words.reader(args), ...at);
  });
  const nothing = (): void => undefined;
  module.task((f, args, index) => {
    const word = words.reader(args);
    loop(f, word, index, {
      startPanel: nothing,
      strip: ({ firstRow, presentRows, firstColumn, lastColumn, strip }) => {
        forRows(f, presentRows, strip, (i, from) => {
          f.call(weigh, args, i32.add(firstRow, i), firstColumn, lastColumn, from);
        });
        const features = f.let(word("features"));
        const columns = f.let(i32.sub(lastColumn, firstColumn));
        const rowBytes = f.let(i32.shl(features, 2));
        const b = f.let(i32.add(word("packedZ"), i32.mul(firstColumn, B_STEP_BYTES)));
        const c = f.let(i32.add(word("dz"), i32.mul(firstRow, rowBytes)));
        f.forRange(0, features, TILE_COLUMNS, (feature) => {
          const present = i32.sub(features, feature);
          f.call(tile, strip, 1, 0, columns, b, c, rowBytes, presentRows, present, firstColumn);
          f.increment(b, i32.mul(word("rows"), B_STEP_BYTES));
          f.increment(c, 4 * TILE_COLUMNS);
        });
      },
      endPanel: nothing,
    });
  });
}

/** Replaces one row of a strip, at `from`, by its weights. */
function weighRow(
  f: FunctionBuilder,
  word: ReturnType<typeof words.reader>,
  row: Local<"i32">,
  first: Local<"i32">,
  last: Local<"i32">,
  from: Local<"i32">,
): void {
  const inverseTemperature = f.let(f32x4.splat(f32.reinterpretI32(word("inverseTemperature"))));
  const statistics = (load: (name: "logSumExp" | "inversePositives" | "dLoss") => Value<"v128">) => ({
    logSumExp: f.let(load("logSumExp")),
    inversePositives: f.let(load("inversePositives")),
    dLoss: f.let(f32x4.mul(load("dLoss"), inverseTemperature)),
  });
  const own = statistics((name) => v128.load32Splat(i32.add(word(name), i32.shl(row, 2))));
  forLanes(f, word, { row, first, last, from }, ({ s, isOther, isPositive, at, column }) => {
    const theirs = statistics((name) => v128.load(i32.add(word(name), i32.shl(column, 2))));
    // (P_ia - X_ia) dL_i
    const half = ({ logSumExp, inversePositives, dLoss }: typeof own): Value<"v128"> => {
      const softmax = expLanes(f, f32x4.sub(s, logSumExp));
      return f32x4.mul(f32x4.sub(softmax, v128.and(inversePositives, isPositive)), dLoss);
    };
    f.store(at, v128.and(f32x4.add(half(own), half(theirs)), isOther));
  });
}
