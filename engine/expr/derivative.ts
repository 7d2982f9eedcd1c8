import * as e from "./expr.ts";
import { add, constant, div, less, mul, neg, sub, topological, where } from "./expr.ts";
import type { Expr, ScalarOp } from "./expr.ts";

/** Contribution to each argument's adjoint; null where the function is flat or the argument has no derivative. */
type Rule = (adjoint: Expr, args: readonly Expr[], self: Expr) => readonly (Expr | null)[];

const flat: Rule = (_adjoint, args) => args.map(() => null);

/** For y = f(a, b, ...) and adjoint y' = dL/dy: the terms dL/da, dL/db, ... */
const rules = {
  // d(-a) = -da
  neg: (dy) => [neg(dy)],
  // d(e^a) = e^a da
  exp: (dy, _args, y) => [mul(dy, y)],
  // d(e^a - 1) = e^a da
  expm1: (dy, [a = dy]) => [mul(dy, e.exp(a))],
  // d(ln a) = da / a
  log: (dy, [a = dy]) => [div(dy, a)],
  // d(ln(1 + a)) = da / (1 + a)
  log1p: (dy, [a = dy]) => [div(dy, add(1, a))],
  // d(sqrt a) = da / (2 sqrt a)
  sqrt: (dy, _args, y) => [div(mul(dy, 0.5), y)],
  // d(sin a) = cos a da
  sin: (dy, [a = dy]) => [mul(dy, e.cos(a))],
  // d(cos a) = -sin a da
  cos: (dy, [a = dy]) => [neg(mul(dy, e.sin(a)))],
  // d(tanh a) = (1 - tanh^2 a) da
  tanh: (dy, _args, y) => [mul(dy, sub(1, e.square(y)))],
  // d(erf a) = 2 / sqrt(pi) e^(-a^2) da
  erf: (dy, [a = dy]) => [mul(mul(dy, 2 / Math.sqrt(Math.PI)), e.exp(neg(e.square(a))))],
  floor: flat,
  round: flat,
  // d(a + b) = da + db
  add: (dy) => [dy, dy],
  // d(a - b) = da - db
  sub: (dy) => [dy, neg(dy)],
  // d(a b) = b da + a db
  mul: (dy, [a = dy, b = dy]) => [mul(dy, b), mul(dy, a)],
  // d(a / b) = da / b - (a / b) db / b
  div: (dy, [, b = dy], y) => [div(dy, b), neg(mul(div(dy, b), y))],
  // d max(a, b) goes to the larger; equal ones share it, as in PyTorch
  max: (dy, [a = dy, b = dy]) => {
    const half = mul(dy, 0.5);
    return [
      where(less(b, a), dy, where(less(a, b), 0, half)),
      where(less(a, b), dy, where(less(b, a), 0, half)),
    ];
  },
  // d(a^b) = b a^(b - 1) da + a^b ln a db; the first is 0 where b = 0, the second where a = 0 (in PyTorch if b >= 0)
  pow: (dy, [a = dy, b = dy], y) => [
    where(b, mul(dy, mul(b, e.pow(a, sub(b, 1)))), 0),
    where(a, mul(dy, mul(y, e.log(a))), 0),
  ],
  less: flat,
  lessEqual: flat,
  equal: flat,
  // d where(c, a, b) = where(c, da, db); the condition only selects
  where: (dy, [c = dy]) => [null, where(c, dy, 0), where(c, 0, dy)],
} satisfies Record<ScalarOp, Rule>;

/**
 * Reverse-mode symbolic derivative: for each input index asked for, `seed` times the partial derivative of `output`
 * with respect to that input, or null where there is none.
 *
 * One sweep visits each node once and adds a constant number of nodes for it. With sub-expressions shared, all
 * derivatives of a graph of n nodes together therefore have at most about 4 n nodes (where the rule is longer, a node
 * counts for more: a max for 9, a pow for 14), those of the graph that they use included; written out as trees they
 * could have 2^n.
 */
export function differentiate(output: Expr, seed: Expr, inputs: readonly number[]): (Expr | null)[] {
  const adjoints = new Map<Expr, Expr>([[output, seed]]);
  const order = topological([output]);
  for (const node of order.reverse()) {
    const adjoint = adjoints.get(node);
    if (!adjoint || node.kind !== "apply") continue;
    rules[node.op](adjoint, node.args, node).forEach((term, i) => {
      const arg = node.args[i];
      if (!term || !arg) return;
      const sofar = adjoints.get(arg);
      adjoints.set(arg, sofar ? add(sofar, term) : term);
    });
  }
  const byIndex = new Map(
    order.flatMap((node) => (node.kind === "input" ? [[node.index, node] as const] : [])),
  );
  return inputs.map((index) => {
    const node = byIndex.get(index);
    return (node && adjoints.get(node)) ?? null;
  });
}

/** The partial derivative itself: {@link differentiate} with seed 1. */
export const partial = (output: Expr, index: number): Expr =>
  differentiate(output, constant(1), [index])[0] ?? constant(0);
