import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { WgslBody } from "../../engine/kernel.ts";

type PoolParam =
  | ("height" | "width" | "channels" | "outHeight" | "outWidth")
  | ("kernelHeight" | "kernelWidth" | "strideHeight" | "strideWidth" | "padTop" | "padLeft");

const params = /* wgsl */ `
struct Params {
  size: i32, height: i32, width: i32, channels: i32, outHeight: i32, outWidth: i32,
  kernelHeight: i32, kernelWidth: i32, strideHeight: i32, strideWidth: i32, padTop: i32, padLeft: i32,
}`;

/** Bound: memory where windows do not overlap, x read and y written once; else kernelHeight * kernelWidth reads. */
const avgPoolShader = shader(
  "avgPool2d",
  /* wgsl */ `${params}
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read_write> y: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  let pixel = at / params.channels;
  let c = at % params.channels;
  let line = pixel / params.outWidth;
  let top = line % params.outHeight * params.strideHeight - params.padTop;
  let left = pixel % params.outWidth * params.strideWidth - params.padLeft;
  let image = line / params.outHeight;
  var sum = 0.0;
  for (var iy = max(top, 0); iy < min(top + params.kernelHeight, params.height); iy++) {
    for (var ix = max(left, 0); ix < min(left + params.kernelWidth, params.width); ix++) {
      sum += x[((image * params.height + iy) * params.width + ix) * params.channels + c];
    }
  }
  y[at] = sum / f32(params.kernelHeight * params.kernelWidth);
}`,
);

/** y = avgPool2d(x). */
export const avgPoolWgsl: WgslBody<PoolParam> = (gpu, values, [x], [y]) => {
  if (x && y) gpu.forEach(avgPoolShader, [x, y], values, y.length);
};

/** Each input pixel collects from the windows that cover it. Bound: as forward. */
const avgPoolGradInputShader = shader(
  "avgPool2dGradInput",
  /* wgsl */ `${params}
@group(0) @binding(0) var<storage, read> dy: array<f32>;
@group(0) @binding(1) var<storage, read_write> dx: array<f32>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let at = i32(id.x + id.y * groups.x * 64u);
  if (at >= params.size) { return; }
  let pixel = at / params.channels;
  let c = at % params.channels;
  let line = pixel / params.width;
  let ix = pixel % params.width;
  let iy = line % params.height;
  let image = line / params.height;
  var sum = 0.0;
  for (var ky = 0; ky < params.kernelHeight; ky++) {
    let y = iy + params.padTop - ky;
    let oy = y / params.strideHeight;
    // Only whole numbers are output pixels: in between, no window has this tap on the input pixel.
    if (y < 0 || oy * params.strideHeight != y || oy >= params.outHeight) { continue; }
    for (var kx = 0; kx < params.kernelWidth; kx++) {
      let x = ix + params.padLeft - kx;
      let ox = x / params.strideWidth;
      if (x < 0 || ox * params.strideWidth != x || ox >= params.outWidth) { continue; }
      sum += dy[((image * params.outHeight + oy) * params.outWidth + ox) * params.channels + c];
    }
  }
  dx[at] = sum / f32(params.kernelHeight * params.kernelWidth);
}`,
);

/** dx, the gradient of <avgPool2d(x), dy>. */
export const avgPoolGradInputWgsl: WgslBody<PoolParam> = (gpu, values, [dy], [dx]) => {
  if (dy && dx) gpu.forEach(avgPoolGradInputShader, [dy, dx], values, dx.length);
};
