/**
 * Convolutions whose channels stand in groups, depthwise ones above all: sums are short (kernelHeight * kernelWidth *
 * channels of a group), so each invocation computes one of them, with nothing to share.
 *
 * Bound: memory for depthwise convolutions, each pixel being read once for each tap that the caches have forgotten.
 */
import { withPartials } from "../../engine/backends/webgpu/gemm/partial-sums.ts";
import type { Block, Gpu } from "../../engine/backends/webgpu/gpu.ts";
import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { ConvGeometry } from "./geometry.ts";
import { inputPixel, outputPixel, outputPixels, pixelOf, windowParams } from "./shared.wgsl.ts";

const struct = /* wgsl */ `
struct Params { size: i32, inChannels: i32, outChannels: i32, groupInputs: i32, groupOutputs: i32, ${windowParams} }`;

const main = /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }`;

const forwardShader = shader(
  "conv2d forward (grouped)",
  /* wgsl */ `${struct}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
${pixelOf("params.outHeight", "params.outWidth")}
${inputPixel}
${main}
  let pixel = pixelOf(at / params.outChannels);
  let co = at % params.outChannels;
  let firstInput = co / params.groupOutputs * params.groupInputs;
  var sum = 0.0;
  for (var ky = 0; ky < params.kernelHeight; ky++) {
    for (var kx = 0; kx < params.kernelWidth; kx++) {
      let seen = inputPixel(pixel, ky, kx);
      if (seen < 0) { continue; }
      let row = (ky * params.kernelWidth + kx) * params.groupInputs;
      for (var i = 0; i < params.groupInputs; i++) {
        sum += x[seen * params.inChannels + firstInput + i] * w[(row + i) * params.outChannels + co];
      }
    }
  }
  y[at] = sum;
}`,
);

const gradInputShader = shader(
  "conv2d gradInput (grouped)",
  /* wgsl */ `${struct}
@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<f32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
${pixelOf("params.height", "params.width")}
${outputPixel}
${main}
  let pixel = pixelOf(at / params.inChannels);
  let ci = at % params.inChannels;
  let firstOutput = ci / params.groupInputs * params.groupOutputs;
  var sum = 0.0;
  for (var ky = 0; ky < params.kernelHeight; ky++) {
    for (var kx = 0; kx < params.kernelWidth; kx++) {
      let seen = outputPixel(pixel, ky, kx);
      if (seen < 0) { continue; }
      let row = (ky * params.kernelWidth + kx) * params.groupInputs + ci % params.groupInputs;
      for (var j = firstOutput; j < firstOutput + params.groupOutputs; j++) {
        sum += dy[seen * params.outChannels + j] * w[row * params.outChannels + j];
      }
    }
  }
  dx[at] = sum;
}`,
);

/** An invocation sums over the pixels of one split: neighbours have neighbouring output channels. */
const gradWeightShader = shader(
  "conv2d gradWeight (grouped)",
  /* wgsl */ `${struct.replace("size: i32,", "size: i32, weights: i32, pixels: i32, splitPixels: i32,")}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<f32>;
@group(0) @binding(2) var<storage, read_write> dw: array<f32>;
${pixelOf("params.outHeight", "params.outWidth")}
${inputPixel}
${main}
  let split = at / params.weights;
  let co = at % params.outChannels;
  let row = at % params.weights / params.outChannels;
  let tap = row / params.groupInputs;
  let ci = co / params.groupOutputs * params.groupInputs + row % params.groupInputs;
  let end = min((split + 1) * params.splitPixels, params.pixels);
  var sum = 0.0;
  for (var pixel = split * params.splitPixels; pixel < end; pixel++) {
    let seen = inputPixel(pixelOf(pixel), tap / params.kernelWidth, tap % params.kernelWidth);
    if (seen >= 0) { sum += x[seen * params.inChannels + ci] * dy[pixel * params.outChannels + co]; }
  }
  dw[at] = sum;
}`,
);

/** Invocations that are worth having in the gradient of the weights, and pixels that each has at least. */
const ENOUGH_INVOCATIONS = 16384;
const LEAST_PIXELS = 64;

/** Runs a pass of a grouped convolution: y from x and w, dx from dy and w, or dw from x and dy. */
export function runGrouped(
  gpu: Gpu,
  pass: "forward" | "gradInput" | "gradWeight",
  g: ConvGeometry,
  [a, b, c]: readonly [a: Block, b: Block, c: Block],
): void {
  const params = { ...g, groupInputs: g.inChannels / g.groups, groupOutputs: g.outChannels / g.groups };
  if (pass !== "gradWeight") {
    gpu.forEach(pass === "forward" ? forwardShader : gradInputShader, [a, b, c], params, c.length);
    return;
  }
  const [weights, pixels] = [c.length, outputPixels(g)];
  const wanted = Math.min(Math.ceil(ENOUGH_INVOCATIONS / weights), Math.floor(pixels / LEAST_PIXELS));
  const splits = Math.max(1, wanted);
  withPartials(gpu, { c, from: 0, size: weights, splits }, (target) => {
    const splitPixels = Math.ceil(pixels / splits);
    gpu.forEach(
      gradWeightShader,
      [a, b, target],
      { ...params, weights, pixels, splitPixels },
      splits * weights,
    );
  });
}
