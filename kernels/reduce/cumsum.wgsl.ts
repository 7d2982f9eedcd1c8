import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { WgslBody } from "../../engine/kernel.ts";

/** One invocation for each line, with a running sum. Bound: memory, x read and y written once. */
const cumsumShader = shader(
  "cumsum",
  /* wgsl */ `
struct Params { size: i32, length: i32, inner: i32, reverse: i32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let line = i32(id.x + id.y * groups.x * 64u);
  if (line >= params.size) { return; }
  let first = line / params.inner * params.length * params.inner + line % params.inner;
  var sum = 0.0;
  for (var step = 0; step < params.length; step++) {
    let i = select(step, params.length - 1 - step, params.reverse == 1);
    sum += x[first + i * params.inner];
    y[first + i * params.inner] = sum;
  }
}`,
);

/** Running sums along the middle axis of x [outer, length, inner], from its start or (reverse = 1) from its end. */
export const cumsumWgsl: WgslBody<"outer" | "length" | "inner" | "reverse"> = (
  gpu,
  params,
  inputs,
  outputs,
) => {
  gpu.forEach(cumsumShader, [...inputs, ...outputs], params, params.outer * params.inner);
};
