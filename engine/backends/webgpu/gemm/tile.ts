/**
 * The tile template, for hardware: a workgroup of 16 x 16 invocations computes 64 x 64 elements of C, 4 x 4 in each
 * invocation. In each step of 16 products it fetches 64 x 16 of A and 16 x 64 of B into workgroup memory (8 KiB), each
 * element once, and uses each 64 times.
 */
import { foldGrid } from "../grid.ts";
import type { Grid } from "../grid.ts";
import { each } from "./registers.ts";
import { TILE } from "./plan.ts";

/** Products in a step. */
const STEP = 16;

/** Fields of `struct Params` that {@link tileMain} reads. */
export const tileParams = "m: i32, n: i32, rowBlocks: i32, slices: i32, cFrom: i32";

/**
 * `main`, around two pieces of text. `prepare` tells which products the workgroup sums, `begin` ... `end - 1`, and may
 * compute what does not change from step to step; it knows the `slice` of C, `firstRow`, `firstColumn` and the invocation's
 * number `lane`. `fetch` fills `aTile[step * 64 + row]` and `bTile[step * 64 + column]` for the products `first` ...
 * `first + 15`, with zeros for what is past `end` or outside of A and B.
 */
export const tileMain = ({ prepare, fetch }: { prepare: string; fetch: string }): string => /* wgsl */ `
var<workgroup> aTile: array<f32, ${STEP * TILE}>;
var<workgroup> bTile: array<f32, ${STEP * TILE}>;

@compute @workgroup_size(16, 16)
fn main(
  @builtin(workgroup_id) workgroup: vec3u,
  @builtin(num_workgroups) groups: vec3u,
  @builtin(local_invocation_id) place: vec3u,
  @builtin(local_invocation_index) index: u32,
) {
  // Blocks of rows, one after the other for each slice of C. Workgroups past the last one compute nothing, but stay.
  let block = i32(workgroup.y + workgroup.z * groups.y);
  let slice = block / params.rowBlocks;
  let firstRow = block % params.rowBlocks * ${TILE};
  let firstColumn = i32(workgroup.x) * ${TILE};
  let lane = i32(index);
  ${each(4, (r) => `var sum${r} = vec4f();`)}
${prepare}
  let last = select(begin, end, slice < params.slices);
  for (var first = begin; first < last; first += ${STEP}) {
${fetch}
    workgroupBarrier();
    for (var step = 0; step < ${STEP}; step++) {
      let aFrom = step * ${TILE} + i32(place.y) * 4;
      let bFrom = step * ${TILE} + i32(place.x) * 4;
      let b = vec4f(bTile[bFrom], bTile[bFrom + 1], bTile[bFrom + 2], bTile[bFrom + 3]);
      ${each(4, (r) => `sum${r} += aTile[aFrom + ${r}] * b;`)}
    }
    workgroupBarrier();
  }
  if (slice >= params.slices) { return; }
  let row = firstRow + i32(place.y) * 4;
  let column = firstColumn + i32(place.x) * 4;
  let to = params.cFrom + (slice * params.m + row) * params.n + column;
  ${each(
    4,
    (r) => `if (row + ${r} < params.m) {
    ${each(4, (j) => `if (column + ${j} < params.n) { c[to + ${r} * params.n + ${j}] = sum${r}[${j}]; }`)}
  }`,
  )}
}`;

/** Products from one split of a sum to the next: whole steps. */
export const tileSplitSteps = (k: number, splits: number): number =>
  Math.ceil(Math.ceil(k / STEP) / splits) * STEP;

/** The values of {@link tileParams} but `cFrom`, where C begins; and the grid. */
export function tileCall(m: number, n: number, slices: number) {
  const rowBlocks = Math.ceil(m / TILE);
  const [y, z] = foldGrid(rowBlocks * slices);
  const grid: Grid = [Math.ceil(n / TILE), y, z];
  return { params: { m, n, rowBlocks, slices }, grid };
}
