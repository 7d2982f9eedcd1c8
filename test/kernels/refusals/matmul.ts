import { ShapeError, ValueError } from "../../../engine/errors.ts";
import type { ops } from "../../../kernels/index.ts";
import * as k from "../../../kernels/index.ts";
import { f23, f2, f3, x } from "./entry.ts";
import type { Entry } from "./entry.ts";

export const matmul: Record<keyof (typeof ops)["matmul"], Entry> = {
  matmul: {
    inputs: [f23, [3, 2]],
    call: (a, b) => k.matmul(a, b),
    refuses: [
      [
        ShapeError,
        "shapes [..., m, k] and [..., k, n], or vectors [k], got [2, 3] and [2, 3]",
        () => k.matmul(x(), x()),
      ],
      [ShapeError, "shapes", () => k.matmul(x([]), x())],
      [ShapeError, "shapes that broadcast", () => k.matmul(x([2, 2, 3]), x([3, 3, 2]))],
    ],
  },
  einsum: {
    inputs: [f23, f3],
    call: (a, b) => k.einsum("ij,j->i", a, b),
    refuses: [
      [ValueError, 'an equation such as "ij,jk->ik"', () => k.einsum("i..", x())],
      [ValueError, "each letter at most once in an operand", () => k.einsum("ii", x())],
      [ValueError, "only letters of operands in the result", () => k.einsum("ij->ik", x())],
      [ValueError, '2 operands for "ij,j", got 1', () => k.einsum("ij,j", x())],
      [ShapeError, 'an operand of 1 axes for "i", got shape [2, 3]', () => k.einsum("i", x())],
      [ShapeError, "one length for axis i, got 2 and 3", () => k.einsum("i,i", x(f2), x(f3))],
    ],
  },
};
