/**
 * The micro-kernel: a tile of 4 x 8 elements of C += A B, held in 8 vector registers while k runs.
 *
 * A step in k takes 2 vectors from B, 4 elements of A spread over all lanes ("splat"), and 8 multiply-adds:
 * 6 loads for 64 operations. 8 accumulators + 2 vectors of B + 1 splat fit the 16 registers of x86. Larger tiles spill.
 * So does an unrolled loop: V8 moves all its loads to the front.
 *
 * The bound: two multiply-adds in a cycle, each of 8 operations, 16 operations/cycle. Operands come from L1, or from
 * L2 in sequence: at that rate 48 bytes in 4 cycles. Measured on a Zen 4 core at 3.7 GHz: 55 of 59 GFLOP/s
 * (3 x 12 and 2 x 16 the same, 5 x 8: 22, 6 x 8: 24, 4 x 12: 24, 4 x 8 unrolled twice: 27); without FMA 44.
 */
import { f32x4, i32, v128 } from "../assembler.ts";
import type { Func, FunctionBuilder, Local, ModuleBuilder, Operand, Value } from "../assembler.ts";

/** Rows of a tile of C. */
export const TILE_ROWS = 4;
/** Columns of a tile of C. */
export const TILE_COLUMNS = 8;
/** Bytes in one step of a packed panel of B, [k][8]. */
export const B_STEP_BYTES = 4 * TILE_COLUMNS;

const VECTORS = TILE_COLUMNS / 4;

/**
 * Distances in bytes between neighbouring rows of A and between steps in k. They are constants of the code: WebAssembly
 * adds only constants to an address for free, and a pointer for each of the rows would cost 15 % of the speed.
 */
export interface ALayout {
  readonly rowBytes: number;
  readonly stepBytes: number;
}

/** A packed panel [k][4]: the rows of a step are neighbours. */
export const PACKED_A: ALayout = { rowBytes: 4, stepBytes: 4 * TILE_ROWS };

/**
 * Where the operands of a tile are. The steps in k come as `runs` runs of `steps` steps, so that a convolution is a
 * product too: element (row, run r, step s) of A is at a + row * rowBytes + r * runBytes + s * stepBytes. B is one
 * packed panel from `b` on, B_STEP_BYTES for each step. Runs and steps may be 0.
 */
export interface TileOperands {
  readonly a: Value<"i32">;
  readonly runs: Operand<"i32">;
  readonly runBytes: Operand<"i32">;
  readonly steps: Operand<"i32">;
  readonly b: Value<"i32">;
}

/** The accumulators of a tile: for each row, its vectors of four columns. */
export type Accumulators = readonly (readonly Local<"v128">[])[];

/** Makes a tile's accumulators. They are 0 at the start of the function; for another tile, set them to 0. */
export const accumulators = (f: FunctionBuilder): Accumulators =>
  Array.from({ length: TILE_ROWS }, () => Array.from({ length: VECTORS }, () => f.local("v128")));

/** Writes the code of tile += A B into a function. */
export function multiplyTile(
  f: FunctionBuilder,
  { rowBytes, stepBytes }: ALayout,
  tile: Accumulators,
  at: TileOperands,
): void {
  const run = f.let(at.a);
  const b = f.let(at.b);
  const runOfB = f.let(i32.mul(at.steps, B_STEP_BYTES));
  const vectors = Array.from({ length: VECTORS }, () => f.local("v128"));
  const splat = f.local("v128");
  f.forRange(0, at.runs, 1, () => {
    const a = f.let(run);
    const end = f.let(i32.add(b, runOfB));
    const more = i32.ltU(b, end);
    f.if(more, () => {
      f.loop((top) => {
        vectors.forEach((vector, j) => {
          f.set(vector, v128.load(b, 16 * j));
        });
        tile.forEach((row, i) => {
          f.set(splat, v128.load32Splat(a, i * rowBytes));
          row.forEach((sum, j) => {
            const vector = vectors[j];
            if (vector) f.set(sum, f.madd(splat, vector, sum));
          });
        });
        f.increment(a, stepBytes);
        f.increment(b, B_STEP_BYTES);
        f.brIf(top, more);
      });
    });
    f.increment(run, at.runBytes);
  });
}

const tileParams = ["i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32", "i32"] as const;

/** See {@link tileFunction}. */
export type TileFunction = Func<typeof tileParams, undefined>;

/**
 * Adds to the module a function that computes one tile of C, whose rows are `cRowBytes` apart: C = A B, or C += A B if
 * `accumulate` is not 0. Only the first `rows` rows and `columns` columns of C are touched (more than a tile has are all
 * of it); of A and B whole tiles are read, whatever stands there.
 */
export function tileFunction(module: ModuleBuilder, layout: ALayout): TileFunction {
  return module.func(
    { params: tileParams },
    (f, a, runs, runBytes, steps, b, c, cRowBytes, rows, columns, accumulate) => {
      const tile = accumulators(f);
      multiplyTile(f, layout, tile, { a, runs, runBytes, steps, b });
      // C is added at the end, not taken as the start: blocks of k are summed on their own, which keeps errors small.
      f.if(accumulate, () => {
        forPresent(f, tile, { c, cRowBytes, rows, columns }, (sum, address, offset, lane) => {
          const before =
            lane === undefined
              ? v128.load(address, offset)
              : v128.load32Lane(address, f32x4.const(0), lane, offset);
          f.set(sum, f32x4.add(before, sum));
        });
      });
      forPresent(f, tile, { c, cRowBytes, rows, columns }, (sum, address, offset, lane) => {
        if (lane === undefined) f.store(address, sum, offset);
        else f.storeLane(address, sum, lane, offset);
      });
    },
  );
}

/** Where a tile of C is, and how much of it exists. */
interface Destination {
  readonly c: Local<"i32">;
  readonly cRowBytes: Local<"i32">;
  readonly rows: Local<"i32">;
  readonly columns: Local<"i32">;
}

/** Runs `access` for each accumulator that lies in C; where only a part of it does, for each lane that does. */
function forPresent(
  f: FunctionBuilder,
  tile: Accumulators,
  { c, cRowBytes, rows, columns }: Destination,
  access: (sum: Local<"v128">, address: Local<"i32">, offset: number, lane?: number) => void,
): void {
  const address = f.let(c);
  tile.forEach((row, i) => {
    f.if(i32.gtU(rows, i), () => {
      row.forEach((sum, j) => {
        const whole = i32.geU(columns, 4 * j + 4);
        const lanes = (): void => {
          for (const lane of [0, 1, 2]) {
            f.if(i32.gtU(columns, 4 * j + lane), () => {
              access(sum, address, 16 * j + 4 * lane, lane);
            });
          }
        };
        f.if(
          whole,
          () => {
            access(sum, address, 16 * j);
          },
          lanes,
        );
      });
      f.increment(address, cRowBytes);
    });
  });
}
