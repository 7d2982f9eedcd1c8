import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { WgslBody } from "../../engine/kernel.ts";

type GatherParam = "outer" | "length" | "count" | "inner";

/** Copies words, whatever they mean. Bound: memory, each word of y read and written once. */
const gatherShader = shader(
  "gather",
  /* wgsl */ `
struct Params { size: i32, length: i32, count: i32, inner: i32 }
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read> indices: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  let row = at / params.inner;
  let column = at % params.inner;
  let outer = row / params.count;
  let i = indices[row % params.count];
  y[at] = x[(outer * params.length + i) * params.inner + column];
}`,
);

/** y [outer, count, inner]: entry j along the middle axis is entry indices[j] of x [outer, length, inner]. */
export const gatherWgsl: WgslBody<GatherParam> = (gpu, params, inputs, outputs) => {
  const size = params.outer * params.count * params.inner;
  gpu.forEach(gatherShader, [...inputs, ...outputs], params, size);
};

/**
 * WGSL cannot add to a float in memory that others add to, and an order that the hardware chooses would change the
 * last bits from run to run. So each element of y looks for what belongs to it, in order.
 * Bound: length * count comparisons for each of the outer * inner lines.
 */
const scatterAddShader = shader(
  "scatterAdd",
  /* wgsl */ `
struct Params { size: i32, length: i32, count: i32, inner: i32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> indices: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  let row = at / params.inner;
  let column = at % params.inner;
  let outer = row / params.length;
  let i = row % params.length;
  var sum = 0.0;
  for (var j = 0; j < params.count; j++) {
    if (indices[j] == i) {
      sum += x[(outer * params.count + j) * params.inner + column];
    }
  }
  y[at] = sum;
}`,
);

/** y [outer, length, inner]: entry i along the middle axis is the sum of the entries j of x with indices[j] = i. */
export const scatterAddWgsl: WgslBody<GatherParam> = (gpu, params, inputs, outputs) => {
  const size = params.outer * params.length * params.inner;
  gpu.forEach(scatterAddShader, [...inputs, ...outputs], params, size);
};
