import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { WgslBody } from "../../engine/kernel.ts";

/** Copies words, whatever they mean. Bound: memory, each word read and written once. */
const concatShader = shader(
  "concat",
  /* wgsl */ `
struct Params { size: i32, aRow: i32, bRow: i32 }
@group(0) @binding(0) var<storage, read> a: array<u32>;
@group(0) @binding(1) var<storage, read> b: array<u32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  let outer = at / (params.aRow + params.bRow);
  let column = at % (params.aRow + params.bRow);
  if (column < params.aRow) {
    y[at] = a[outer * params.aRow + column];
  } else {
    y[at] = b[outer * params.bRow + column - params.aRow];
  }
}`,
);

/** y [outer, aLength + bLength, inner] from a [outer, aLength, inner] and b [outer, bLength, inner]. */
export const concatWgsl: WgslBody<"outer" | "aLength" | "bLength" | "inner"> = (
  gpu,
  { outer, aLength, bLength, inner },
  inputs,
  outputs,
) => {
  const [aRow, bRow] = [aLength * inner, bLength * inner];
  gpu.forEach(concatShader, [...inputs, ...outputs], { aRow, bRow }, outer * (aRow + bRow));
};
