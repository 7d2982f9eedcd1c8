/** The sums of exponentials on the GPU: 16 invocations gather what is in a row of similarities, then they meet. */
import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { WgslBody } from "../../engine/kernel.ts";
import type { ContrastiveParam } from "./pairs.ts";
import { forEachStrip, SHARES } from "./strip.wgsl.ts";

/**
 * What a share of a row gathers: for the negatives and for the positives the largest s and the sum of e^(s - largest);
 * and the sum of s over positives. Unless `split`, all are among the first set.
 */
const gatherShader = shader(
  "contrastiveSums (gather)",
  /* wgsl */ `
struct Params { size: i32, rows: i32, columns: i32, firstRow: i32, temperature: f32, split: i32 }
@group(0) @binding(0) var<storage, read> products: array<f32>;
@group(0) @binding(1) var<storage, read> labels: array<i32>;
@group(0) @binding(2) var<storage, read> contrastLabels: array<i32>;
@group(0) @binding(3) var<storage, read_write> states: array<vec4f>;
@group(0) @binding(4) var<storage, read_write> positives: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  let share = at % ${SHARES};
  let line = at / ${SHARES};
  let row = params.firstRow + line;
  let columns = params.columns;
  let ownClass = labels[row];
  let ownName = labels[params.rows + row];
  // In place of -Infinity, whose differences would be NaN.
  var largest = vec2f(-3.0e38);
  for (var other = share; other < columns; other += ${SHARES}) {
    if (contrastLabels[columns + other] == ownName) { continue; }
    let s = products[line * columns + other] / params.temperature;
    if (params.split == 1 && contrastLabels[other] == ownClass) { largest.y = max(largest.y, s); }
    else { largest.x = max(largest.x, s); }
  }
  var total = vec2f();
  var similarities = 0.0;
  for (var other = share; other < columns; other += ${SHARES}) {
    if (contrastLabels[columns + other] == ownName) { continue; }
    let s = products[line * columns + other] / params.temperature;
    let isPositive = contrastLabels[other] == ownClass;
    if (isPositive) { similarities += s; }
    if (params.split == 1 && isPositive) { total.y += exp(s - largest.y); }
    else { total.x += exp(s - largest.x); }
  }
  states[row * ${SHARES} + share] = vec4f(largest, total);
  positives[row * ${SHARES} + share] = similarities;
}`,
);

/** Lets the shares of each row meet. */
const finishShader = shader(
  "contrastiveSums (finish)",
  /* wgsl */ `
struct Params { size: i32 }
@group(0) @binding(0) var<storage, read> states: array<vec4f>;
@group(0) @binding(1) var<storage, read> shares: array<f32>;
@group(0) @binding(2) var<storage, read_write> logFirst: array<f32>;
@group(0) @binding(3) var<storage, read_write> logSecond: array<f32>;
@group(0) @binding(4) var<storage, read_write> positives: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = i32(id.x + id.y * groups.x * 64u);
  if (row >= params.size) { return; }
  var largest = vec2f(-3.0e38);
  for (var share = 0; share < ${SHARES}; share++) {
    largest = max(largest, states[row * ${SHARES} + share].xy);
  }
  // A share without elements of a set has 0 as its sum.
  var total = vec2f();
  var similarities = 0.0;
  for (var share = 0; share < ${SHARES}; share++) {
    let state = states[row * ${SHARES} + share];
    total += state.zw * exp(state.xy - largest);
    similarities += shares[row * ${SHARES} + share];
  }
  // The largest element alone is 1: a smaller sum is that of no element.
  let logs = largest + log(max(total, vec2f(1.0)));
  logFirst[row] = logs.x;
  logSecond[row] = logs.y;
  positives[row] = similarities;
}`,
);

const body =
  (split: boolean): WgslBody<ContrastiveParam> =>
  (gpu, params, [anchors, contrast, labels, contrastLabels], outputs) => {
    const [first, second] = outputs;
    const positives = outputs.at(-1);
    if (!anchors || !contrast || !labels || !contrastLabels || !first || !second || !positives) return;
    const { rows, columns, temperature } = params;
    gpu.withScratch(4 * SHARES * rows, (states) => {
      gpu.withScratch(SHARES * rows, (shares) => {
        forEachStrip(gpu, params, anchors, contrast, (products, firstRow, stripRows) => {
          const own = { rows, columns, firstRow, temperature, split: Number(split) };
          const blocks = [products, labels, contrastLabels, states, shares];
          gpu.forEach(gatherShader, blocks, own, stripRows * SHARES);
        });
        gpu.withScratch(rows, (none) => {
          const ends = [states, shares, first, split ? second : none, positives];
          gpu.forEach(finishShader, ends, {}, rows);
        });
      });
    });
  };

/** logAll and positives. */
export const sumsWgsl = body(false);

/** logNegatives, logPositives and positives. */
export const splitSumsWgsl = body(true);
