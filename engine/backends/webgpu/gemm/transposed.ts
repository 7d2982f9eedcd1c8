import type { Block, Gpu } from "../gpu.ts";
import { shader } from "../shader.ts";

/** Bound: memory, each element read once and written once. */
const transposeShader = shader(
  "transpose B",
  /* wgsl */ `
struct Params { size: i32, rows: i32, columns: i32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  // A matrix of y has as many rows as one of x has columns.
  let row = at % params.rows;
  let above = at / params.rows;
  let matrix = above / params.columns;
  y[at] = x[(matrix * params.rows + row) * params.columns + above % params.columns];
}`,
);

/**
 * Lends the transposes of all matrices [rows, columns] in b to what `body` calls. Neighbouring invocations of a product
 * read neighbouring columns of B; where those lie apart in memory, a copy in which they do not costs two accesses for
 * each element, and saves that for each eight rows of A.
 */
export function withTransposed(
  gpu: Gpu,
  b: Block,
  rows: number,
  columns: number,
  body: (transposed: Block) => void,
): void {
  gpu.withScratch(b.length, (transposed) => {
    gpu.forEach(transposeShader, [b, transposed], { rows, columns }, b.length);
    body(transposed);
  });
}
