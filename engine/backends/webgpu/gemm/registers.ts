/**
 * The register template: an invocation computes 8 rows x 8 columns of C, and reads A and B from memory itself, one
 * element of A for each row and eight neighbours of B in each step: 64 multiply-adds for 16 reads. On llvmpipe, where a
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

/** Reads the invocation's columns of a row of B: `element(j)` is the text of column j. */
export const readRow = (element: (column: number) => string): string =>
  each(QUADS, (q) => `let quad${q} = vec4f(${[0, 1, 2, 3].map((j) => element(4 * q + j)).join(", ")});`);

/** Adds an element of A times the row of B that was read to a row of sums. */
export const addProducts = (row: number, a: string): string =>
  `let a_${row} = ${a};\n  ${each(QUADS, (q) => `sum${row}_${q} += a_${row} * quad${q};`)}`;

/** A line for each row of sums. */
export const eachRow = (line: (row: number) => string): string => each(INVOCATION_ROWS, line);

/** A line for each column of sums. */
export const eachColumn = (line: (column: number) => string): string => each(INVOCATION_COLUMNS, line);

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
export const storeSums = /* wgsl */ `
  let to = params.cFrom + (slice * params.m + row) * params.n + column;
  ${eachRow(
    (r) => `if (row + ${r} < params.m) {
    ${eachColumn((j) => `if (column + ${j} < params.n) { c[to + ${r} * params.n + ${j}] = sum${r}_${Math.floor(j / 4)}[${j % 4}]; }`)}
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
