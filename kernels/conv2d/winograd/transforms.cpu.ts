/**
 * Winograd's transforms as code: matrix * square * matrix^T for squares of vectors, each of four neighbouring channels.
 *
 * The rows of G, A and B^T, and the columns of their transposes, that belong to a pair of points a, -a have the same even
 * powers and opposite odd ones. So each pair takes its even and its odd part once, and their sum and difference.
 */
import { f32x4, v128 } from "../../../engine/backends/cpu/assembler.ts";
import type { FunctionBuilder, Local, Value } from "../../../engine/backends/cpu/assembler.ts";
import type { Matrix } from "./winograd.ts";

type Vector = Local<"v128">;

/** Writes the code that takes the product of a matrix and a vector of values, and stores its elements one after another. */
type Apply = (
  f: FunctionBuilder,
  matrix: Matrix,
  values: readonly Vector[],
  store: (i: number, element: Value<"v128">) => void,
) => void;

/** Bytes of scratch memory that {@link transformSquare} takes for a matrix. */
export const squareBytes = (matrix: Matrix): number => 16 * matrix.length * (matrix[0]?.length ?? 0);

/**
 * Writes the code of matrix * square * matrix^T: first each column of the square, whose results go to scratch memory (there
 * are more of them than registers), then each row of what these give.
 */
export function transformSquare(
  f: FunctionBuilder,
  apply: Apply,
  matrix: Matrix,
  load: (i: number, j: number) => Value<"v128">,
  store: (i: number, j: number, element: Value<"v128">) => void,
  scratch: Local<"i32">,
): void {
  const size = matrix[0]?.length ?? 0;
  const side = Array.from({ length: size }, (_, i) => i);
  for (const j of side) {
    const column = side.map((i) => f.let(load(i, j)));
    apply(f, matrix, column, (i, element) => {
      f.store(scratch, element, 16 * (size * i + j));
    });
  }
  matrix.forEach((_, i) => {
    const row = side.map((j) => f.let(v128.load(scratch, 16 * (size * i + j))));
    apply(f, matrix, row, (j, element) => {
      store(i, j, element);
    });
  });
}

const isEven = (i: number): boolean => i % 2 === 0;

/** For G, B^T and A: rows 0 (of the point 0), then pairs, then one last row (of infinity). */
export const applyPairedRows: Apply = (f, matrix, values, store) => {
  matrix.forEach((row, i) => {
    if (i === 0 || i === matrix.length - 1) {
      store(i, combination(f, row, values));
      return;
    }
    if (isEven(i)) return; // the second of a pair
    // The odd part is divided by its last coefficient, which then goes into the sum and the difference.
    const scale = row.reduce((last, c, j) => (isEven(j) || c === 0 ? last : c), 1);
    const even = row.map((c, j) => (isEven(j) ? c : 0));
    const odd = row.map((c, j) => (isEven(j) ? 0 : c / scale));
    const evenPart = f.let(combination(f, even, values));
    const oddPart = f.let(combination(f, odd, values));
    if (scale === 1) {
      store(i, f32x4.add(evenPart, oddPart));
      store(i + 1, f32x4.sub(evenPart, oddPart));
    } else {
      store(i, f.madd(oddPart, scale, evenPart));
      store(i + 1, f.nmadd(oddPart, scale, evenPart));
    }
  });
};

/** For A^T and G^T: their even rows take the sum of the two values of a pair, its odd rows their difference. */
export const applyPairedColumns: Apply = (f, matrix, values, store) => {
  const second = (i: number): Value<"v128"> => values[i + 1] ?? f32x4.const(0);
  const pairs = values.flatMap((first, i) => (isEven(i) || i === values.length - 1 ? [] : [{ first, i }]));
  const sums = pairs.map(({ first, i }) => f.let(f32x4.add(first, second(i))));
  const differences = pairs.map(({ first, i }) => f.let(f32x4.sub(first, second(i))));
  const ends = <T>(list: readonly T[]): T[] => [...list.slice(0, 1), ...list.slice(-1)];
  matrix.forEach((row, i) => {
    const ofPairs = pairs.map((pair) => row[pair.i] ?? 0);
    const parts = isEven(i) ? sums : differences;
    store(i, combination(f, [...ends(row), ...ofPairs], [...ends(values), ...parts]));
  });
};

/** The sum of coefficients[i] * values[i]. */
function combination(
  f: FunctionBuilder,
  coefficients: readonly number[],
  values: readonly Vector[],
): Value<"v128"> {
  const terms = values.map((value, i) => ({ value, coefficient: coefficients[i] ?? 0 }));
  // A term that needs no multiplication comes first: the others are then multiplied and added in one.
  terms.sort((a, b) => Number(b.coefficient === 1) - Number(a.coefficient === 1));
  let sum: Value<"v128"> | undefined;
  for (const { value, coefficient } of terms) {
    if (coefficient === 0) continue;
    if (sum === undefined) sum = coefficient === 1 ? value : f32x4.mul(value, coefficient);
    else if (coefficient === 1) sum = f32x4.add(sum, value);
    else if (coefficient === -1) sum = f32x4.sub(sum, value);
    else sum = f.madd(value, coefficient, sum);
  }
  return sum ?? f32x4.const(0);
}
