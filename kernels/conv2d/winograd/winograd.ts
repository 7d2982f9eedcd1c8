/**
 * Winograd's convolution: kernels of 3 x 3 taps with fewer multiplications, and when it is the faster way.
 *
 * S. Winograd, Arithmetic Complexity of Computations, SIAM 1980; for convolutional networks: A. Lavin and S. Gray, Fast
 * Algorithms for Convolutional Neural Networks, CVPR 2016.
 *
 * ## One dimension
 *
 * F(m, 3) computes m neighbouring outputs y_k = sum over i of g_i d_{k+i} of 3 taps g from m + 2 inputs d with m + 2
 * multiplications instead of 3 m. It is the transpose of the product of two polynomials:
 *
 *     s(x) = g(x) z(x)   with   g(x) = g_0 + g_1 x + g_2 x^2   and   z(x) = z_0 + ... + z_{m-1} x^{m-1}
 *
 * The product has m + 2 coefficients, so its values at m + 2 points determine it (Toom and Cook): at m + 1 numbers a_i, and
 * "at infinity", where a polynomial's value is its leading coefficient. A value of s takes one multiplication, of the values
 * of g and z. Lagrange's interpolation gives the coefficients of s back. With
 *
 *     M(x) = product over all j of (x - a_j)   and   M_i(x) = product over all j other than i of (x - a_j)
 *
 *     s(x) = sum over i of  g(a_i) z(a_i) / M_i(a_i) * M_i(x)  +  g_2 z_{m-1} * M(x)
 *
 * In matrices, s = B ((G g) * (A z)), where * multiplies element by element, and
 *
 *     row i of G:     1, a_i, a_i^2, all divided by M_i(a_i)      last row:     0, 0, 1
 *     row i of A:     1, a_i, ... a_i^(m-1)                       last row:     0, ... 0, 1
 *     column i of B:  the coefficients of M_i                     last column:  those of M
 *
 * The outputs belong to the same trilinear form, <s, d> = sum of g_i z_k d_{i+k} = <z, y>, read with z left out:
 *
 *     <B ((G g) * (A z)), d> = <A z, (G g) * (B^T d)>   and so   y = A^T ((G g) * (B^T d))
 *
 * ## Two dimensions
 *
 * A tile of m x m outputs comes from (m + 2) x (m + 2) inputs D by F(m, 3) in both directions, one inside the other:
 *
 *     Y = A^T ((G W G^T) * (B^T D B)) A
 *
 * The sum over input channels may stand before A^T and A. Then each of the (m + 2)^2 positions is a matrix product of its
 * own, [tiles, inChannels] by [inChannels, outChannels]. A tile takes 16 multiplications instead of 36 for m = 2, 36 instead
 * of 144 for m = 4.
 *
 * The gradient of the weights is the same trilinear form with the roles changed once more: where dY is known and W is looked
 * for, <dY, Y> = <A dY A^T, (G W G^T) * (B^T D B)> gives
 *
 *     dW = G^T ((A dY A^T) * (B^T D B)) G
 *
 * Here the sum over all tiles may stand before G^T and G: a matrix product for each position, [inChannels, tiles] by
 * [tiles, outChannels].
 *
 * ## Points and rounding errors
 *
 * The points are 0 and pairs a, -a, whose rows differ only in the signs of odd powers. Any points are right, but not equally
 * good in floats: for large or small ones the matrices grow, and the outputs are small differences of large numbers. For
 * m = 2 they are 0, 1, -1. For m = 4, those of Lavin and Gray, 0, 1, -1, 2, -2, are here multiplied by 3/4: B and A stay
 * exact in floats, and errors are half as large. Root mean squares of error / (sum of |x| |w|) for numbers uniform in
 * -1 ... 1, in units of u = 2^-24:
 *
 *                     direct    m = 2    m = 4    m = 4 with 1 and 2
 *     16 channels       0.4      0.3      1.0       2.1
 *     64 channels       0.4      0.25     0.8       1.6
 *
 * The bound: every product that an output is the sum of goes through at most r = inChannels + {@link TRANSFORM_ROUNDINGS}
 * roundings, and so (Higham, Accuracy and Stability of Numerical Algorithms, sections 3.1 and 3.5)
 *
 *     |error|  <=  r u / (1 - r u)  *  |A|^T (sum over channels of (|G| |W| |G|^T) * (|B|^T |D| |B|)) |A|
 *
 * For |x| <= 1 and |w| <= 1 the matrix expression is at most 64 inChannels for m = 2 and 752 inChannels for m = 4, that of
 * direct convolution 9 inChannels. For m = 2 and small integers all is exact. A tile's outputs share its inputs: where one of
 * these is infinite or NaN, so are they all, not only those whose windows meet it.
 */
import type { ConvGeometry } from "../geometry.ts";

/** m: outputs are computed in tiles of m x m. */
export type OutputTile = 2 | 4;

/** Rows of coefficients. */
export type Matrix = readonly (readonly number[])[];

/** A^T, G and B^T. */
export interface Transforms {
  /** [m, m + 2] */
  readonly output: Matrix;
  /** [m + 2, 3] */
  readonly weights: Matrix;
  /** [m + 2, m + 2] */
  readonly input: Matrix;
}

const POINTS = { 2: [0, 1, -1], 4: [0, 3 / 4, -3 / 4, 3 / 2, -3 / 2] } as const satisfies Record<
  OutputTile,
  readonly number[]
>;

/** Roundings that a product goes through in both directions of the three transforms, and its own. */
export const TRANSFORM_ROUNDINGS = 32;

function makeTransforms(m: OutputTile): Transforms {
  const points: readonly number[] = POINTS[m];
  const allBut = (i: number): readonly number[] => points.filter((_, j) => j !== i);
  const atInfinity = (length: number): number[] => [...new Array<number>(length - 1).fill(0), 1];
  return {
    output: Array.from({ length: m }, (_, power) => [
      ...points.map((point) => point ** power),
      power === m - 1 ? 1 : 0,
    ]),
    weights: [
      ...points.map((point, i) => {
        const scale = allBut(i).reduce((product, other) => product * (point - other), 1);
        return [0, 1, 2].map((power) => point ** power / scale);
      }),
      atInfinity(3),
    ],
    input: [...points.map((_, i) => [...withRoots(allBut(i)), 0]), withRoots(points)],
  };
}

const TRANSFORMS = { 2: makeTransforms(2), 4: makeTransforms(4) } satisfies Record<OutputTile, Transforms>;

/** The matrices of F(m, 3). */
export const transforms = (m: OutputTile): Transforms => TRANSFORMS[m];

/** Rows become columns. */
export const transpose = (matrix: Matrix): Matrix =>
  (matrix[0] ?? []).map((_, j) => matrix.map((row) => row[j] ?? 0));

/** The coefficients of the product of (x - root), beginning with that of 1. */
function withRoots(roots: readonly number[]): number[] {
  let polynomial = [1];
  for (const root of roots) {
    const times = (k: number): number => (polynomial[k - 1] ?? 0) - root * (polynomial[k] ?? 0);
    polynomial = Array.from({ length: polynomial.length + 1 }, (_, k) => times(k));
  }
  return polynomial;
}

/** What a convolution must have for tiles of m x m to be faster than direct convolution, measured on the CPU. */
const LEAST = {
  /** Input and output channels; with fewer, the transforms take too much of the time. */
  channels: { 2: 16, 4: 8 },
  /** Tiles in the batch; with fewer, the transform of the weights takes too much. */
  tiles: { 2: 32, 4: 32 },
  /** How many times fewer multiplications. */
  saving: { 2: 1.5, 4: 1.5 },
} as const satisfies Record<string, Record<OutputTile, number>>;

/**
 * The tiles in which a convolution is fastest, undefined for direct convolution: the larger saving of those that a shape has
 * enough channels and tiles for. It looks at the shape alone, so that on the CPU the same network gives the same bits
 * everywhere; on a GPU fewer convolutions gain (`convolve.wgsl.ts`).
 */
export const outputTile = (g: ConvGeometry): OutputTile | undefined => fastest(g, () => true);

/** {@link outputTile} for the gradient of the weights, where with a single chunk one thread would do all. */
export const gradWeightTile = (g: ConvGeometry): OutputTile | undefined =>
  fastest(g, (m) => chunksOf(g, m) > 1);

/** The larger saving of the tiles that a shape has enough channels and tiles for, and that are possible. */
function fastest(g: ConvGeometry, isPossible: (m: OutputTile) => boolean): OutputTile | undefined {
  const is3x3 = g.kernelHeight === 3 && g.kernelWidth === 3;
  const isPlain = Math.max(g.strideHeight, g.strideWidth, g.dilationHeight, g.dilationWidth, g.groups) === 1;
  if (!is3x3 || !isPlain) return undefined;
  const saving = (m: OutputTile): number =>
    (9 * g.outHeight * g.outWidth) / ((m + 2) ** 2 * tilesOfImage(g, m));
  const [first, second] = ([2, 4] as const).filter(
    (m) =>
      Math.min(g.inChannels, g.outChannels) >= LEAST.channels[m] &&
      g.batch * tilesOfImage(g, m) >= LEAST.tiles[m] &&
      saving(m) >= LEAST.saving[m] &&
      isPossible(m),
  );
  if (first === undefined || second === undefined) return first;
  return saving(second) > saving(first) ? second : first;
}

/** Tiles in a chunk of the gradient of the weights, and the chunks and bytes of their sums, at most. */
const CHUNK_TILES = 32;
const CHUNKS = 8;
const SUMS_BYTES = 1 << 26;

/** Into how many chunks the sum over the tiles is cut: by the shape alone. */
export function chunksOf(g: ConvGeometry, m: OutputTile): number {
  const useful = Math.floor((g.batch * tilesOfImage(g, m)) / CHUNK_TILES);
  const fitting = Math.floor(SUMS_BYTES / (4 * (m + 2) ** 2 * g.inChannels * g.outChannels));
  return Math.max(1, Math.min(CHUNKS, useful, fitting));
}

/** Rows and columns of the tiles of an image. */
export const tileGrid = (g: ConvGeometry, m: OutputTile) => ({
  tileRows: Math.ceil(g.outHeight / m),
  tileColumns: Math.ceil(g.outWidth / m),
});

function tilesOfImage(g: ConvGeometry, m: OutputTile): number {
  const { tileRows, tileColumns } = tileGrid(g, m);
  return tileRows * tileColumns;
}
