/**
 * Maps on the CPU: y[i] = f(x0[i], x1[i], ...) over broadcast operands, four lanes at a time.
 *
 * Bound: 4 bytes read for each operand element and 4 written for each output element; from main memory that is what
 * limits it, for all but the longest expressions. Rows are cut into tasks of about 16 Ki elements, by shape alone.
 */
import { emitSimd } from "../../../expr/emit-simd.ts";
import { inputsOf } from "../../../expr/expr.ts";
import type { LoopStructure } from "../../../expr/kernel.ts";
import { range } from "../../../expr/space.ts";
import { f32x4, i32 } from "../assembler.ts";
import type { FunctionBuilder, Local, ModuleBuilder, Value } from "../assembler.ts";
import { minU, storeLanes } from "../task.ts";
import {
  advance,
  ArgumentWords,
  cutWords,
  OperandReader,
  operandWords,
  startPointers,
  stepper,
} from "./loops.ts";
import type { ArgumentWord } from "./loops.ts";

/** The words of a map: operands, outputs, how rows and columns are cut, and those of extra inputs. */
export const mapWords = (structure: LoopStructure, extra: readonly string[] = []): ArgumentWords =>
  new ArgumentWords([
    ...operandWords(structure),
    ...structure.definition.outputs.map((_, i): ArgumentWord => [
      `y${i}`,
      ({ outputs }) => outputs[i] ?? 0,
      "each call",
    ]),
    ...cutWords(["rows", "columns", "taskRows", "taskColumns", ...extra]),
  ]);

/** Gives four lanes for an input that is no operand: `offset` is the byte offset of the output elements. */
export type ExtraInput = (f: FunctionBuilder, index: number, offset: Value<"i32">) => Value<"v128">;

/** Writes the task of a map. `extra` reads the inputs that come after the operands. */
export function emitMap(
  module: ModuleBuilder,
  structure: LoopStructure,
  words: ArgumentWords,
  extra: (args: Local<"i32">) => ExtraInput = () => noExtra,
): void {
  module.task((f, args, index) => {
    const task = taskRange(f, words, args, index);
    const origins = startPointers(f, structure, words, args);
    const { shortRows } = structure;
    if (shortRows) {
      emitShortRows(f, structure, shortRows, words, args, origins, task, extra(args));
      return;
    }
    f.forRange(task.rowStart, task.rowEnd, 1, (row) => {
      const pointers = new Map([...origins].map(([operand, origin]) => [operand, f.let(origin)] as const));
      advance(f, words, args, pointers, "kept", Math.max(0, structure.keptRank - 1), row);
      emitRow(f, structure, words, args, pointers, row, task, extra(args));
    });
  });
}

const noExtra: ExtraInput = (_f, index) => {
  throw new RangeError(`map: expected an operand, got input ${index}`);
};

interface TaskRange {
  readonly rowStart: Local<"i32">;
  readonly rowEnd: Local<"i32">;
  readonly columnStart: Local<"i32">;
  readonly columnEnd: Local<"i32">;
  readonly columns: Local<"i32">;
}

function taskRange(
  f: FunctionBuilder,
  words: ArgumentWords,
  args: Local<"i32">,
  index: Local<"i32">,
): TaskRange {
  const columns = f.let(words.load(args, "columns"));
  const taskColumns = f.let(words.load(args, "taskColumns"));
  const taskRows = f.let(words.load(args, "taskRows"));
  // Columns are cut only where a row alone is more than a task.
  const across = f.let(i32.divU(i32.sub(i32.add(columns, taskColumns), 1), taskColumns));
  const rowStart = f.let(i32.mul(i32.divU(index, across), taskRows));
  const columnStart = f.let(i32.mul(i32.remU(index, across), taskColumns));
  return {
    columns,
    rowStart,
    rowEnd: f.let(minU(i32.add(rowStart, taskRows), words.load(args, "rows"))),
    columnStart,
    columnEnd: f.let(minU(i32.add(columnStart, taskColumns), columns)),
  };
}

/** Rows of a few vectors, one after another: no loop within a row, and what all rows share is read before them. */
function emitShortRows(
  f: FunctionBuilder,
  structure: LoopStructure,
  { length, same }: NonNullable<LoopStructure["shortRows"]>,
  words: ArgumentWords,
  args: Local<"i32">,
  pointers: ReadonlyMap<number, Local<"i32">>,
  { rowStart, rowEnd }: TaskRange,
  extra: ExtraInput,
): void {
  const { definition, operands } = structure;
  const inputs = inputsOf(definition.outputs).filter((i) => i < operands.length);
  const [shared, own] = [inputs.filter((i) => same[i]), inputs.filter((i) => !same[i])];
  const vectors = length / 4;
  const reader = new OperandReader(structure, words, args, "kept");
  const first = f.let(i32.const(0));
  advance(f, words, args, pointers, "kept", 1, rowStart);
  const sharedValue = reader.readShared(f, pointers, shared, vectors, first);
  const step = stepper(f, words, args, pointers, "kept0", own);
  const rowBytes = 4 * length;
  const offset = f.let(i32.mul(rowStart, rowBytes));
  const targets = definition.outputs.map((_, i) => f.let(i32.add(words.load(args, `y${i}`), offset)));

  f.forRange(rowStart, rowEnd, 1, () => {
    const hoisted = reader.hoist(f, pointers, own);
    for (const vector of range(vectors)) {
      const values = emitSimd(f, definition.outputs, (i) => {
        if (i >= operands.length) return extra(f, i - operands.length, i32.add(offset, 16 * vector));
        const known = sharedValue(i, vector) ?? hoisted.get(i);
        return known ?? reader.read(f, i, pointers.get(i), first, 4 * vector);
      });
      targets.forEach((target, i) => {
        f.store(target, values[i] ?? f32x4.const(NaN), 16 * vector);
      });
    }
    step();
    for (const pointer of [offset, ...targets]) f.increment(pointer, rowBytes);
  });
}

function emitRow(
  f: FunctionBuilder,
  structure: LoopStructure,
  words: ArgumentWords,
  args: Local<"i32">,
  pointers: ReadonlyMap<number, Local<"i32">>,
  row: Local<"i32">,
  { columns, columnStart, columnEnd }: TaskRange,
  extra: ExtraInput,
): void {
  const { outputs } = structure.definition;
  const reader = new OperandReader(structure, words, args, "kept");
  const operands = structure.operands.length;
  const hoisted = reader.hoist(f, pointers, inputsOf(outputs));
  const rowBytes = f.let(i32.shl(i32.mul(row, columns), 2));
  const targets = outputs.map((_, i) => f.let(i32.add(words.load(args, `y${i}`), rowBytes)));
  const values = (column: Local<"i32">) =>
    emitSimd(f, outputs, (i) => {
      if (i >= operands) return extra(f, i - operands, i32.add(rowBytes, i32.shl(column, 2)));
      return hoisted.get(i) ?? reader.read(f, i, pointers.get(i), column);
    });
  const place = (target: Local<"i32">, column: Local<"i32">) => i32.add(target, i32.shl(column, 2));

  const whole = f.let(i32.add(columnStart, i32.and(i32.sub(columnEnd, columnStart), ~3)));
  f.forRange(columnStart, whole, 4, (column) => {
    values(column).forEach((value, i) => {
      f.store(place(targets[i] ?? column, column), value);
    });
  });
  // The last 1 to 3 columns: operands are read past their end (the heap allows it), results are stored one by one.
  f.if(i32.ltU(whole, columnEnd), () => {
    const left = f.let(i32.sub(columnEnd, whole));
    values(whole).forEach((value, i) => {
      storeLanes(f, f.let(place(targets[i] ?? whole, whole)), value, left);
    });
  });
}
