import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { WgslBody } from "../../engine/kernel.ts";

type SliceParam = "outer" | "length" | "start" | "count" | "inner";

/** Copies words, whatever they mean. Bound: memory, each word of y read and written once. */
const sliceShader = shader(
  "slice",
  /* wgsl */ `
struct Params { size: i32, length: i32, start: i32, count: i32, inner: i32 }
@group(0) @binding(0) var<storage, read> x: array<u32>;
@group(0) @binding(1) var<storage, read_write> y: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  let row = at / params.inner;
  let column = at % params.inner;
  let outer = row / params.count;
  let i = row % params.count + params.start;
  y[at] = x[(outer * params.length + i) * params.inner + column];
}`,
);

/** The slice of x [outer, length, inner] that y [outer, count, inner] is. */
export const sliceWgsl: WgslBody<SliceParam> = (gpu, params, inputs, outputs) => {
  const size = params.outer * params.count * params.inner;
  gpu.forEach(sliceShader, [...inputs, ...outputs], params, size);
};

/** The other way, `value` around. Bound: memory, y read and x written once. */
const padShader = shader(
  "pad",
  /* wgsl */ `
struct Params { size: i32, length: i32, start: i32, count: i32, inner: i32, value: f32 }
@group(0) @binding(0) var<storage, read> y: array<u32>;
@group(0) @binding(1) var<storage, read_write> x: array<u32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  let row = at / params.inner;
  let column = at % params.inner;
  let outer = row / params.length;
  let i = row % params.length - params.start;
  var word = bitcast<u32>(params.value);
  if (i >= 0 && i < params.count) {
    word = y[(outer * params.count + i) * params.inner + column];
  }
  x[at] = word;
}`,
);

/** x [outer, length, inner] with y [outer, count, inner] in it. */
export const padWgsl: WgslBody<SliceParam | "value"> = (gpu, params, inputs, outputs) => {
  const size = params.outer * params.length * params.inner;
  gpu.forEach(padShader, [...inputs, ...outputs], params, size);
};
