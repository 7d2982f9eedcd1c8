import * as e from "../../engine/expr/expr.ts";
import { reduction } from "../../engine/reduction.ts";
import type { Reduction } from "../../engine/reduction.ts";
import { scope } from "../../engine/scope.ts";
import { root } from "./root.ts";

const sumOfSquares = reduction("norm", "sum", (x) => e.square(x));

/** The Euclidean norm over axes: the root of the sum of squares. The derivative where it is 0 is 0. */
export const norm: Reduction = (x, axes, options) => scope(() => root(sumOfSquares(x, axes, options)));
