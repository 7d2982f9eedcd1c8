/**
 * Folds on the CPU: sums and maxima of f(x0[i], x1[i], ...) over some loops, in two stages.
 *
 * 1. The folded elements are cut into chunks (by shape alone); each chunk gives one partial result for every output
 *    element, so tasks are independent and the same bits come out whatever the number of threads. The lanes and
 *    chunks also make the sum blocked: its rounding error grows with the chunk's length, not with the whole.
 * 2. Partial results are combined in chunk order, then the output expressions are evaluated, four elements at a time.
 *
 * Bound: each operand element is read once, 4 bytes; partial results are few beside that.
 */
import { emitSimd } from "../../../expr/emit-simd.ts";
import { inputsOf, topological } from "../../../expr/expr.ts";
import { identityOf } from "../../../expr/kernel.ts";
import type { Accumulator, LoopStructure, Monoid } from "../../../expr/kernel.ts";
import { f32x4, i32, i32x4, v128 } from "../assembler.ts";
import type { FunctionBuilder, Local, ModuleBuilder, Value } from "../assembler.ts";
import { minU, storeLanes } from "../task.ts";
import { foldCutNames } from "./cut.ts";
import { across, maxLanes } from "./math.ts";
import {
  advance,
  ArgumentWords,
  cutWords,
  OperandReader,
  operandWords,
  reset,
  startPointers,
  stepper,
} from "./loops.ts";
import { emitMap, mapWords } from "./map.ts";

/** Elements of a row that are summed before they join the total, for the same reason. */
const BLOCK_ELEMENTS = 2048;
/** Vectors of columns that are folded together, the widest that fit first; single ones for what is left. */
const GROUP_VECTORS = [16, 8, 4, 2];
/** Operations in the body of one group: longer expressions take fewer columns together, so that code stays short. */
const GROUP_OPERATIONS = 128;

const combine: Record<Monoid, (f: FunctionBuilder, a: Value<"v128">, b: Value<"v128">) => Value<"v128">> = {
  sum: (_, a, b) => f32x4.add(a, b),
  max: maxLanes,
};

/** The words of stage 1. */
export const foldWords = (structure: LoopStructure): ArgumentWords =>
  new ArgumentWords([...operandWords(structure), ...cutWords([...foldCutNames, "partials"])]);

/** Writes stage 2: a map over the outputs whose extra inputs are the accumulators, combined over chunks in order. */
export function emitFinish(module: ModuleBuilder, structure: LoopStructure): void {
  const words = finishWords(structure);
  emitMap(module, structure, words, (args) => (f, accumulator, offset) => {
    const monoid = structure.definition.accumulators[accumulator]?.monoid ?? "sum";
    const chunks = f.let(words.load(args, "chunks"));
    const chunkBytes = f.let(i32.shl(words.load(args, "outputs"), 2));
    const first = i32.mul(i32.mul(chunks, accumulator), chunkBytes);
    const at = f.let(i32.add(i32.add(words.load(args, "partials"), first), offset));
    const total = f.let(v128.load(at));
    f.forRange(1, chunks, 1, () => {
      f.increment(at, chunkBytes);
      f.set(total, combine[monoid](f, total, v128.load(at)));
    });
    return total;
  });
}

/** The words of stage 2. */
export const finishWords = (structure: LoopStructure): ArgumentWords =>
  mapWords(structure, ["outputs", "chunks", "partials"]);

/** Writes stage 1: partials[accumulator][chunk][output]. */
export function emitFold(module: ModuleBuilder, structure: LoopStructure): void {
  const words = foldWords(structure);
  module.task((f, args, index) => {
    const load = (name: string) => f.let(words.load(args, name));
    const [rows, columns, folds, chunkFolds] = [
      load("rows"),
      load("columns"),
      load("folds"),
      load("chunkFolds"),
    ];
    const [taskRows, taskColumns, outputs] = [load("taskRows"), load("taskColumns"), load("outputs")];
    const ceilDiv = (a: Local<"i32">, b: Local<"i32">) => i32.divU(i32.sub(i32.add(a, b), 1), b);
    const across = f.let(structure.foldsRows ? i32.const(1) : ceilDiv(columns, taskColumns));
    const perChunk = f.let(i32.mul(ceilDiv(rows, taskRows), across));
    const chunk = f.let(i32.divU(index, perChunk));
    const within = f.let(i32.remU(index, perChunk));
    const rowStart = f.let(i32.mul(i32.divU(within, across), taskRows));
    const rowEnd = f.let(minU(i32.add(rowStart, taskRows), rows));
    const columnStart = f.let(i32.mul(i32.remU(within, across), taskColumns));
    const columnEnd = f.let(minU(i32.add(columnStart, taskColumns), columns));
    const foldStart = f.let(i32.mul(chunk, chunkFolds));
    const foldEnd = f.let(minU(i32.add(foldStart, chunkFolds), folds));
    // Where this chunk's partial results of each accumulator begin.
    const chunks = load("chunks");
    const partials = structure.definition.accumulators.map((_, a) =>
      f.let(
        i32.add(
          words.load(args, "partials"),
          i32.shl(i32.mul(i32.add(i32.mul(chunks, a), chunk), outputs), 2),
        ),
      ),
    );

    const origins = startPointers(f, structure, words, args);
    const pointers = copies(f, origins);
    const outer = structure.foldsRows ? structure.keptRank : Math.max(0, structure.keptRank - 1);
    f.forRange(rowStart, rowEnd, 1, (row) => {
      reset(f, pointers, origins);
      advance(f, words, args, pointers, "kept", outer, row);
      const part = { f, structure, words, args, pointers, partials, foldStart, foldEnd };
      if (structure.foldsRows) foldRow(part, row, columns);
      else foldColumns(part, row, columns, columnStart, columnEnd);
    });
  });
}

interface Part {
  readonly f: FunctionBuilder;
  readonly structure: LoopStructure;
  readonly words: ArgumentWords;
  readonly args: Local<"i32">;
  readonly pointers: ReadonlyMap<number, Local<"i32">>;
  readonly partials: readonly Local<"i32">[];
  readonly foldStart: Local<"i32">;
  readonly foldEnd: Local<"i32">;
}

const copies = (f: FunctionBuilder, pointers: ReadonlyMap<number, Local<"i32">>) =>
  new Map([...pointers].map(([operand, pointer]) => [operand, f.let(pointer)]));

/** One output element: the lanes run along the folded elements and are combined at the end. */
function foldRow(part: Part, row: Local<"i32">, columns: Local<"i32">): void {
  const { f, structure, words, args, pointers, partials, foldStart, foldEnd } = part;
  const { accumulators } = structure.definition;
  const totals = accumulators.map(() => f.local("v128"));
  restart(f, accumulators, totals);
  const run = foldRun(part, totals);
  if (structure.reducedRank <= 1) {
    run(pointers, foldStart, foldEnd);
  } else {
    const zero = f.let(i32.const(0));
    const inner = copies(f, pointers);
    f.forRange(foldStart, foldEnd, 1, (fold) => {
      reset(f, inner, pointers);
      advance(f, words, args, inner, "reduced", structure.reducedRank - 1, fold);
      run(inner, zero, columns);
    });
  }
  accumulators.forEach(({ monoid }, a) => {
    const [sum, target] = [totals[a], partials[a]];
    if (!sum || !target) return;
    const total = across(f, sum, (x, y) => combine[monoid](f, x, y));
    f.storeLane(i32.add(target, i32.shl(row, 2)), total, 0);
  });
}

/** Sets accumulators to the identities of their monoids. */
function restart(
  f: FunctionBuilder,
  accumulators: readonly Accumulator[],
  sums: readonly Local<"v128">[],
): void {
  accumulators.forEach(({ monoid }, a) => {
    const sum = sums[a];
    if (sum) f.set(sum, f32x4.const(identityOf[monoid]));
  });
}

/** Combines four lanes of each accumulator into its sum. */
function combineInto(
  f: FunctionBuilder,
  accumulators: readonly Accumulator[],
  sums: readonly Local<"v128">[],
  lanes: readonly Value<"v128">[],
): void {
  accumulators.forEach(({ monoid }, a) => {
    const [sum, value] = [sums[a], lanes[a]];
    if (sum && value) f.set(sum, combine[monoid](f, sum, value));
  });
}

/** Code that folds the elements `start` to `end` of the innermost reduced loop into `totals`. */
function foldRun({ f, structure, words, args }: Part, totals: readonly Local<"v128">[]) {
  const { accumulators } = structure.definition;
  const expressions = accumulators.map(({ of }) => of);
  const reader = new OperandReader(structure, words, args, "reduced");
  // Two sets of accumulators, so that one addition need not wait for the one before.
  const first = accumulators.map(() => f.local("v128"));
  const second = accumulators.map(() => f.local("v128"));
  const into = (sums: readonly Local<"v128">[], lanes: readonly Value<"v128">[]) => {
    combineInto(f, accumulators, sums, lanes);
  };
  return (pointers: ReadonlyMap<number, Local<"i32">>, start: Local<"i32">, end: Local<"i32">): void => {
    const hoisted = reader.hoist(f, pointers, inputsOf(expressions));
    const values = (element: Local<"i32">, plus: number) =>
      emitSimd(f, expressions, (i) => hoisted.get(i) ?? reader.read(f, i, pointers.get(i), element, plus));
    const length = f.let(i32.sub(end, start));
    const pairs = f.let(i32.add(start, i32.and(length, ~7)));
    const whole = f.let(i32.add(start, i32.and(length, ~3)));
    f.forRange(start, pairs, BLOCK_ELEMENTS, (block) => {
      restart(f, accumulators, first);
      restart(f, accumulators, second);
      const blockEnd = f.let(minU(i32.add(block, BLOCK_ELEMENTS), pairs));
      f.forRange(block, blockEnd, 8, (element) => {
        into(first, values(element, 0));
        into(second, values(element, 4));
      });
      into(totals, first);
      into(totals, second);
    });
    f.if(i32.ltU(pairs, whole), () => {
      into(totals, values(pairs, 0));
    });
    f.if(i32.ltU(whole, end), () => {
      // Lanes past the end read whatever follows: they are replaced by the identity.
      const inside = f.let(i32x4.ltS(i32x4.const(0, 1, 2, 3), i32x4.splat(i32.sub(end, whole))));
      const lanes = values(whole, 0);
      into(
        totals,
        accumulators.map(({ monoid }, a) =>
          v128.bitselect(lanes[a] ?? inside, f32x4.const(identityOf[monoid]), inside),
        ),
      );
    });
  };
}

/**
 * Neighbouring output elements: each lane folds its own column. Up to 64 columns go together, so that rows of up to 64
 * channels are read from memory in one sweep; with 16 at a time (a cache line) it takes four, at half the speed.
 */
function foldColumns(
  part: Part,
  row: Local<"i32">,
  columns: Local<"i32">,
  columnStart: Local<"i32">,
  columnEnd: Local<"i32">,
): void {
  const { f, structure, words, args, pointers, partials, foldStart, foldEnd } = part;
  const { accumulators } = structure.definition;
  const expressions = accumulators.map(({ of }) => of);
  const reader = new OperandReader(structure, words, args, "kept");
  const inner = copies(f, pointers);
  const inputs = inputsOf(expressions);
  // Where the rows are one loop, pointers go on by steps, and what is the same in all rows is read before them.
  const oneLoop = structure.reducedRank === 1;
  const shared = inputs.filter((i) => oneLoop && structure.reducedInner[i] === "same");
  const own = inputs.filter((i) => !shared.includes(i));
  const group = (column: Local<"i32">, vectors: number): Local<"v128">[][] => {
    const sets = Array.from({ length: vectors }, () => accumulators.map(() => f.local("v128")));
    for (const sums of sets) restart(f, accumulators, sums);
    const toRow = (fold: Local<"i32">) => {
      reset(f, inner, pointers);
      advance(f, words, args, inner, "reduced", structure.reducedRank, fold);
    };
    toRow(foldStart);
    const sharedValue = reader.readShared(f, inner, shared, vectors, column);
    const step = oneLoop ? stepper(f, words, args, inner, "reduced0", own) : undefined;
    f.forRange(foldStart, foldEnd, 1, (fold) => {
      if (!step) toRow(fold);
      const hoisted = reader.hoist(f, inner, own);
      sets.forEach((sums, vector) => {
        const values = emitSimd(f, expressions, (i) => {
          const known = sharedValue(i, vector) ?? hoisted.get(i);
          return known ?? reader.read(f, i, inner.get(i), column, 4 * vector);
        });
        combineInto(f, accumulators, sums, values);
      });
      step?.();
    });
    return sets;
  };
  const place = (target: Local<"i32">, column: Local<"i32">) =>
    i32.add(target, i32.shl(i32.add(i32.mul(row, columns), column), 2));
  const operations = topological(expressions).length;
  let from = columnStart;
  for (const vectors of GROUP_VECTORS) {
    if (vectors * operations > GROUP_OPERATIONS) continue;
    const to = f.let(i32.add(from, i32.and(i32.sub(columnEnd, from), ~(4 * vectors - 1))));
    f.forRange(from, to, 4 * vectors, (column) => {
      group(column, vectors).forEach((set, vector) => {
        set.forEach((sum, a) => {
          const target = partials[a];
          if (target) f.store(place(target, column), sum, 16 * vector);
        });
      });
    });
    from = to;
  }
  f.forRange(from, columnEnd, 4, (column) => {
    const left = f.let(i32.sub(columnEnd, column));
    group(column, 1).forEach((set) => {
      set.forEach((sum, a) => {
        const target = partials[a];
        if (target) storeLanes(f, f.let(place(target, column)), sum, left);
      });
    });
  });
}
