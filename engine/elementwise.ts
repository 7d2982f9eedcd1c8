import { ValueError } from "./errors.ts";
import { input, toExpr } from "./expr/expr.ts";
import type { Expr, ExprLike } from "./expr/expr.ts";
import { Formula } from "./formula.ts";
import type { Operand } from "./formula.ts";
import { Tensor } from "./tensor.ts";

/**
 * Defines an elementwise op from a scalar expression: forward, derivative and every backend's kernel come from it.
 *
 * ```ts
 * const silu = elementwise("silu", (x) => e.div(x, e.add(1, e.exp(e.neg(x)))));
 * ```
 * The op takes tensors whose shapes broadcast, or numbers (which have no gradient), at least one a tensor. It throws
 * ShapeError if the shapes do not broadcast.
 */
export function elementwise<Inputs extends Expr[]>(
  name: string,
  build: (...inputs: Inputs) => ExprLike,
): (...operands: { [K in keyof Inputs]: Operand }) => Tensor {
  const arity = build.length;
  // The tuple has the length of the parameter list from which it was inferred.
  const inputs = Array.from({ length: arity }, (_, i) => input(i)) as Inputs;
  const formula = new Formula(name, arity, toExpr(build(...inputs)));
  return (...operands) => {
    if (operands.length !== arity || !operands.some((operand) => operand instanceof Tensor)) {
      throw new ValueError(
        `${name}: expected ${arity} operands, at least one a tensor, got ${describe(operands)}`,
      );
    }
    return formula.apply(operands);
  };
}

const describe = (operands: readonly unknown[]): string =>
  operands.length === 0
    ? "none"
    : operands.map((operand) => (operand instanceof Tensor ? "tensor" : String(operand))).join(", ");
