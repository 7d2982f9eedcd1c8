import { nearZero, tail } from "./erf.ts";
import * as e from "./expr.ts";
import type { Expr, ScalarOp } from "./expr.ts";

const polynomial = (coefficients: readonly number[], x: Expr): Expr =>
  coefficients.map(e.constant).reduce((sum, c) => e.add(e.mul(sum, x), c));

/** Scalar functions that no backend has, as expressions of those that it has. */
const expansions = {
  // As in erf.ts, where the formula stands.
  erf: (x: Expr): Expr => {
    const m = e.min(e.abs(x), 6);
    const distance = e.div(e.sub(m, 3), e.add(m, 3));
    const large = e.sub(1, e.mul(e.exp(e.neg(e.square(m))), polynomial(tail, distance)));
    const signed = e.where(e.less(x, 0), e.neg(large), large);
    const small = e.add(x, e.mul(x, polynomial(nearZero, e.square(x))));
    return e.where(e.less(e.abs(x), 1), small, signed);
  },
} satisfies Partial<Record<ScalarOp, (x: Expr) => Expr>>;

/** A scalar function for which an emitter has a template: all but those that {@link expand} replaces. */
export type BasicOp = Exclude<ScalarOp, keyof typeof expansions>;

/** Whether emitters have a template for the function. */
export const isBasic = (op: ScalarOp): op is BasicOp => !(op in expansions);

/** The same expressions, of basic functions only. Emitters call this; derivatives come before. */
export function expand(roots: readonly Expr[]): Expr[] {
  const images = new Map<Expr, Expr>();
  const imageOf = (node: Expr): Expr => images.get(node) ?? node;
  for (const node of e.topological(roots)) {
    if (node.kind !== "apply") continue;
    const args = node.args.map(imageOf);
    const [x] = args;
    images.set(node, isBasic(node.op) || !x ? e.rebuild(node.op, args) : expansions[node.op](x));
  }
  return roots.map(imageOf);
}
