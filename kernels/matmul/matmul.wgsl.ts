/**
 * Matrix products on the GPU. Bound: 2 m n k operations. The transposes are in the strides: element (row, step) of
 * op(A) is a[row * aRow + step * aStep], element (step, column) of op(B) is b[step * bStep + column * bColumn].
 *
 * There may be several products, matrix (o, i) of each for o < outer and i < inner, whose A and B lie apart by the strides
 * aOuter, aInner, bOuter and bInner.
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
import { withTransposed } from "../../engine/backends/webgpu/gemm/transposed.ts";
import type { Block, Gpu } from "../../engine/backends/webgpu/gpu.ts";
import { shader } from "../../engine/backends/webgpu/shader.ts";
import type { WgslBody } from "../../engine/kernel.ts";

/** b and c of elements of this type. */
const buffers = (type: Columns["type"]): string => /* wgsl */ `
@group(0) @binding(0) var<storage, read> a: array<f32>;
@group(0) @binding(1) var<storage, read> b: array<${type}>;
@group(0) @binding(2) var<storage, read_write> c: array<${type}>;
`;
const ownParams = `k: i32, splitSteps: i32, aFrom: i32, aRow: i32, aStep: i32, bStep: i32, bColumn: i32,
  batch: i32, inner: i32, aOuter: i32, aInner: i32, bOuter: i32, bInner: i32`;

/** From the slice of C: which products are summed, and where the slice's matrices begin. */
const ofSlice = /* wgsl */ `
  let matrix = slice % params.batch;
  let begin = slice / params.batch * params.splitSteps;
  let end = min(begin + params.splitSteps, params.k);
  let aMatrix = params.aFrom + matrix / params.inner * params.aOuter + matrix % params.inner * params.aInner;
  let bMatrix = matrix / params.inner * params.bOuter + matrix % params.inner * params.bInner;`;

const shaders = {
  registers: byColumns((columns) =>
    shader(
      "matmul (registers)",
      /* wgsl */ `
struct Params { ${registersParams}, ${ownParams} }
${buffers(columns.type)}
${registersMain}
${ofSlice}
  // Past the edge the last row is computed once more, and not stored.
  ${eachRow((r) => `let a${r} = aMatrix + min(row + ${r}, params.m - 1) * params.aRow;`)}
  ${columns.prepare}
  for (var step = begin; step < end; step++) {
    let aFrom = step * params.aStep;
    let bFrom = bMatrix + step * params.bStep;
    ${columns.readRow("b", "bFrom", "params.bColumn")}
    ${eachRow((r) => addProducts(r, `a[aFrom + a${r}]`))}
  }
${storeSums(columns)}`,
    ),
  ),
  tile: shader(
    "matmul (tile)",
    /* wgsl */ `
struct Params { ${tileParams}, ${ownParams} }
${buffers("f32")}
${tileMain({
  prepare: ofSlice,
  // Neighbouring invocations fetch neighbours in memory, whichever way a matrix is stored.
  fetch: /* wgsl */ `
    for (var i = lane; i < 1024; i += 256) {
      let aStep = select(i / 64, i % 16, params.aStep == 1);
      let aRow = select(i % 64, i / 16, params.aStep == 1);
      let bStep = select(i / 64, i % 16, params.bStep == 1);
      let bColumn = select(i % 64, i / 16, params.bStep == 1);
      var aValue = 0.0;
      if (firstRow + aRow < params.m && first + aStep < end) {
        aValue = a[aMatrix + (firstRow + aRow) * params.aRow + (first + aStep) * params.aStep];
      }
      var bValue = 0.0;
      if (firstColumn + bColumn < params.n && first + bStep < end) {
        bValue = b[bMatrix + (first + bStep) * params.bStep + (firstColumn + bColumn) * params.bColumn];
      }
      aTile[aStep * 64 + aRow] = aValue;
      bTile[bStep * 64 + bColumn] = bValue;
    }`,
})}`,
  ),
};

/** Products of matrices by their strides. A and C may begin at an element that is told. */
export interface StridedProduct extends Partial<Record<keyof typeof onlyOne, number>> {
  readonly m: number;
  readonly n: number;
  readonly k: number;
  readonly aRow: number;
  readonly aStep: number;
  readonly bStep: number;
  readonly bColumn: number;
}

const onlyOne = { aFrom: 0, cFrom: 0, outer: 1, inner: 1, aOuter: 0, aInner: 0, bOuter: 0, bInner: 0 };

/** c = a b, by a plan for its shape and the adapter (or another one that is given). */
export function runProduct(
  gpu: Gpu,
  product: StridedProduct,
  [a, b, c]: readonly [a: Block, b: Block, c: Block],
  plan?: GemmPlan,
): void {
  const { m, n, k, outer, inner, cFrom: from, ...strides } = { ...onlyOne, ...product };
  const batch = outer * inner;
  const { template, splits } = plan ?? planGemm(m, n, k, gpu.software, batch);
  withPartials(gpu, { c, from, size: batch * m * n, splits }, (target, cFrom) => {
    const call = template === "tile" ? tileCall(m, n, batch * splits) : registersCall(m, n, batch * splits);
    const splitSteps = template === "tile" ? tileSplitSteps(k, splits) : Math.ceil(k / splits);
    const { bStep, bColumn, bOuter, bInner } = strides;
    const isByFours = bColumn === 1 && areFours(n, cFrom, bStep, bOuter, bInner);
    const own = template === "tile" ? shaders.tile : shaders.registers(isByFours);
    gpu.dispatch(own, [a, b, target], { ...call.params, ...strides, k, splitSteps, batch, inner, cFrom }, call.grid); // prettier-ignore
  });
}

/** Rows of A from which on it pays to transpose a B whose columns lie apart. */
const MANY_ROWS = 64;

type MatmulParam = "m" | "n" | "k" | "transposeA" | "transposeB";

type MatmulParams = Readonly<Record<MatmulParam, number>>;

const stridesOf = ({ m, n, k, transposeA, transposeB }: MatmulParams) => ({
  ...{ m, n, k },
  ...(transposeA === 1 ? { aRow: 1, aStep: m } : { aRow: k, aStep: 1 }),
  ...(transposeB === 1 ? { bStep: 1, bColumn: k } : { bStep: n, bColumn: 1 }),
});

/** Calls `body` with B and the strides of a product; B is turned before, where that pays. */
function withB(
  gpu: Gpu,
  params: MatmulParams,
  b: Block,
  body: (b: Block, strides: ReturnType<typeof stridesOf>) => void,
): void {
  const { m, n, k, transposeB } = params;
  if (transposeB === 0 || m < MANY_ROWS) body(b, stridesOf(params));
  else withTransposed(gpu, b, n, k, (turned) => { body(turned, stridesOf({ ...params, transposeB: 0 })); }); // prettier-ignore
}

/** C = op(A) op(B). */
export const matmulWgsl: WgslBody<MatmulParam> = (gpu, params, [a, b], [c]) => {
  if (!a || !b || !c) return;
  withB(gpu, params, b, (columns, strides) => {
    runProduct(gpu, strides, [a, columns, c]);
  });
};

/** C[o, i] = op(A[p]) op(B[q]), with p = o * aOuter + i * aInner and q = o * bOuter + i * bInner. */
export const batchedMatmulWgsl: WgslBody<
  MatmulParam | "outer" | "inner" | "aOuter" | "aInner" | "bOuter" | "bInner"
> = (gpu, params, [a, b], [c]) => {
  if (!a || !b || !c) return;
  const { m, n, k, outer, inner, aOuter, aInner, bOuter, bInner } = params;
  const distances = {
    aOuter: aOuter * m * k,
    aInner: aInner * m * k,
    bOuter: bOuter * k * n,
    bInner: bInner * k * n,
  };
  withB(gpu, params, b, (columns, strides) => {
    runProduct(gpu, { ...strides, outer, inner, ...distances }, [a, columns, c]);
  });
};
