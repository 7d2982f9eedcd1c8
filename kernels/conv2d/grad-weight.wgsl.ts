/**
 * Gradient of the weights as a product of matrices that are never built: dw [taps * inChannels, outChannels] = A B, where
 * A has a row for each channel of each tap and a column for each output pixel, and B = dy [pixels, outChannels].
 * The sums are as long as there are pixels, and there may be few of them: so their products are cut into splits.
 *
 * Bound: 2 * pixels * taps * inChannels * outChannels operations.
 */
import { withPartials } from "../../engine/backends/webgpu/gemm/partial-sums.ts";
import { planGemm } from "../../engine/backends/webgpu/gemm/plan.ts";
import type { GemmPlan } from "../../engine/backends/webgpu/gemm/plan.ts";
import {
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
import { tileCall, tileMain, tileParams, tileSplitSteps } from "../../engine/backends/webgpu/gemm/tile.ts";
import type { Block, Gpu } from "../../engine/backends/webgpu/gpu.ts";
import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { ConvGeometry } from "./geometry.ts";
import { inputPixel, outputPixels, pixelOf, windowParams } from "./shared.wgsl.ts";

/** dy and c of elements of this type. */
const buffers = (type: Columns["type"]): string => /* wgsl */ `
@group(0) @binding(0) var<storage, read> x: array<f32>;
@group(0) @binding(1) var<storage, read> dy: array<${type}>;
@group(0) @binding(2) var<storage, read_write> c: array<${type}>;
`;

/** A row of A: a tap and a channel. */
const rowOf = /* wgsl */ `
struct Row { ky: i32, kx: i32, channel: i32 }

fn rowOf(number: i32) -> Row {
  let tap = number / params.inChannels;
  return Row(tap / params.kernelWidth, tap % params.kernelWidth, number % params.inChannels);
}`;

const shaders = {
  registers: byColumns((columns) =>
    shader(
      "conv2d gradWeight (registers)",
      /* wgsl */ `
struct Params { ${registersParams}, lines: i32, splitLines: i32, inChannels: i32, ${windowParams} }
${buffers(columns.type)}
${rowOf}
${registersMain}
  // Past the edge the last row is computed once more, and not stored. A row's tap lies (top, left) from the
  // place where its window's output pixel would be with stride 1.
  ${eachRow(
    (r) => `let row${r} = rowOf(min(row + ${r}, params.m - 1));
  let top${r} = row${r}.ky * params.dilationHeight - params.padTop;
  let left${r} = row${r}.kx * params.dilationWidth - params.padLeft;`,
  )}
  ${columns.prepare}
  let end = min((slice + 1) * params.splitLines, params.lines);
  for (var line = slice * params.splitLines; line < end; line++) {
    let image = line / params.outHeight;
    let y = line % params.outHeight * params.strideHeight;
    // A row whose tap is above or below x has no columns of x: their number is 0.
    ${eachRow(
      (r) => `let width${r} = select(0, params.width, (y + top${r} >= 0) & (y + top${r} < params.height));
    let from${r} = ((image * params.height + y + top${r}) * params.width + left${r}) * params.inChannels + row${r}.channel;`,
    )}
    for (var ox = 0; ox < params.outWidth; ox++) {
      let bFrom = (line * params.outWidth + ox) * params.n;
      ${columns.readRow("dy", "bFrom")}
      let x0 = ox * params.strideWidth;
      let step = x0 * params.inChannels;
      ${eachRow(
        (r) => `let inside${r} = (x0 + left${r} >= 0) & (x0 + left${r} < width${r});
      ${addProducts(r, `select(0.0, x[select(0, from${r} + step, inside${r})], inside${r})`)}`,
      )}
    }
  }
${storeSums(columns)}`,
    ),
  ),
  tile: shader(
    "conv2d gradWeight (tile)",
    /* wgsl */ `
struct Params { ${tileParams}, k: i32, splitSteps: i32, inChannels: i32, ${windowParams} }
${buffers("f32")}
${pixelOf("params.outHeight", "params.outWidth")}
${inputPixel}
${rowOf}
${tileMain({
  // An invocation fetches one row of A and one column of B, of four pixels.
  prepare: /* wgsl */ `
  let begin = slice * params.splitSteps;
  let end = min(begin + params.splitSteps, params.k);
  let beside = lane % 64;
  let row0 = rowOf(min(firstRow + beside, params.m - 1));
  let column0 = min(firstColumn + beside, params.n - 1);`,
  fetch: /* wgsl */ `
    for (var step = lane / 64; step < 16; step += 4) {
      let pixel = first + step;
      let seen = inputPixel(pixelOf(pixel), row0.ky, row0.kx);
      let present = pixel < end;
      aTile[step * 64 + beside] = select(0.0, x[max(seen, 0) * params.inChannels + row0.channel], present && seen >= 0);
      bTile[step * 64 + beside] = select(0.0, dy[pixel * params.n + column0], present);
    }`,
})}`,
  ),
};

/** Runs the pass of an ungrouped convolution: dw from x and dy. */
export function runGradWeight(
  gpu: Gpu,
  g: ConvGeometry,
  [x, dy, dw]: readonly [x: Block, dy: Block, dw: Block],
  { template, splits }: GemmPlan = planGradWeight(g, gpu.software),
): void {
  const [m, n, k] = [g.kernelHeight * g.kernelWidth * g.inChannels, g.outChannels, outputPixels(g)];
  const lines = g.batch * g.outHeight;
  withPartials(gpu, { c: dw, from: 0, size: m * n, splits }, (target, cFrom) => {
    const call = template === "tile" ? tileCall(m, n, splits) : registersCall(m, n, splits);
    const split = { splitLines: Math.ceil(lines / splits), splitSteps: tileSplitSteps(k, splits) };
    const params = { ...g, k, lines, ...split, ...call.params, cFrom };
    const own = template === "tile" ? shaders.tile : shaders.registers(areFours(n));
    gpu.dispatch(own, [x, dy, target], params, call.grid);
  });
}

function planGradWeight(g: ConvGeometry, software: boolean): GemmPlan {
  const m = g.kernelHeight * g.kernelWidth * g.inChannels;
  return planGemm(m, g.outChannels, outputPixels(g), software);
}
