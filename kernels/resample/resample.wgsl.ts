import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { WgslBody } from "../../engine/kernel.ts";

/** Bound: memory, two or so elements of x read for each of y. */
const resampleShader = shader(
  "resample",
  /* wgsl */ `
struct Params { size: i32, length: i32, count: i32, inner: i32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> starts: array<i32>;
@group(0) @binding(2) var<storage, read> columns: array<i32>;
@group(0) @binding(3) var<storage, read> weights: array<f32>;
@group(0) @binding(4) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  let row = at / params.inner;
  let first = row / params.count * params.length * params.inner + at % params.inner;
  let i = row % params.count;
  var sum = 0.0;
  for (var j = starts[i]; j < starts[i + 1]; j++) {
    sum += weights[j] * x[first + columns[j] * params.inner];
  }
  y[at] = sum;
}`,
);

/** y [outer, count, inner]: a sparse matrix times x [outer, length, inner], along the middle axis. */
export const resampleWgsl: WgslBody<"outer" | "length" | "count" | "inner"> = (
  gpu,
  params,
  inputs,
  outputs,
) => {
  const size = params.outer * params.count * params.inner;
  gpu.forEach(resampleShader, [...inputs, ...outputs], params, size);
};
