/** The backward pass on the GPU: each strip of similarities becomes pulls in its place, then they are multiplied with y. */
import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { WgslBody } from "../../engine/kernel.ts";
import { runProduct } from "../matmul/matmul.wgsl.ts";
import type { GradientParam } from "./pairs.ts";
import { forEachStrip } from "./strip.wgsl.ts";

/** In place of products: own G_rc + theirs G_cr, as `contrastiveGradientKernel` says. */
const pullsShader = shader(
  "contrastiveGradient (pulls)",
  /* wgsl */ `
struct Params {
  size: i32, rows: i32, columns: i32, firstRow: i32, temperature: f32, form: i32, own: i32, theirs: i32
}
@group(0) @binding(0) var<storage, read_write> products: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read> contrastLabels: array<i32>;
@group(0) @binding(3) var<storage, read> nu: array<f32>;
@group(0) @binding(4) var<storage, read> pi: array<f32>;
@group(0) @binding(5) var<storage, read> a: array<f32>;
@group(0) @binding(6) var<storage, read> b: array<f32>;
@group(0) @binding(7) var<storage, read> m: array<f32>;

/** The pull of a pair. */
fn pull(s: f32, isPositive: bool, anchor: i32) -> f32 {
  if (params.form == 2) {
    // Far above the threshold e^x would overflow, and WGSL does not promise Infinity.
    return select(0.0, m[anchor] / (1.0 + exp(min(s - pi[anchor], 80.0))), isPositive);
  }
  if (isPositive) { return b[anchor] * exp(s - pi[anchor]) + m[anchor]; }
  return a[anchor] * exp(s - nu[anchor]);
}

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  let rows = params.rows;
  let columns = params.columns;
  let row = params.firstRow + at / columns;
  let other = at % columns;
  let s = products[at] / params.temperature;
  let isPositive = contrastLabels[other] == labels[row];
  let isSelf = contrastLabels[columns + other] == labels[rows + row];
  var total = 0.0;
  if (params.own == 1) { total += pull(s, isPositive, row); }
  if (params.theirs == 1) { total += pull(s, isPositive, other); }
  products[at] = select(total / params.temperature, 0.0, isSelf);
}`,
);

/** dx from x, y, the labels of both and the vectors. */
export const gradientWgsl: WgslBody<GradientParam> = (gpu, params, [x, y, ...others], [dx]) => {
  if (!x || !y || !dx) return;
  const { rows, columns, features, temperature, form, own, theirs } = params;
  forEachStrip(gpu, params, x, y, (products, firstRow, stripRows) => {
    const scalars = { rows, columns, firstRow, temperature, form, own, theirs };
    gpu.forEach(pullsShader, [products, ...others], scalars, stripRows * columns);
    const strides = { aRow: columns, aStep: 1, bStep: features, bColumn: 1, cFrom: firstRow * features };
    runProduct(gpu, { m: stripRows, n: features, k: columns, ...strides }, [products, y, dx]);
  });
};
