/** Sums of softplus on the GPU, as the sums of exponentials. */
import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { WgslBody } from "../../engine/kernel.ts";
import type { ContrastiveParam } from "./pairs.ts";
import { forEachStrip, SHARES } from "./strip.wgsl.ts";

/** What a share of a row gathers: the sums over positives of log(1 + e^x) and of 1 / (1 + e^-x), for x = threshold - s. */
const gatherShader = shader(
  "contrastiveSoftplus (gather)",
  /* wgsl */ `
struct Params { size: i32, rows: i32, columns: i32, firstRow: i32, temperature: f32 }
@group(0) @binding(0) var<storage, read> products: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read> contrastLabels: array<i32>;
@group(0) @binding(3) var<storage, read> thresholds: array<f32>;
@group(0) @binding(4) var<storage, read_write> states: array<vec2f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  let share = at % ${SHARES};
  let line = at / ${SHARES};
  let row = params.firstRow + line;
  let columns = params.columns;
  var sums = vec2f();
  for (var other = share; other < columns; other += ${SHARES}) {
    let isSelf = contrastLabels[columns + other] == labels[params.rows + row];
    if (isSelf || contrastLabels[other] != labels[row]) { continue; }
    let x = thresholds[row] - products[line * columns + other] / params.temperature;
    let small = exp(-abs(x));
    // log(1 + small): WGSL has no log1p, and for a small one the first two terms of its series are all there is.
    let log1p = select(log(1.0 + small), small - 0.5 * small * small, small < 1.0e-3);
    sums += vec2f(max(x, 0.0) + log1p, select(small, 1.0, x > 0.0) / (1.0 + small));
  }
  states[row * ${SHARES} + share] = sums;
}`,
);

const finishShader = shader(
  "contrastiveSoftplus (finish)",
  /* wgsl */ `
struct Params { size: i32 }
@group(0) @binding(0) var<storage, read> states: array<vec2f>;
@group(0) @binding(1) var<storage, read_write> sums: array<f32>;
@group(0) @binding(2) var<storage, read_write> slopes: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = i32(id.x + id.y * groups.x * 64u);
  if (row >= params.size) { return; }
  var total = vec2f();
  for (var share = 0; share < ${SHARES}; share++) { total += states[row * ${SHARES} + share]; }
  sums[row] = total.x;
  slopes[row] = total.y;
}`,
);

/** sums and slopes. */
export const softplusWgsl: WgslBody<ContrastiveParam> = (
  gpu,
  params,
  [anchors, contrast, labels, contrastLabels, thresholds],
  outputs,
) => {
  if (!anchors || !contrast || !labels || !contrastLabels || !thresholds) return;
  const { rows, columns, temperature } = params;
  gpu.withScratch(2 * SHARES * rows, (states) => {
    forEachStrip(gpu, params, anchors, contrast, (products, firstRow, stripRows) => {
      const blocks = [products, labels, contrastLabels, thresholds, states];
      gpu.forEach(gatherShader, blocks, { rows, columns, firstRow, temperature }, stripRows * SHARES);
    });
    gpu.forEach(finishShader, [states, ...outputs], {}, rows);
  });
};
