import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { WgslBody } from "../../engine/kernel.ts";
import { orderKey } from "../order-key.wgsl.ts";

/**
 * One invocation for each entry of x: it counts the entries that stand before its own, and writes its position there.
 * Bound: length comparisons for each entry.
 */
const orderShader = shader(
  "order",
  /* wgsl */ `
struct Params { size: i32, length: i32, count: i32, inner: i32, descending: i32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<i32>;
${orderKey}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  let row = at / params.inner;
  let column = at % params.inner;
  let outer = row / params.length;
  let position = row % params.length;
  let flip = select(0u, 0xffffffffu, params.descending == 1);
  let own = orderKey(x[at]) ^ flip;
  var before = 0;
  for (var i = 0; i < params.length; i++) {
    let other = orderKey(x[(outer * params.length + i) * params.inner + column]) ^ flip;
    before += select(0, 1, other < own || (other == own && i < position));
  }
  if (before < params.count) {
    y[(outer * params.count + before) * params.inner + column] = position;
  }
}`,
);

/** Positions of the first `count` entries of x [outer, length, inner] in ascending or descending order. */
export const orderWgsl: WgslBody<"outer" | "length" | "count" | "inner" | "descending"> = (
  gpu,
  params,
  inputs,
  outputs,
) => {
  gpu.forEach(orderShader, [...inputs, ...outputs], params, params.outer * params.length * params.inner);
};
