/**
 * Several sums over the same operands in one pass, where formulas would read the operands once for each sum. Forward,
 * derivatives (of any order) and the kernels of every backend come from the expressions.
 */
import { differentiate } from "./expr/derivative.ts";
import { add, input } from "./expr/expr.ts";
import type { Expr } from "./expr/expr.ts";
import type { ExpressionDefinition } from "./expr/kernel.ts";
import { GradientFormula } from "./formula.ts";
import { runExpression } from "./launch.ts";
import { defineMultiOp } from "./op.ts";
import type { Tensors } from "./op.ts";
import { mapRecord } from "./record.ts";
import { broadcastShapes } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/**
 * Defines sums of expressions over operands that broadcast:
 *
 * ```ts
 * const moments = jointSums("moments", 1, (x) => ({ total: x, squares: e.square(x) }));
 * const { total, squares } = moments([x], [0]);
 * ```
 * The function takes as many tensors as `arity` says, and the axes to sum over (sorted), which stay with length 1.
 * It throws ShapeError if the shapes do not broadcast.
 */
export function jointSums<Name extends string>(
  name: string,
  arity: number,
  build: (...inputs: Expr[]) => Readonly<Record<Name, Expr>>,
): (operands: readonly Tensor[], axes: readonly number[]) => Readonly<Record<Name, Tensor>> {
  const sums = build(...Array.from({ length: arity }, (_, i) => input(i)));
  const names = Object.keys(sums);
  const terms = Object.values<Expr>(sums);
  const definition: ExpressionDefinition = {
    name,
    accumulators: terms.map((of) => ({ monoid: "sum", of })),
    outputs: terms.map((_, k) => input(arity + k)),
  };

  // s_k = sum of e_k  =>  dx_i = sum over k and the axes that broadcasting stretched x_i along, of  ds_k * de_k/dx_i
  const derivatives = Array.from({ length: arity }, (_, i) => {
    const parts = terms.flatMap((term, k) => differentiate(term, input(arity + k), [i])[0] ?? []);
    if (parts.length === 0) return null;
    const expr = parts.reduce((a, b) => add(a, b));
    return new GradientFormula(`${name}.d${i}`, arity + terms.length, expr);
  });

  const op = defineMultiOp({
    name,
    infer: (inputs: Tensors, axes: readonly number[]) => {
      const shapes = mapRecord(inputs, ({ shape }) => shape);
      return { axes, shapes, shape: broadcastShapes(name, ...Object.values(shapes)) };
    },
    forward: (inputs, { shape, axes }) => {
      const results = runExpression(definition, Object.values(inputs), shape, axes);
      const outputs = mapRecord(sums, (_, key) => {
        const result = results[names.indexOf(key)];
        if (!result) throw new RangeError(`${name}: no ${key}`);
        return result;
      });
      return { outputs, saved: inputs };
    },
    backward: (saved, gradients, { shapes, shape }) => {
      const incoming = Object.values<Tensor | null>(gradients).map((gradient) => gradient ?? 0);
      const operands = [...Object.values(saved), ...incoming];
      return mapRecord(shapes, (own, key) => {
        const derivative = derivatives[Object.keys(shapes).indexOf(key)];
        return derivative ? () => derivative.apply(operands, shape, own) : null;
      });
    },
  });
  return (operands, axes) => op(Object.fromEntries(operands.map((operand, i) => [`x${i}`, operand])), axes);
}
