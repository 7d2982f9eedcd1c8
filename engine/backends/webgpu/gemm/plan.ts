/** How a product C [m, n] = A [m, k] B [k, n] is cut into workgroups. See {@link planGemm}. */
export interface GemmPlan {
  /**
   * `registers`: each invocation has 8 x 8 sums in registers and reads memory itself.
   * `tile`: a workgroup shares tiles of A and B for 64 x 64 sums through its own memory.
   */
  readonly template: "registers" | "tile";
  /** Into how many parts the k products of a sum are cut; their sums are added up afterwards, in order. */
  readonly splits: number;
}

/** Rows and columns of sums in an invocation. */
export const INVOCATION_ROWS = 8;
export const INVOCATION_COLUMNS = 8;
/** Invocations in a workgroup of the register templates. */
export const INVOCATIONS = 64;
/** Rows and columns of a tile. */
export const TILE = 64;

/** Products that a part of a sum has at least. */
const LEAST_PRODUCTS = 256;

/**
 * The plan for a product (or `batch` of them), by its shape and the adapter alone: the same program gives the same bits each time.
 *
 * A GPU hides the latency of its memory behind many workgroups, and lives on reuse in workgroup memory. Software on a
 * few cores wants few, has no memory that is nearer than another, and pays for every barrier: there registers are the
 * faster template throughout (llvmpipe, matmul 512: in registers 9 GFLOP/s, a tile in workgroup memory 2).
 */
export function planGemm(m: number, n: number, k: number, software: boolean, batch = 1): GemmPlan {
  const template = !software && m >= TILE && n >= TILE ? "tile" : "registers";
  const [rows, columns] = blockOf(template, n);
  const blocks = batch * Math.ceil(m / rows) * Math.ceil(n / columns);
  const wanted = Math.floor((software ? 16 : 256) / Math.max(1, blocks));
  const splits = Math.max(1, Math.min(wanted, Math.floor(k / LEAST_PRODUCTS)));
  return { template, splits };
}

/** Rows and columns of C in a workgroup. */
export function blockOf(template: GemmPlan["template"], n: number): readonly [rows: number, columns: number] {
  if (template === "tile") return [TILE, TILE];
  const lanes = lanesFor(n);
  return [(INVOCATIONS / lanes) * INVOCATION_ROWS, lanes * INVOCATION_COLUMNS];
}

/** Invocations of a workgroup beside each other along the columns: a power of two, as many as n can use. */
export const lanesFor = (n: number): number =>
  Math.min(INVOCATIONS, 2 ** Math.ceil(Math.log2(Math.max(1, n / INVOCATION_COLUMNS))));
