/**
 * Forward pass and gradient of the input as products of matrices that are never built: C [pixels, channels] = A B, where
 * A has a row for each pixel of the result and a column for each channel of each tap. Tap by tap a row of A is a run of
 * channels of one pixel of the source, or zeros; the tap's part of B is its weights, as they are or transposed:
 *
 *     forward:    rows are output pixels, the source is x,    B[tap, ci, co] = w[tap, ci, co]
 *     gradInput:  rows are input pixels,  the source is dy,   B[tap, co, ci] = w[tap, ci, co]
 *
 * B is w as it lies in memory, or with each tap's matrix transposed.
 *
 * Bound: 2 * pixels * taps * inChannels * outChannels operations.
 */
import { planGemm } from "../../engine/backends/webgpu/gemm/plan.ts";
import {
  each,
  addProducts,
  areFours,
  byColumns,
  eachRow,
  registersCall,
  registersMain,
  registersParams,
  storeSums,
} from "../../engine/backends/webgpu/gemm/registers.ts";
import type { Columns } from "../../engine/backends/webgpu/gemm/registers.ts";
import { tileCall, tileMain, tileParams } from "../../engine/backends/webgpu/gemm/tile.ts";
import { withTransposed } from "../../engine/backends/webgpu/gemm/transposed.ts";
import type { Block, Gpu } from "../../engine/backends/webgpu/gpu.ts";
import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { ConvGeometry } from "./geometry.ts";
import { inputPixel, inputPixels, outputPixel, outputPixels, pixelOf, windowParams } from "./shared.wgsl.ts";

/** w and c of elements of this type. */
const buffers = (type: Columns["type"]): string => /* wgsl */ `
@group(0) @binding(0) var<storage, read> source: array<f32>;
@group(0) @binding(1) var<storage, read> w: array<${type}>;
@group(0) @binding(2) var<storage, read_write> c: array<${type}>;
`;
/** Channels of the source. */
const ownParams = `channels: i32, ${windowParams}`;

const passes = {
  forward:
    pixelOf("params.outHeight", "params.outWidth") + inputPixel.replaceAll("inputPixel", "sourcePixel"),
  gradInput: pixelOf("params.height", "params.width") + outputPixel.replaceAll("outputPixel", "sourcePixel"),
};

const registersShader = (pass: keyof typeof passes) =>
  byColumns((columns) =>
    shader(
      `conv2d ${pass} (registers)`,
      /* wgsl */ `
struct Params { ${registersParams}, ${ownParams} }
${buffers(columns.type)}
${passes[pass]}
${registersMain}
  // Past the edge the last row is computed once more, and not stored.
  ${eachRow((r) => `let pixel${r} = pixelOf(min(row + ${r}, params.m - 1));`)}
  ${columns.prepare}
  var bFrom = 0;
  for (var ky = 0; ky < params.kernelHeight; ky++) {
    for (var kx = 0; kx < params.kernelWidth; kx++) {
      ${eachRow((r) => `let from${r} = sourcePixel(pixel${r}, ky, kx) * params.channels;`)}
      for (var i = 0; i < params.channels; i++) {
        ${columns.readRow("w", "bFrom")}
        ${eachRow((r) => addProducts(r, `select(0.0, source[max(from${r}, 0) + i], from${r} >= 0)`))}
        bFrom += params.n;
      }
    }
  }
${storeSums(columns)}`,
    ),
  );

const tileShader = (pass: keyof typeof passes) =>
  shader(
    `conv2d ${pass} (tile)`,
    /* wgsl */ `
struct Params { ${tileParams}, k: i32, ${ownParams} }
${buffers("f32")}
${passes[pass]}
${tileMain({
  // An invocation fetches one channel of four pixels, and four channels' weights of one column.
  prepare: /* wgsl */ `
  let begin = 0;
  let end = params.k;
  let aStep = lane % 16;
  let aRow = lane / 16;
  ${each(4, (i) => `let pixel${i} = pixelOf(min(firstRow + aRow + ${16 * i}, params.m - 1));`)}
  let bColumn = lane % 64;
  let bOffset = min(firstColumn + bColumn, params.n - 1);`,
  fetch: /* wgsl */ `
    let tap = (first + aStep) / params.channels;
    let channel = (first + aStep) % params.channels;
    ${each(
      4,
      (i) => `let from${i} = sourcePixel(pixel${i}, tap / params.kernelWidth, tap % params.kernelWidth);
    aTile[aStep * 64 + aRow + ${16 * i}] = select(0.0, source[max(from${i}, 0) * params.channels + channel], from${i} >= 0 && first + aStep < end);`,
    )}
    for (var bStep = lane / 64; bStep < 16; bStep += 4) {
      bTile[bStep * 64 + bColumn] = select(0.0, w[(first + bStep) * params.n + bOffset], first + bStep < end);
    }`,
})}`,
  );

const shaders = {
  registers: { forward: registersShader("forward"), gradInput: registersShader("gradInput") },
  tile: { forward: tileShader("forward"), gradInput: tileShader("gradInput") },
};

/** Runs a pass of an ungrouped convolution: c = y from x, or dx from dy. */
export function runConvolve(
  gpu: Gpu,
  pass: keyof typeof passes,
  g: ConvGeometry,
  [source, w, c]: readonly [source: Block, w: Block, c: Block],
  template = planConvolve(pass, g, gpu.software),
): void {
  const forward = pass === "forward";
  const m = forward ? outputPixels(g) : inputPixels(g);
  const [channels, n] = forward ? [g.inChannels, g.outChannels] : [g.outChannels, g.inChannels];
  const k = g.kernelHeight * g.kernelWidth * channels;
  const call = template === "tile" ? tileCall(m, n, 1) : registersCall(m, n, 1);
  const params = { ...g, k, channels, cFrom: 0, ...call.params };
  const own = template === "tile" ? shaders.tile[pass] : shaders.registers[pass](areFours(n));
  if (forward) gpu.dispatch(own, [source, w, c], params, call.grid);
  else withTransposed(gpu, w, n, channels, (turned) => { gpu.dispatch(own, [source, turned, c], params, call.grid); }); // prettier-ignore
}

function planConvolve(pass: keyof typeof passes, g: ConvGeometry, software: boolean) {
  const forward = pass === "forward";
  const m = forward ? outputPixels(g) : inputPixels(g);
  return planGemm(m, forward ? g.outChannels : g.inChannels, 1, software).template;
}
