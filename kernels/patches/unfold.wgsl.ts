import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { WgslBody } from "../../engine/kernel.ts";
import type { PatchGeometry } from "./geometry.ts";

type PatchParam = Exclude<keyof PatchGeometry, "batch">;

const params = /* wgsl */ `
struct Params {
  size: i32, height: i32, width: i32, channels: i32, outHeight: i32, outWidth: i32,
  kernelHeight: i32, kernelWidth: i32, strideHeight: i32, strideWidth: i32,
  dilationHeight: i32, dilationWidth: i32, padTop: i32, padLeft: i32,
}`;

/** One invocation for each element of y. Bound: memory, y written once. */
const unfoldShader = shader(
  "unfold",
  /* wgsl */ `${params}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  let tap = at / params.channels;
  let line = tap / params.kernelWidth;
  let window = line / params.kernelHeight;
  let row = window / params.outWidth;
  let image = row / params.outHeight;
  let iy = row % params.outHeight * params.strideHeight - params.padTop
    + line % params.kernelHeight * params.dilationHeight;
  let ix = window % params.outWidth * params.strideWidth - params.padLeft
    + tap % params.kernelWidth * params.dilationWidth;
  var value = 0.0;
  if (iy >= 0 && iy < params.height && ix >= 0 && ix < params.width) {
    value = x[((image * params.height + iy) * params.width + ix) * params.channels + at % params.channels];
  }
  y[at] = value;
}`,
);

/** y = unfold(x). */
export const unfoldWgsl: WgslBody<PatchParam> = (gpu, values, [x], [y]) => {
  if (x && y) gpu.forEach(unfoldShader, [x, y], values, y.length);
};

/** One invocation for each element of x, which collects from the patches that cover it. Bound: memory, y read once. */
const foldShader = shader(
  "fold",
  /* wgsl */ `${params}
@group(0) @binding(0) var<storage, read> y: array<f32>;
@group(0) @binding(1) var<storage, read_write> x: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  let pixel = at / params.channels;
  let row = pixel / params.width;
  let image = row / params.height;
  var sum = 0.0;
  for (var ky = 0; ky < params.kernelHeight; ky++) {
    let down = row % params.height + params.padTop - ky * params.dilationHeight;
    let oy = down / params.strideHeight;
    // Only multiples of the stride are patches: in between, no patch has this tap on the pixel.
    if (down < 0 || oy * params.strideHeight != down || oy >= params.outHeight) { continue; }
    for (var kx = 0; kx < params.kernelWidth; kx++) {
      let right = pixel % params.width + params.padLeft - kx * params.dilationWidth;
      let ox = right / params.strideWidth;
      if (right < 0 || ox * params.strideWidth != right || ox >= params.outWidth) { continue; }
      let window = (image * params.outHeight + oy) * params.outWidth + ox;
      let tap = (window * params.kernelHeight + ky) * params.kernelWidth + kx;
      sum += y[tap * params.channels + at % params.channels];
    }
  }
  x[at] = sum;
}`,
);

/** x = fold(y). */
export const foldWgsl: WgslBody<PatchParam> = (gpu, values, [y], [x]) => {
  if (y && x) gpu.forEach(foldShader, [y, x], values, x.length);
};
