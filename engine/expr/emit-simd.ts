import { f32x4, v128 } from "../backends/cpu/assembler.ts";
import type { FunctionBuilder, Value } from "../backends/cpu/assembler.ts";
import { expLanes, expm1Lanes, log1pLanes, logLanes, tanhLanes } from "../backends/cpu/expression/math.ts";
import { cosLanes, powLanes, sinLanes } from "../backends/cpu/expression/math-double.ts";
import { expand, isBasic } from "./expand.ts";
import type { BasicOp } from "./expand.ts";
import { topological } from "./expr.ts";
import type { Expr } from "./expr.ts";

type Lanes = Value<"v128">;
type Template = (f: FunctionBuilder, a: Lanes, b: Lanes, c: Lanes) => Lanes;

/** Comparisons give a mask: all bits of a lane, or none. */
const comparisons = {
  less: (_, a, b) => f32x4.lt(a, b),
  lessEqual: (_, a, b) => f32x4.le(a, b),
  equal: (_, a, b) => f32x4.eq(a, b),
} satisfies Partial<Record<BasicOp, Template>>;

/** Each scalar function on four lanes. `where` takes a mask as its condition. */
const templates = {
  neg: (_, a) => f32x4.neg(a),
  exp: expLanes,
  expm1: expm1Lanes,
  log: logLanes,
  log1p: log1pLanes,
  sqrt: (_, a) => f32x4.sqrt(a),
  sin: sinLanes,
  cos: cosLanes,
  tanh: tanhLanes,
  floor: (_, a) => f32x4.floor(a),
  round: (_, a) => f32x4.nearest(a),
  add: (_, a, b) => f32x4.add(a, b),
  sub: (_, a, b) => f32x4.sub(a, b),
  mul: (_, a, b) => f32x4.mul(a, b),
  div: (_, a, b) => f32x4.div(a, b),
  max: (_, a, b) => f32x4.max(a, b),
  pow: powLanes,
  where: (_, mask, a, b) => v128.bitselect(a, b, mask),
  ...comparisons,
} satisfies Record<BasicOp, Template>;

/** Statements that compute `roots` on four lanes; each node becomes one local. */
export function emitSimd(
  f: FunctionBuilder,
  roots: readonly Expr[],
  inputs: (index: number) => Lanes,
): Lanes[] {
  const values = new Map<Expr, Lanes>();
  const masks = new Map<Expr, Lanes>();
  const valueOf = (node: Expr): Lanes => values.get(node) ?? f32x4.const(NaN);
  const basic = expand(roots);
  for (const node of topological(basic)) {
    switch (node.kind) {
      case "input":
        values.set(node, inputs(node.index));
        break;
      case "constant":
        values.set(node, f32x4.const(node.value));
        break;
      case "apply": {
        if (!isBasic(node.op)) throw new RangeError(`emitSimd: ${node.op} was not expanded`);
        const [first, ...rest] = node.args;
        const condition = first && (masks.get(first) ?? f32x4.ne(valueOf(first), f32x4.const(0)));
        const args =
          node.op === "where" && condition ? [condition, ...rest.map(valueOf)] : node.args.map(valueOf);
        const [a = f32x4.const(NaN), b = a, c = a] = args;
        const result = f.let(templates[node.op](f, a, b, c));
        if (node.op in comparisons) masks.set(node, result);
        values.set(node, node.op in comparisons ? v128.and(result, f32x4.const(1)) : result);
        break;
      }
      default:
        node satisfies never;
    }
  }
  return basic.map(valueOf);
}
