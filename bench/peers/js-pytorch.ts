/** js-pytorch on nested arrays: matrix products and elementwise ops, no convolutions. */
import { torch } from "js-pytorch";
import * as inputs from "../problems/inputs.ts";
import type { Matmul, Problem, SupCon } from "../problems/problem.ts";
import { Unable } from "./library.ts";
import type { Job, Library } from "./library.ts";

export const open = (): Library => ({
  describe: () => "js-pytorch 0.7.2, plain JavaScript on nested arrays",
  job: jobOf,
});

function jobOf(problem: Problem): Job {
  switch (problem.kind) {
    case "matmul":
      return matmul(problem);
    case "supCon":
      return supCon(problem);
    case "conv2d":
    case "training":
      throw new Unable("no convolutions");
    case "batchNorm":
      throw new Unable("no batch-norm");
    case "memory":
    case "crossEntropy":
    case "optimizer":
    case "augmentation":
    case "data":
    case "ceiling":
      throw new Unable("left out: nested arrays tell nothing of memory");
  }
}

const nested = (values: Float32Array, rows: number, columns: number): number[][] =>
  Array.from({ length: rows }, (_, row) => [...values.subarray(row * columns, (row + 1) * columns)]);

function flat(data: unknown): Float32Array {
  if (!Array.isArray(data)) return Float32Array.of(Number(data));
  return Float32Array.from((data as readonly unknown[]).flat(9).map(Number));
}

function matmul({ m, n, k, batch }: Matmul): Job {
  if (batch !== undefined) throw new Unable("left out: a pair alone shows how slow it is");
  const a = torch.tensor(nested(inputs.uniform([m, k], 0), m, k));
  const b = torch.tensor(nested(inputs.uniform([k, n], 1), k, n));
  return {
    run: () => { torch.matmul(a, b); }, // prettier-ignore
    outputs: () => Promise.resolve([flat(torch.matmul(a, b).data)]),
    dispose: () => undefined,
  };
}

function supCon({ m, d }: SupCon): Job {
  const z = torch.tensor(nested(inputs.unitRows(m, d), m, d), true);
  const masks = inputs.pairMasks(m, inputs.labels(m, 10));
  const others = torch.tensor(
    nested(
      masks.itself.map((value) => (value > 0 ? 0 : 1)),
      m,
      m,
    ),
  );
  const positives = torch.tensor(nested(masks.positives, m, m));
  // Its `sum` along an axis gives back as many columns as there were: products with ones add up.
  const column = torch.tensor(Array.from({ length: m }, () => [1]));
  const mean = torch.tensor([Array.from({ length: m }, () => 1 / m)]);
  const gradient = (): unknown => {
    z.zero_grad();
    const logits = torch.mul(torch.matmul(z, torch.transpose(z, 0, 1)), 10);
    // Similarities of at most 1 over 0.1: e^10 needs no maximum to be taken off.
    const all = torch.log(torch.matmul(torch.mul(torch.exp(logits), others), column));
    const own = torch.matmul(torch.mul(logits, positives), column);
    torch.matmul(mean, torch.add(all, torch.mul(own, -1))).backward();
    return z.grad;
  };
  return {
    run: () => { gradient(); }, // prettier-ignore
    outputs: () => Promise.resolve([flat(gradient())]),
    dispose: () => undefined,
  };
}
