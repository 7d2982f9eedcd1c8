import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { WgslBody } from "../../engine/kernel.ts";
import { orderKey } from "../order-key.wgsl.ts";

/** One invocation for each line. Bound: memory, x read once. */
const argMaxShader = shader(
  "argMax",
  /* wgsl */ `
struct Params { size: i32, length: i32, inner: i32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
${orderKey}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  let first = at / params.inner * params.length * params.inner + at % params.inner;
  var best = orderKey(x[first]);
  var position = 0;
  for (var i = 1; i < params.length; i++) {
    let key = orderKey(x[first + i * params.inner]);
    if (key > best) {
      best = key;
      position = i;
    }
  }
  y[at] = position;
}`,
);

/** Position of the largest element along the middle axis of x [outer, length, inner]; y is [outer, inner]. */
export const argMaxWgsl: WgslBody<"length" | "inner"> = (gpu, params, [x], [y]) => {
  if (x && y) gpu.forEach(argMaxShader, [x, y], params, y.length);
};
