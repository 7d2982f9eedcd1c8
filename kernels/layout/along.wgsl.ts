import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { WgslBody } from "../../engine/kernel.ts";

type AlongParam = "outer" | "length" | "count" | "inner";

/** Bound: memory, each element of y written and its source read once. */
const takeAlongShader = shader(
  "takeAlong",
  /* wgsl */ `
struct Params { size: i32, length: i32, count: i32, inner: i32 }
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> indices: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  let column = at % params.inner;
  let outer = at / params.inner / params.count;
  y[at] = x[(outer * params.length + indices[at]) * params.inner + column];
}`,
);

/** y [outer, count, inner]: along the middle axis, entry i of x [outer, length, inner], with i from indices. */
export const takeAlongWgsl: WgslBody<AlongParam> = (gpu, params, inputs, outputs) => {
  const size = params.outer * params.count * params.inner;
  gpu.forEach(takeAlongShader, [...inputs, ...outputs], params, size);
};

/** Each element of y looks for what belongs to it, as in scatterAdd. Bound: length * count comparisons for each line. */
const scatterAddAlongShader = shader(
  "scatterAddAlong",
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
    let source = (outer * params.count + j) * params.inner + column;
    if (indices[source] == i) { sum += x[source]; }
  }
  y[at] = sum;
}`,
);

/** y [outer, length, inner]: entry i of a column is the sum of those entries of x whose index is i. */
export const scatterAddAlongWgsl: WgslBody<AlongParam> = (gpu, params, inputs, outputs) => {
  const size = params.outer * params.length * params.inner;
  gpu.forEach(scatterAddAlongShader, [...inputs, ...outputs], params, size);
};
