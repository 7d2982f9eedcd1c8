/** Weights of pairs in the gradient, as automatic differentiation of the library's loss gives them. */
import { grad } from "../../engine/autograd.ts";
import { tensor } from "../../engine/create.ts";
import { supConLoss } from "../../supcon/losses/index.ts";
import type { SupConOptions } from "../../supcon/losses/index.ts";

type LossOptions = Pick<SupConOptions, "summation" | "denominator"> & { readonly temperature: number };

/**
 * G_ia = P_ia - X_ia of one anchor q for all rows k_a of a contrast set (`itself`: the anchor's place among them).
 * L_i depends on k_a through q k_a / tau alone, so dL_i/dk_a = G_ia q / tau, and for a q of length 1 G_ia = tau q dL_i/dk_a.
 */
async function ofAnchor(
  q: readonly number[],
  label: number,
  rows: readonly (readonly number[])[],
  labels: readonly number[],
  options: LossOptions,
  itself?: number,
): Promise<number[]> {
  const features = tensor(rows, undefined, { requiresGrad: true });
  const contrast = { features, labels, ...(itself !== undefined && { offset: itself }) };
  const loss = supConLoss(tensor([q]), [label], { ...options, contrast, normalize: false });
  const [gradient] = grad(loss, [features]);
  const values = Array.from(await gradient.data());
  return rows.map((row, a) =>
    row.reduce((sum, _, d) => sum + options.temperature * (q[d] ?? 0) * (values[a * row.length + d] ?? 0), 0),
  );
}

/** G_ia of an anchor whose positives and negatives are at these similarities. */
export async function pullsAt(
  similarities: { readonly positives: readonly number[]; readonly negatives: readonly number[] },
  options: LossOptions,
): Promise<{ positives: number[]; negatives: number[] }> {
  const { positives, negatives } = similarities;
  const all = [...positives, ...negatives];
  // On a circle: (1, 0) and (s, sqrt(1 - s^2)) are at similarity s.
  const rows = all.map((s) => [s, Math.sqrt(1 - s * s)]);
  const labels = all.map((_, a) => (a < positives.length ? 0 : 1));
  const pulls = await ofAnchor([1, 0], 0, rows, labels, options);
  return { positives: pulls.slice(0, positives.length), negatives: pulls.slice(positives.length) };
}

/** G of a batch of unit rows with labels, [M][M]; 0 on the diagonal. */
export async function pullMatrix(
  rows: readonly (readonly number[])[],
  labels: readonly number[],
  options: LossOptions,
): Promise<number[][]> {
  const matrix: number[][] = [];
  for (const [i, row] of rows.entries()) {
    matrix.push(await ofAnchor(row, labels[i] ?? 0, rows, labels, options, i));
  }
  return matrix;
}
