import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { WgslBody } from "../../engine/kernel.ts";
import { inputPixel, outputPixel, pixelOf, windowParams } from "../conv2d/shared.wgsl.ts";
import { orderKey } from "../order-key.wgsl.ts";
import type { PoolGeometry } from "./geometry.ts";

type PoolBody = WgslBody<keyof PoolGeometry>;

const struct = /* wgsl */ `
struct Params { size: i32, channels: i32, ${windowParams} }`;

const main = /* wgsl */ `
@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  let c = at % params.channels;`;

/** Bound: memory where windows do not overlap, x read and both outputs written once. */
const maxPoolShader = shader(
  "maxPool2d",
  /* wgsl */ `${struct}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;
@group(0) @binding(2) var<storage, read_write> pixels: array<i32>;
${pixelOf("params.outHeight", "params.outWidth")}
${inputPixel}
${orderKey}
${main}
  let pixel = pixelOf(at / params.channels);
  let imageStart = pixel.image * params.height * params.width;
  var best = -1;
  var bestKey = 0u;
  for (var ky = 0; ky < params.kernelHeight; ky++) {
    for (var kx = 0; kx < params.kernelWidth; kx++) {
      let seen = inputPixel(pixel, ky, kx);
      if (seen < 0) { continue; }
      let key = orderKey(x[seen * params.channels + c]);
      if (best < 0 || key > bestKey) {
        best = seen;
        bestKey = key;
      }
    }
  }
  // A window that sees nothing of x has no pixel, and 0.
  y[at] = 0.0;
  pixels[at] = -1;
  if (best >= 0) {
    y[at] = x[best * params.channels + c];
    pixels[at] = best - imageStart;
  }
}`,
);

/** y = maxPool2d(x), and the pixels where the maxima are. */
export const maxPoolWgsl: PoolBody = (gpu, g, [x], [y, pixels]) => {
  if (x && y && pixels) gpu.forEach(maxPoolShader, [x, y, pixels], g, y.length);
};

/** Bound: memory, pixels read, x read at them, and y written once. */
const pickShader = shader(
  "maxPool2dPick",
  /* wgsl */ `${struct}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> pixels: array<i32>;
@group(0) @binding(2) var<storage, read_write> y: array<f32>;
${main}
  let image = at / params.channels / (params.outHeight * params.outWidth);
  y[at] = x[(image * params.height * params.width + pixels[at]) * params.channels + c];
}`,
);

/** y, the elements of x at the pixels. */
export const maxPoolPickWgsl: PoolBody = (gpu, g, [x, pixels], [y]) => {
  if (x && pixels && y) gpu.forEach(pickShader, [x, pixels, y], g, y.length);
};

/** Each input pixel collects from the windows whose maximum it is. Bound: kernelHeight * kernelWidth reads. */
const gradInputShader = shader(
  "maxPool2dGradInput",
  /* wgsl */ `${struct}
@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read> pixels: array<i32>;
@group(0) @binding(2) var<storage, read_write> dx: array<f32>;
${pixelOf("params.height", "params.width")}
${outputPixel}
${main}
  let pixel = pixelOf(at / params.channels);
  var sum = 0.0;
  for (var ky = 0; ky < params.kernelHeight; ky++) {
    for (var kx = 0; kx < params.kernelWidth; kx++) {
      let seen = outputPixel(pixel, ky, kx);
      if (seen < 0) { continue; }
      if (pixels[seen * params.channels + c] == pixel.y * params.width + pixel.x) {
        sum += dy[seen * params.channels + c];
      }
    }
  }
  dx[at] = sum;
}`,
);

/** dx, the gradient of <pick(x), dy>. */
export const maxPoolGradInputWgsl: PoolBody = (gpu, g, [dy, pixels], [dx]) => {
  if (dy && pixels && dx) gpu.forEach(gradInputShader, [dy, pixels, dx], g, dx.length);
};
