/**
 * The sums of exponentials on the CPU where the contrast set is the anchors. Then s_ia = s_ai, and a tile right of the diagonal
 * serves the rows of both: half of the products, and half of the exponentials, if one shift c does for all rows,
 *
 *     log sum_a e^s_ia = c + log sum_a e^(s_ia - c).
 *
 * With c = the largest z_i z_i / tau, |s_ia| <= c (Cauchy and Schwarz), and the terms lie between e^-2c and 1: with
 * c <= {@link MOST_SHIFT} none is too small for a float, and rounding s - c and c + log costs 4e-6 at most. That is so for
 * unit vectors at temperatures from 0.025 on; other rows have each its own largest s (`sums.cpu.ts`).
 *
 * A task adds what it meets to sums of its own for all rows, which are added up afterwards in the order of the tasks: the
 * same bits with any number of threads.
 *
 * Cost: R^2 D operations, R^2 / 2 exponentials, and 8 bytes for each task and row; for the shift R D operations more.
 */
import { f32, f32x4, i32, select, v128 } from "../../engine/backends/cpu/assembler.ts";
import type { FunctionBuilder, Local, ModuleBuilder, Value } from "../../engine/backends/cpu/assembler.ts";
import { across, expLanes, logLanes } from "../../engine/backends/cpu/expression/math.ts";
import { TILE_COLUMNS, TILE_ROWS } from "../../engine/backends/cpu/gemm/tile.ts";
import { f32Bits } from "../../engine/backends/cpu/machine.ts";
import type { Machine } from "../../engine/backends/cpu/machine.ts";
import { minU, storeLanes, Words } from "../../engine/backends/cpu/task.ts";
import type { Pointer } from "../../engine/kernel.ts";
import type { ContrastiveParams } from "./pairs.ts";
import { forLanes, forRows, LOWEST, stripLoop, stripWords, withStrips } from "./strip.cpu.ts";

/** e^(-2 * 41) is 2.4e-36, still a normal float. Not 40, which the length of a unit vector may pass by rounding at 1 / 40. */
const MOST_SHIFT = 41;

/** Places whose sums a task of the end adds up. */
const FINISH_PLACES = 256;

// prettier-ignore
const words = new Words([...stripWords, ...(["shift", "sums", "places", "logAll", "positives"] as const)]);
type Reader = ReturnType<typeof words.reader>;

/** Bytes of a task's sums: for each row its total, then for each row its positives. */
const sumsBytes = (word: Reader): Value<"i32"> => i32.shl(word("places"), 3);

/** The shift of all rows of z, or undefined where they need their own, as for NaN and Infinity. */
export function sharedShift(
  machine: Machine,
  { rows, features, temperature }: ContrastiveParams,
  z: Pointer,
): number | undefined {
  const values = machine.f32.subarray(z / 4, z / 4 + rows * features);
  let largest = 0;
  for (let row = 0; row < rows; row++) {
    let square = 0;
    for (let i = row * features; i < (row + 1) * features; i++) square += (values[i] ?? 0) ** 2;
    largest = Math.max(largest, square); // NaN stays
  }
  const shift = largest / temperature;
  return shift <= MOST_SHIFT ? shift : undefined;
}

/** logAll and positives of anchors that are their own contrast set, whose rows have this {@link sharedShift}. */
export function symmetricSumsOnCpu(
  machine: Machine,
  params: ContrastiveParams,
  inputs: readonly Pointer[],
  [logAll = 0, positives = 0]: readonly Pointer[],
  shift: number,
): void {
  withStrips(machine, params, inputs, (strips) => {
    const places = TILE_COLUMNS * Math.ceil(params.rows / TILE_COLUMNS);
    const sums = machine.heap.alloc(strips.tasks * 8 * places);
    try {
      const own = { shift: f32Bits(shift), sums, places, logAll, positives };
      const args = words.list(Object.assign(own, strips));
      machine.parallel(machine.program("contrastiveSums symmetric", gatherTask), strips.tasks, args);
      const finish = machine.program("contrastiveSums symmetric finish", finishTask);
      machine.parallel(finish, Math.ceil(places / FINISH_PLACES), args);
    } finally {
      machine.heap.free(sums);
    }
  });
}

/** A task goes through the strips of its row panels, from the diagonal to the right. */
function gatherTask(module: ModuleBuilder): void {
  const loop = stripLoop(module);
  const add = module.func(
    { params: ["i32", "i32", "i32", "i32", "i32", "i32", "i32"] },
    (f, args, firstRow, row, first, last, from, sums) => {
      addRow(f, words.reader(args), { firstRow, row, first, last, from }, sums);
    },
  );
  const nothing = (): void => undefined;
  module.task((f, args, index) => {
    const word = words.reader(args);
    const sums = f.let(i32.add(word("sums"), i32.mul(index, sumsBytes(word))));
    f.forRange(sums, i32.add(sums, sumsBytes(word)), 16, (at) => {
      f.store(at, f32x4.const(0));
    });
    loop(f, word, index, {
      // From the tile that the diagonal enters: tiles are whole.
      firstColumn: (firstRow) => i32.and(firstRow, -TILE_COLUMNS),
      startPanel: nothing,
      strip: ({ firstRow, presentRows, firstColumn, lastColumn, strip }) => {
        const first = f.let(select(i32.gtU(firstColumn, firstRow), firstColumn, firstRow));
        const begin = f.let(i32.add(strip, i32.shl(i32.sub(first, firstColumn), 2)));
        forRows(f, presentRows, begin, (i, from) => {
          f.call(add, args, firstRow, i32.add(firstRow, i), first, lastColumn, from, sums);
        });
      },
      endPanel: nothing,
    });
  });
}

/** Adds the pairs of a row of a strip to the row's sums, and right of the diagonal's square to those of the columns. */
function addRow(
  f: FunctionBuilder,
  word: Reader,
  at: Readonly<Record<"firstRow" | "row" | "first" | "last" | "from", Local<"i32">>>,
  sums: Local<"i32">,
): void {
  const toPositives = f.let(i32.shl(word("places"), 2));
  const shift = f.let(f32x4.splat(f32.reinterpretI32(word("shift"))));
  const [total, similarities] = [f.let(f32x4.const(0)), f.let(f32x4.const(0))];
  const place = f.let(i32.add(sums, i32.shl(at.first, 2)));
  const addTo = (address: Local<"i32">, value: Local<"v128">): void => {
    f.store(address, f32x4.add(v128.load(address), value));
  };
  forLanes(f, word, at, ({ s, isOther, isPositive, column }) => {
    const term = f.let(v128.and(expLanes(f, f32x4.sub(s, shift)), isOther));
    const similarity = f.let(v128.and(s, isPositive));
    f.set(total, f32x4.add(total, term));
    f.set(similarities, f32x4.add(similarities, similarity));
    f.if(i32.gtU(column, at.firstRow), () => {
      addTo(place, term);
      addTo(f.let(i32.add(place, toPositives)), similarity);
    });
    f.increment(place, 16);
  });
  f.set(place, i32.add(sums, i32.shl(at.row, 2)));
  for (const sum of [total, similarities]) {
    f.storeLane(place, f32x4.add(v128.load32Splat(place), across(f, sum, f32x4.add)), 0);
    f.increment(place, toPositives);
  }
}

/** Adds the sums of all tasks, in their order. */
function finishTask(module: ModuleBuilder): void {
  module.task((f, args, index) => {
    const word = words.reader(args);
    const taskBytes = f.let(sumsBytes(word));
    const shift = f.let(f32x4.splat(f32.reinterpretI32(word("shift"))));
    const rows = f.let(word("rows"));
    const toPositives = f.let(i32.shl(word("places"), 2));
    const first = f.let(i32.mul(index, FINISH_PLACES));
    const end = f.let(i32.add(first, FINISH_PLACES));
    f.forRange(first, minU(end, rows), TILE_ROWS, (row) => {
      const offset = f.let(i32.shl(row, 2));
      const from = f.let(i32.add(word("sums"), offset));
      const [total, similarities] = [f.let(f32x4.const(0)), f.let(f32x4.const(0))];
      f.forRange(0, word("tasks"), 1, () => {
        f.set(total, f32x4.add(total, v128.load(from)));
        f.set(similarities, f32x4.add(similarities, v128.load(i32.add(from, toPositives))));
        f.increment(from, taskBytes);
      });
      const log = f.let(f32x4.add(shift, logLanes(f, total)));
      // The shift lets no term be 0: only an empty sum is.
      const isEmpty = f32x4.eq(total, f32x4.const(0));
      const left = f.let(i32.sub(rows, row));
      const [logAll, positives] = [f.let(i32.add(word("logAll"), offset)), f.let(i32.add(word("positives"), offset))]; // prettier-ignore
      storeLanes(f, logAll, v128.bitselect(f32x4.const(LOWEST), log, isEmpty), left);
      storeLanes(f, positives, similarities, left);
    });
  });
}
