/**
 * The contrastive core on the GPU. Similarities are computed a strip at a time: 256 rows of Z Z^T, which are consumed
 * before the next strip takes their place. So memory grows with M, not with its square, and both directions are
 * products of matrices for the most part.
 *
 * Bound: 2 M^2 D operations and M^2 exponentials forward; 4 M^2 D and 2 M^2 backward (similarities are computed again).
 */
import type { Block, Gpu } from "../../engine/backends/webgpu/gpu.ts";
import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { WgslBody } from "../../engine/kernel.ts";
import { runProduct } from "../matmul/matmul.wgsl.ts";

const STRIP_ROWS = 256;
/** Invocations that share a row, each with every 16th column of it. */
const SHARES = 16;

/** What a share of a row gathers: its largest s, the sum of e^(s - largest), the sum of s over positives, their number. */
const gatherShader = shader(
  "contrastiveLosses (gather)",
  /* wgsl */ `
struct Params { size: i32, rows: i32, firstRow: i32, temperature: f32 }
@group(0) @binding(0) var<storage, read> products: array<f32>;
@group(0) @binding(1) var<storage, read> classes: array<i32>;
@group(0) @binding(2) var<storage, read_write> states: array<vec4f>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  let share = at % ${SHARES};
  let line = at / ${SHARES};
  let row = params.firstRow + line;
  let own = classes[row];
  // In place of -Infinity, whose differences would be NaN.
  var largest = -3.0e38;
  for (var other = share; other < params.rows; other += ${SHARES}) {
    if (other != row) { largest = max(largest, products[line * params.rows + other] / params.temperature); }
  }
  var total = 0.0;
  var similarities = 0.0;
  var positives = 0.0;
  for (var other = share; other < params.rows; other += ${SHARES}) {
    if (other == row) { continue; }
    let s = products[line * params.rows + other] / params.temperature;
    total += exp(s - largest);
    if (classes[other] == own) {
      similarities += s;
      positives += 1.0;
    }
  }
  states[row * ${SHARES} + share] = vec4f(largest, total, similarities, positives);
}`,
);

/** Lets the shares of each row meet. */
const finishShader = shader(
  "contrastiveLosses (finish)",
  /* wgsl */ `
struct Params { size: i32 }
@group(0) @binding(0) var<storage, read> states: array<vec4f>;
@group(0) @binding(1) var<storage, read_write> loss: array<f32>;
@group(0) @binding(2) var<storage, read_write> logSumExp: array<f32>;
@group(0) @binding(3) var<storage, read_write> inversePositives: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let row = i32(id.x + id.y * groups.x * 64u);
  if (row >= params.size) { return; }
  var largest = -3.0e38;
  for (var share = 0; share < ${SHARES}; share++) {
    largest = max(largest, states[row * ${SHARES} + share].x);
  }
  // Sums of exponentials, of similarities, and of positives. A share without columns has 0 in all of them.
  var sums = vec3f();
  for (var share = 0; share < ${SHARES}; share++) {
    let state = states[row * ${SHARES} + share];
    sums += vec3f(state.y * exp(state.x - largest), state.zw);
  }
  logSumExp[row] = largest + log(sums.x);
  loss[row] = 0.0;
  inversePositives[row] = 0.0;
  if (sums.z > 0.0) {
    loss[row] = largest + log(sums.x) - sums.y / sums.z;
    inversePositives[row] = 1.0 / sums.z;
  }
}`,
);

/** In place of products z_i z_a: (G_ia + G_ai) / temperature, with G_ia = (e^(s_ia - logSumExp_i) - [a in P(i)] / |P(i)|) dLoss_i. */
const weightsShader = shader(
  "contrastiveGradient (weights)",
  /* wgsl */ `
struct Params { size: i32, rows: i32, firstRow: i32, temperature: f32 }
@group(0) @binding(0) var<storage, read_write> products: array<f32>;
@group(0) @binding(1) var<storage, read> classes: array<i32>;
@group(0) @binding(2) var<storage, read> logSumExp: array<f32>;
@group(0) @binding(3) var<storage, read> inversePositives: array<f32>;
@group(0) @binding(4) var<storage, read> dLoss: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  let row = params.firstRow + at / params.rows;
  let other = at % params.rows;
  let s = products[at] / params.temperature;
  var own = exp(s - logSumExp[row]);
  var theirs = exp(s - logSumExp[other]);
  if (classes[other] == classes[row]) {
    own -= inversePositives[row];
    theirs -= inversePositives[other];
  }
  let weight = (own * dLoss[row] + theirs * dLoss[other]) / params.temperature;
  products[at] = select(weight, 0.0, other == row);
}`,
);

type ContrastiveParam = "rows" | "features" | "temperature";

/** Calls `consume` with each strip of Z Z^T, in turn: its products, its first row, and the number of its rows. */
function forEachStrip(
  gpu: Gpu,
  rows: number,
  features: number,
  z: Block,
  consume: (products: Block, firstRow: number, stripRows: number) => void,
): void {
  gpu.withScratch(Math.min(rows, STRIP_ROWS) * rows, (products) => {
    for (let firstRow = 0; firstRow < rows; firstRow += STRIP_ROWS) {
      const m = Math.min(STRIP_ROWS, rows - firstRow);
      const strides = { aFrom: firstRow * features, aRow: features, aStep: 1, bStep: 1, bColumn: features };
      runProduct(gpu, { m, n: rows, k: features, ...strides }, [z, z, products]);
      consume(products, firstRow, m);
    }
  });
}

/** loss, logSumExp and inversePositives from z and classes. */
export const contrastiveLossesWgsl: WgslBody<ContrastiveParam> = (
  gpu,
  { rows, features, temperature },
  [z, classes],
  outputs,
) => {
  if (!z || !classes) return;
  gpu.withScratch(4 * SHARES * rows, (states) => {
    forEachStrip(gpu, rows, features, z, (products, firstRow, stripRows) => {
      const params = { rows, firstRow, temperature };
      gpu.forEach(gatherShader, [products, classes, states], params, stripRows * SHARES);
    });
    gpu.forEach(finishShader, [states, ...outputs], {}, rows);
  });
};

/** dz from z, classes, logSumExp, inversePositives and dLoss. */
export const contrastiveGradientWgsl: WgslBody<ContrastiveParam> = (
  gpu,
  { rows, features, temperature },
  [z, ...others],
  [dz],
) => {
  if (!z || !dz) return;
  forEachStrip(gpu, rows, features, z, (products, firstRow, stripRows) => {
    const params = { rows, firstRow, temperature };
    gpu.forEach(weightsShader, [products, ...others], params, stripRows * rows);
    const strides = { aRow: rows, aStep: 1, bStep: features, bColumn: 1, cFrom: firstRow * features };
    runProduct(gpu, { m: stripRows, n: features, k: rows, ...strides }, [products, z, dz]);
  });
};
