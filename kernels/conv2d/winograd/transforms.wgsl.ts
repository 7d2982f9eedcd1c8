/**
 * Winograd's transforms on the GPU: Y = T X T^T for many small squares X at once, an invocation for each (see `winograd.ts`).
 * Neighbouring invocations have neighbouring channels, in memory too.
 *
 * Bound: memory. Each element of X is read once, each of Y written once, 4 bytes each.
 */
import { literal } from "../../../engine/expr/emit-wgsl.ts";
import type { Block, Gpu } from "../../../engine/backends/webgpu/gpu.ts";
import { shader } from "../../../engine/backends/webgpu/shader.ts";
import type { Shader } from "../../../engine/backends/webgpu/shader.ts";
import type { Matrix } from "./winograd.ts";

/**
 * Where squares lie. An invocation has the square of a `row` and a `column`, of `params.rows` and `params.columns`; columns
 * are channels.
 */
export interface Place {
  /** Fields of `struct Params`. */
  readonly params: readonly string[];
  /** Statements before the first element. */
  readonly prepare?: string;
  /** The index of element (i, j). */
  readonly at: (i: number, j: number) => string;
  /** Whether there is an element (i, j), where that is not certain. */
  readonly exists?: (i: number, j: number) => string;
}

/** Matrices [rows, columns], one for each element of the squares, whose side is told. */
export const matrices = (side: number): Place => ({
  params: [],
  at: (i, j) => `(${side * i + j} * params.rows + row) * params.columns + column`,
});

/** Weights [3, 3, rows, columns], {@link weightsInOrder} or {@link weightsRotated}. */
export const weights: Place = {
  params: ["firstTap", "tapStep", "rowStride", "columnStride"],
  at: (i, j) =>
    `(params.firstTap + ${3 * i + j} * params.tapStep) * params.rows * params.columns + row * params.rowStride + column * params.columnStride`,
};

/** The parameters of {@link weights} that lie as they are read. */
export const weightsInOrder = (columns: number) => ({ firstTap: 0, tapStep: 1, rowStride: columns, columnStride: 1 }); // prettier-ignore
/** Of weights [3, 3, columns, rows] that are read turned by half a circle, with the channels exchanged. */
export const weightsRotated = (rows: number) => ({
  firstTap: 8,
  tapStep: -1,
  rowStride: 1,
  columnStride: rows,
});

/**
 * Tiles of images [image, height, width, columns], m pixels from one to the next, the first at (-top, -left): rows are all
 * tiles, image by image, line by line.
 */
export const tiles = (m: number): Place => ({
  params: ["height", "width", "top", "left", "tileRows", "tileColumns"],
  prepare: /* wgsl */ `
  let y = row / params.tileColumns % params.tileRows * ${m} - params.top;
  let x = row % params.tileColumns * ${m} - params.left;
  let line = row / params.tileColumns / params.tileRows * params.height + y;`,
  at: (i, j) => `((line + ${i}) * params.width + x + ${j}) * params.columns + column`,
  exists: (i, j) =>
    `(y + ${i} >= 0) & (y + ${i} < params.height) & (x + ${j} >= 0) & (x + ${j} < params.width)`,
});

/** What a transform runs on: how many squares there are, and the parameters of both places. */
type Squares = Readonly<Record<"rows" | "columns", number>> & Readonly<Record<string, number>>;

/**
 * A transform: reads the squares of one place, and writes T X T^T to another. Four channels are one invocation's where they
 * are neighbours in memory throughout.
 */
export function transform(name: string, matrix: Matrix, from: Place, to: Place) {
  const [one, four] = [
    transformShader(name, "f32", matrix, from, to),
    transformShader(name, "vec4f", matrix, from, to),
  ];
  return (gpu: Gpu, blocks: readonly [source: Block, result: Block], squares: Squares): void => {
    const { rows, columns, rowStride, columnStride = 1 } = squares;
    if (columns % 4 === 0 && columnStride === 1) {
      const quads = { ...squares, columns: columns / 4, ...(rowStride && { rowStride: rowStride / 4 }) };
      gpu.forEach(four, blocks, quads, (rows * columns) / 4);
    } else {
      gpu.forEach(one, blocks, squares, rows * columns);
    }
  };
}

function transformShader(
  name: string,
  type: "f32" | "vec4f",
  matrix: Matrix,
  from: Place,
  to: Place,
): Shader {
  const side = matrix[0]?.length ?? 0;
  const read = (i: number, j: number): string => {
    const at = from.at(i, j);
    return from.exists
      ? `let inside${i}_${j} = ${from.exists(i, j)};
  let x${i}_${j} = select(T(), source[select(0, ${at}, inside${i}_${j})], inside${i}_${j});`
      : `let x${i}_${j} = source[${at}];`;
  };
  const write = (i: number, j: number): string => {
    const store = `result[${to.at(i, j)}] = ${dot(matrix[j], (k) => `z${i}_${k}`)};`;
    return to.exists ? `if (${to.exists(i, j)}) { ${store} }` : store;
  };
  const every = (rows: number, columns: number, line: (i: number, j: number) => string): string =>
    Array.from({ length: rows * columns }, (_, k) => line(Math.floor(k / columns), k % columns)).join("\n  ");
  const fields = new Set(["size", "rows", "columns", ...from.params, ...to.params]);
  return shader(
    name,
    /* wgsl */ `alias T = ${type};
struct Params { ${[...fields].map((field) => `${field}: i32`).join(", ")} }
@group(0) @binding(0) var<storage, read> source: array<T>;
@group(0) @binding(1) var<storage, read_write> result: array<T>;

@compute @workgroup_size(64)
fn main(@builtin(global_invocation_id) id: vec3u, @builtin(num_workgroups) groups: vec3u) {
  let invocation = i32(id.x + id.y * groups.x * 64u);
  if (invocation >= params.size) { return; }
  let row = invocation / params.columns;
  let column = invocation % params.columns;
  ${from.prepare ?? to.prepare ?? ""}
  ${every(side, side, read)}
  // z = T X
  ${every(matrix.length, side, (i, j) => `let z${i}_${j} = ${dot(matrix[i], (k) => `x${k}_${j}`)};`)}
  // z T^T
  ${every(matrix.length, matrix.length, write)}
}`,
  );
}

/** The sum of coefficients times terms, without those that are 0. */
function dot(coefficients: readonly number[] = [], term: (k: number) => string): string {
  const products = coefficients.flatMap((c, k) =>
    c === 0 ? [] : [c === 1 ? term(k) : c === -1 ? `-${term(k)}` : `${literal(c)} * ${term(k)}`],
  );
  return products.join(" + ");
}
