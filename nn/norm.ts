import { zeros } from "../engine/create.ts";
import * as e from "../engine/expr/expr.ts";
import { reduction } from "../engine/reduction.ts";
import { scope } from "../engine/scope.ts";
import type { Tensor } from "../engine/tensor.ts";
import { add, sqrt } from "../kernels/index.ts";

const sumOfSquares = reduction("sumOfSquares", "sum", (x) => e.square(x));

/** The Euclidean length of all tensors together, as one vector: a scalar. 0 for none. */
export const globalNorm = (tensors: readonly Tensor[]): Tensor =>
  scope(() => {
    const squares = tensors.map((tensor) => sumOfSquares(tensor));
    return squares.length > 0 ? sqrt(squares.reduce((a, b) => add(a, b))) : zeros([]);
  });
