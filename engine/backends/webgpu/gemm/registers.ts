/**
 * The register template: an invocation computes 8 rows x 8 columns of C, and reads A and B from memory itself, one
 * element of A for each row and eight neighbours of B in each step: 64 multiply-adds for 16 reads, or for 10 where B can be
 * read by fours. On llvmpipe, where a
 * read costs more than a register that is spilled, that takes four fifths of the time of 8 x 4.
 *
 * The texts below are pieces of a shader's `main`; `each(8, (r) => ...)` writes a line for each row, since arrays that
 * are indexed by a variable do not stay in registers.
 */
import type { Grid } from "../grid.ts";
import { foldGrid } from "../grid.ts";
import { blockOf, INVOCATION_COLUMNS, INVOCATION_ROWS, lanesFor } from "./plan.ts";

/** A line for each of 0 ... count-1. */
export const each = (count: number, line: (i: number) => string): string =>
  Array.from({ length: count }, (_, i) => line(i)).join("\n  ");

/** Sums of a row stand in quads of columns. */
const QUADS = INVOCATION_COLUMNS / 4;

/** How the columns of B, and those of C, which are neighbours in memory, are read and written. */
export interface Columns {
  /** Of the elements of both buffers. */
  readonly type: "f32" | "vec4f";
  /** Statements before the first row. Past the edge the last column is read once more, and not stored. */
  readonly prepare: string;
  /** Reads the invocation's columns of the row of a buffer that begins at `from`, so far `apart`: of quads by 1. */
  readonly readRow: (buffer: string, from: string, apart?: string) => string;
  /** Writes a row of sums, whose first element is number `to`. */
  readonly storeRow: (row: number, to: string) => string;
}

const scalars: Columns = {
  type: "f32",
  prepare: each(INVOCATION_COLUMNS, (j) => `let column${j} = min(column + ${j}, params.n - 1);`),
  readRow: (buffer, from, apart = "1") =>
    each(QUADS, (q) => `let quad${q} = vec4f(${[0, 1, 2, 3].map((j) => `${buffer}[${from} + column${4 * q + j} * ${apart}]`).join(", ")});`), // prettier-ignore
  storeRow: (row, to) =>
    each(INVOCATION_COLUMNS, (j) => `if (column + ${j} < params.n) { c[${to} + ${j}] = sum${row}_${Math.floor(j / 4)}[${j % 4}]; }`), // prettier-ignore
};

/** Four at a time: on llvmpipe in half of the time where sums are short. */
const quads: Columns = {
  type: "vec4f",
  prepare: each(QUADS, (q) => `let column${q} = min(column + ${4 * q}, params.n - 4);`),
  readRow: (buffer, from) => each(QUADS, (q) => `let quad${q} = ${buffer}[(${from} + column${q}) >> 2u];`),
  storeRow: (row, to) =>
    each(QUADS, (q) => `if (column + ${4 * q} < params.n) { c[(${to} + ${4 * q}) >> 2u] = sum${row}_${q}; }`),
};

/** A shader for each way: by fours where n, and all elements at which a row of B or C begins, are multiples of 4. */
export function byColumns<T>(make: (columns: Columns) => T): (isByFours: boolean) => T {
  const [one, four] = [make(scalars), make(quads)];
  return (isByFours) => (isByFours ? four : one);
}

/** Whether all are multiples of 4. */
export const areFours = (...numbers: readonly number[]): boolean => numbers.every((each) => each % 4 === 0);

/** Adds an element of A times the row of B that was read to a row of sums. */
export const addProducts = (row: number, a: string): string =>
  `let a_${row} = ${a};\n  ${each(QUADS, (q) => `sum${row}_${q} += a_${row} * quad${q};`)}`;

/** A line for each row of sums. */
export const eachRow = (line: (row: number) => string): string => each(INVOCATION_ROWS, line);

/** The head of `main`, and where the invocation's sums are: `row`, `column` (both the first), and the `slice` of C:
 * one matrix of several, or one part of sums that are split. */
export const registersMain = /* wgsl */ `
@compute @workgroup_size(64)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  // Blocks of rows, one after the other for each slice.
  let block = i32(workgroup.y + workgroup.z * groups.y);
  let slice = block / params.rowBlocks;
  if (slice >= params.slices) { return; }
  // As many invocations beside each other as the columns can use, the others below.
  let lane = i32(index) % params.lanes;
  let line = i32(index) / params.lanes;
  let row = (block % params.rowBlocks * (64 / params.lanes) + line) * ${INVOCATION_ROWS};
  let column = (i32(workgroup.x) * params.lanes + lane) * ${INVOCATION_COLUMNS};
  if (row >= params.m || column >= params.n) { return; }
  ${eachRow((r) => each(QUADS, (q) => `var sum${r}_${q} = vec4f();`))}`;

/** Fields of `struct Params` that {@link registersMain} and {@link storeSums} read. */
export const registersParams = "m: i32, n: i32, rowBlocks: i32, lanes: i32, slices: i32, cFrom: i32";

/** Writes the sums to c: C itself, or its partial sums. */
export const storeSums = ({ storeRow }: Columns): string => /* wgsl */ `
  let to = params.cFrom + (slice * params.m + row) * params.n + column;
  ${eachRow(
    (r) => `if (row + ${r} < params.m) {
    ${storeRow(r, `to + ${r} * params.n`)}
  }`,
  )}
}`;

/** The values of {@link registersParams} but `cFrom`, where C begins; and the grid. */
export function registersCall(m: number, n: number, slices: number) {
  const [rows, columns] = blockOf("registers", n);
  const rowBlocks = Math.ceil(m / rows);
  const [y, z] = foldGrid(rowBlocks * slices);
  const grid: Grid = [Math.ceil(n / columns), y, z];
  return { params: { m, n, rowBlocks, lanes: lanesFor(n), slices }, grid };
}
