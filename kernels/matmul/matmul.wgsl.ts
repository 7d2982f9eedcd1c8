/**
 * Matrix products on the GPU. Bound: 2 m n k operations. The transposes are in the strides: element (row, step) of
 * op(A) is a[row * aRow + step * aStep], element (step, column) of op(B) is b[step * bStep + column * bColumn].
 */
import { withPartials } from "../../engine/backends/webgpu/gemm/partial-sums.ts";
import { planGemm } from "../../engine/backends/webgpu/gemm/plan.ts";
import type { GemmPlan } from "../../engine/backends/webgpu/gemm/plan.ts";
import {
  each,
  eachRow,
  registersCall,
  registersMain,
  registersParams,
  storeSums,
} from "../../engine/backends/webgpu/gemm/registers.ts";
import { tileCall, tileMain, tileParams } from "../../engine/backends/webgpu/gemm/tile.ts";
import type { Block, Gpu } from "../../engine/backends/webgpu/gpu.ts";
import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { WgslBody } from "../../engine/kernel.ts";

const buffers = /* wgsl */ `
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<f32>;
@group(0) @binding(2) var<storage, read_write> c: array<f32>;
`;
const strides = "aFrom: i32, aRow: i32, aStep: i32, bStep: i32, bColumn: i32";

const shaders = {
  registers: shader(
    "matmul (registers)",
    /* wgsl */ `
struct Params { ${registersParams}, k: i32, splitSteps: i32, ${strides} }
${buffers}
${registersMain}
  // Past the edges the last row or column is computed once more, and not stored.
  ${eachRow((r) => `let a${r} = min(row + ${r}, params.m - 1) * params.aRow + params.aFrom;`)}
  ${each(4, (j) => `let b${j} = min(column + ${j}, params.n - 1) * params.bColumn;`)}
  let end = min((split + 1) * params.splitSteps, params.k);
  for (var step = split * params.splitSteps; step < end; step++) {
    let aFrom = step * params.aStep;
    let bFrom = step * params.bStep;
    let bs = vec4f(b[bFrom + b0], b[bFrom + b1], b[bFrom + b2], b[bFrom + b3]);
    ${eachRow((r) => `sum${r} += a[aFrom + a${r}] * bs;`)}
  }
${storeSums}`,
  ),
  tile: shader(
    "matmul (tile)",
    /* wgsl */ `
struct Params { ${tileParams}, ${strides} }
${buffers}
${tileMain({
  prepare: "",
  // Neighbouring invocations fetch neighbours in memory, whichever way a matrix is stored.
  fetch: /* wgsl */ `
    for (var i = lane; i < 1024; i += 256) {
      let aStep = select(i / 64, i % 16, params.aStep == 1);
      let aRow = select(i % 64, i / 16, params.aStep == 1);
      let bStep = select(i / 64, i % 16, params.bStep == 1);
      let bColumn = select(i % 64, i / 16, params.bStep == 1);
      var aValue = 0.0;
      if (firstRow + aRow < params.m && first + aStep < end) {
        aValue = a[params.aFrom + (firstRow + aRow) * params.aRow + (first + aStep) * params.aStep];
      }
      var bValue = 0.0;
      if (firstColumn + bColumn < params.n && first + bStep < end) {
        bValue = b[(first + bStep) * params.bStep + (firstColumn + bColumn) * params.bColumn];
      }
      aTile[aStep * 64 + aRow] = aValue;
      bTile[bStep * 64 + bColumn] = bValue;
    }`,
})}`,
  ),
};

/** A product of matrices by their strides. A and C begin at elements of their buffers that may be told. */
export interface StridedProduct {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly aFrom?: number;
  readonly aRow: number;
  readonly aStep: number;
  readonly bStep: number;
  readonly bColumn: number;
  readonly cFrom?: number;
}

/** c = a b, by a plan for its shape and the adapter (or another one that is given). */
export function runProduct(
  gpu: Gpu,
  product: StridedProduct,
  [a, b, c]: readonly [a: Block, b: Block, c: Block],
  { template, splits }: GemmPlan = planGemm(product.m, product.n, product.k, gpu.software),
): void {
  const { m, n, k, aFrom = 0, cFrom: from = 0 } = product;
  withPartials(gpu, { c, from, size: m * n, splits }, (target, cFrom) => {
    const call = template === "tile" ? tileCall(m, n, k, splits) : registersCall(m, n, splits);
    const params = { splitSteps: Math.ceil(k / splits), ...product, ...call.params, aFrom, cFrom };
    gpu.dispatch(shaders[template], [a, b, target], params, call.grid);
  });
}

/** C = op(A) op(B). */
export const matmulWgsl: WgslBody<"m" | "n" | "k" | "transposeA" | "transposeB"> = (
  gpu,
  { m, n, k, transposeA, transposeB },
  [a, b],
  [c],
) => {
  if (!a || !b || !c) return;
  const [aRow, aStep] = transposeA === 1 ? [1, m] : [k, 1];
  const [bStep, bColumn] = transposeB === 1 ? [1, k] : [n, 1];
  runProduct(gpu, { m, n, k, aRow, aStep, bStep, bColumn }, [a, b, c]);
};
