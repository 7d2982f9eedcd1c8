/**
 * argMax on the CPU: along an outer axis, the lanes of a vector are four neighbouring lines; along the last axis, where a
 * line's elements are neighbours themselves, each lane searches every fourth element, and the four answers are compared.
 *
 * Bound: one load and six operations for each four elements.
 */
import { f32x4, i32, i32x4, v128 } from "../../engine/backends/cpu/assembler.ts";
import type { FunctionBuilder, ModuleBuilder, Value } from "../../engine/backends/cpu/assembler.ts";
import { minU, runTasks, storeLanes, Words } from "../../engine/backends/cpu/task.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import type { Pointer } from "../../engine/kernel.ts";
import { beginSearch, takeLarger } from "../larger.cpu.ts";
import type { Largest } from "../larger.cpu.ts";

/** A task reads about so many elements. */
const TASK_ELEMENTS = 16384;
/** An element takes as long as so many operations of a matrix product, by which jobs are small or large. */
const ELEMENT_OPERATIONS = 16;

const words = new Words(["length", "inner", "outer", "taskBlocks", "x", "y"]);
type Reader = ReturnType<typeof words.reader>;

/** y [outer, inner], the position of the largest element along the middle axis of x [outer, length, inner]. */
export function argMaxOnCpu(
  machine: Machine,
  { outer, length, inner }: Readonly<Record<"outer" | "length" | "inner", number>>,
  x: Pointer,
  y: Pointer,
): void {
  const taskBlocks = Math.max(1, Math.floor(TASK_ELEMENTS / Math.max(1, length * inner)));
  const program = machine.program(`argMax ${inner === 1 ? "along lines" : "across lines"}`, (module) => {
    argMaxTask(module, inner === 1 ? alongLine : acrossLines);
  });
  const args = words.list({ length, inner, outer, taskBlocks, x, y });
  runTasks(
    machine,
    program,
    Math.ceil(outer / taskBlocks),
    args,
    ELEMENT_OPERATIONS * outer * length * inner,
  );
}

/** A task searches some blocks [length, inner] of x. */
function argMaxTask(
  module: ModuleBuilder,
  search: (f: FunctionBuilder, word: Reader, x: Value<"i32">, y: Value<"i32">) => void,
): void {
  module.task((f, args, index) => {
    const word = words.reader(args);
    const innerBytes = f.let(i32.shl(word("inner"), 2));
    const first = f.let(i32.mul(index, word("taskBlocks")));
    const x = f.let(i32.add(word("x"), i32.mul(i32.mul(first, word("length")), innerBytes)));
    const y = f.let(i32.add(word("y"), i32.mul(first, innerBytes)));
    f.forRange(first, minU(i32.add(first, word("taskBlocks")), word("outer")), 1, () => {
      search(f, word, x, y);
      f.increment(x, i32.mul(word("length"), innerBytes));
      f.increment(y, innerBytes);
    });
  });
}

function acrossLines(f: FunctionBuilder, word: Reader, x: Value<"i32">, y: Value<"i32">): void {
  const inner = f.let(word("inner"));
  f.forRange(0, inner, 4, (line) => {
    const at = f.let(i32.add(x, i32.shl(line, 2)));
    const largest = beginSearch(f, i32.const(0));
    f.forRange(0, word("length"), 1, (i) => {
      takeLarger(f, largest, f.let(v128.load(at)), i32x4.splat(i));
      f.increment(at, i32.shl(inner, 2));
    });
    const to = f.let(i32.add(y, i32.shl(line, 2)));
    storeLanes(f, to, largest.position, f.let(i32.sub(inner, line)));
  });
}

function alongLine(f: FunctionBuilder, word: Reader, x: Value<"i32">, y: Value<"i32">): void {
  const largest = beginSearch(f, i32.const(0));
  const position = f.let(i32x4.const(0, 1, 2, 3));
  f.set(largest.position, position);
  const length = f.let(i32x4.splat(word("length")));
  f.forRange(x, i32.add(x, i32.shl(word("length"), 2)), 16, (at) => {
    // Behind the end of the line, which the last vector may cross, nothing is larger.
    const exists = i32x4.gtS(length, position);
    const value = f.let(v128.bitselect(v128.load(at), f32x4.const(-Infinity), exists));
    takeLarger(f, largest, value, position);
    f.set(position, i32x4.add(position, i32x4.const(4)));
  });
  compareLanes(f, largest, [2, 3, 0, 1]);
  compareLanes(f, largest, [1, 0, 3, 2]);
  f.store(y, i32x4.extractLane(largest.position, 0));
}

/** Each lane takes the other's answer where that is larger, or as large and before its own. */
function compareLanes(
  f: FunctionBuilder,
  { value, position }: Largest,
  others: readonly [number, number, number, number],
): void {
  const otherValue = f.let(v128.shuffle(value, value, others));
  const otherPosition = f.let(v128.shuffle(position, position, others));
  const [isNumber, otherIsNumber] = [f32x4.eq(value, value), f32x4.eq(otherValue, otherValue)];
  const isLarger = v128.andnot(isNumber, f32x4.le(otherValue, value));
  const isSame = v128.or(f32x4.eq(otherValue, value), v128.not(v128.or(isNumber, otherIsNumber)));
  const isBefore = i32x4.gtS(position, otherPosition);
  const isTaken = f.let(v128.or(isLarger, v128.and(isSame, isBefore)));
  f.set(value, v128.bitselect(otherValue, value, isTaken));
  f.set(position, v128.bitselect(otherPosition, position, isTaken));
}
