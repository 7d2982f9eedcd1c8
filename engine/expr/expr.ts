/**
 * Scalar expressions: the one source of every elementwise and reduction kernel.
 *
 * An expression is a directed acyclic graph over inputs and constants. Nodes are hash-consed (building the same
 * node twice gives the same object), so common sub-expressions are shared for free, in kernels and in derivatives.
 * Constructors simplify with exact identities only: every value stays the same, NaN, infinities and -0 included.
 * That is why x + 0 stays (it turns -0 into 0), and x 0 (NaN for an infinite x).
 */
import { erf as erfOf } from "./erf.ts";

/** The scalar functions and how many arguments each takes. Comparisons give 1 or 0. */
export const arity = {
  neg: 1,
  exp: 1,
  expm1: 1,
  log: 1,
  log1p: 1,
  sqrt: 1,
  sin: 1,
  cos: 1,
  tanh: 1,
  erf: 1,
  floor: 1,
  round: 1,
  add: 2,
  sub: 2,
  mul: 2,
  div: 2,
  max: 2,
  pow: 2,
  less: 2,
  lessEqual: 2,
  equal: 2,
  where: 3,
} as const;

/** Name of a scalar function. */
export type ScalarOp = keyof typeof arity;

/** A scalar expression. Build it with the functions of this module. */
export type Expr =
  | { readonly kind: "input"; readonly id: number; readonly index: number }
  | { readonly kind: "constant"; readonly id: number; readonly value: number }
  | { readonly kind: "apply"; readonly id: number; readonly op: ScalarOp; readonly args: readonly Expr[] };

/** What the constructors take: an expression, or a number as a constant. */
export type ExprLike = Expr | number;

/**
 * Each scalar function in plain numbers: folds constants, and is the naive evaluator of tests.
 * @internal
 */
export const evaluators = {
  neg: (a) => -a,
  exp: Math.exp,
  expm1: Math.expm1,
  log: Math.log,
  log1p: Math.log1p,
  sqrt: Math.sqrt,
  sin: Math.sin,
  cos: Math.cos,
  tanh: Math.tanh,
  erf: erfOf,
  floor: Math.floor,
  // Math.round takes ties up: it is right but where a is an even integer and a half.
  round: (a) => (a - 2 * Math.floor(a / 2) === 0.5 ? a - 0.5 : Math.round(a)),
  add: (a, b) => a + b,
  sub: (a, b) => a - b,
  mul: (a, b) => a * b,
  div: (a, b) => a / b,
  max: (a, b) => Math.max(a, b),
  pow: (a, b) => Math.pow(a, b),
  less: (a, b) => (a < b ? 1 : 0),
  lessEqual: (a, b) => (a <= b ? 1 : 0),
  equal: (a, b) => (a === b ? 1 : 0),
  where: (condition, a, b) => (condition !== 0 ? a : b),
} satisfies Record<ScalarOp, (a: number, b: number, c: number) => number>;

/** Applies a scalar function to as many numbers as it takes. */
export function evaluate(op: ScalarOp, args: readonly number[]): number {
  const [a = NaN, b = NaN, c = NaN] = args;
  return evaluators[op](a, b, c);
}

const interned = new Map<string, Expr>();

function intern(key: string, make: (id: number) => Expr): Expr {
  let node = interned.get(key);
  if (!node) interned.set(key, (node = make(interned.size)));
  return node;
}

/** The `index`-th operand of the kernel. */
export const input = (index: number): Expr => intern(`x${index}`, (id) => ({ kind: "input", id, index }));

/** A number known when the kernel is built. */
export const constant = (value: number): Expr =>
  intern(`c${Object.is(value, -0) ? "-0" : value}`, (id) => ({ kind: "constant", id, value }));

/** A number as a constant, an expression as it is. */
export const toExpr = (e: ExprLike): Expr => (typeof e === "number" ? constant(e) : e);

const isConstant = (e: Expr, value: number): boolean => e.kind === "constant" && Object.is(e.value, value);

/** b where e is -b. */
const negated = (e: Expr): Expr | undefined => (e.kind === "apply" && e.op === "neg" ? e.args[0] : undefined);

function apply(op: ScalarOp, ...args: readonly Expr[]): Expr {
  const values = args.flatMap((arg) => (arg.kind === "constant" ? [arg.value] : []));
  if (values.length === args.length) {
    return constant(evaluate(op, values));
  }
  return intern(`${op}(${args.map((arg) => arg.id).join(",")})`, (id) => ({ kind: "apply", id, op, args }));
}

// The order of a commutative function's arguments carries no meaning: sorting them lets hash-consing see that.
const sorted = (a: ExprLike, b: ExprLike): [Expr, Expr] => {
  const [x, y] = [toExpr(a), toExpr(b)];
  return x.id <= y.id ? [x, y] : [y, x];
};

/** -a */
export function neg(a: ExprLike): Expr {
  const x = toExpr(a);
  return negated(x) ?? apply("neg", x);
}
/** e^a */
export const exp = (a: ExprLike): Expr => apply("exp", toExpr(a));
/** e^a - 1, accurate for small a too */
export const expm1 = (a: ExprLike): Expr => apply("expm1", toExpr(a));
/** natural logarithm of a */
export const log = (a: ExprLike): Expr => apply("log", toExpr(a));
/** ln(1 + a), accurate for small a too */
export const log1p = (a: ExprLike): Expr => apply("log1p", toExpr(a));
/** square root of a */
export const sqrt = (a: ExprLike): Expr => apply("sqrt", toExpr(a));
/** sine of a, in radians */
export const sin = (a: ExprLike): Expr => apply("sin", toExpr(a));
/** cosine of a, in radians */
export const cos = (a: ExprLike): Expr => apply("cos", toExpr(a));
/** hyperbolic tangent of a */
export const tanh = (a: ExprLike): Expr => apply("tanh", toExpr(a));
/** error function: 2 / sqrt(pi) times the integral of e^(-t^2) from 0 to a */
export const erf = (a: ExprLike): Expr => apply("erf", toExpr(a));
/** the largest integer that is not above a */
export const floor = (a: ExprLike): Expr => apply("floor", toExpr(a));
/** the nearest integer; of two equally near ones the even one */
export const round = (a: ExprLike): Expr => apply("round", toExpr(a));
/** a + b */
export function add(a: ExprLike, b: ExprLike): Expr {
  const [x, y] = sorted(a, b);
  const [minusX, minusY] = [negated(x), negated(y)];
  if (minusY) return sub(x, minusY);
  if (minusX) return sub(y, minusX);
  return apply("add", x, y);
}
/** a - b */
export function sub(a: ExprLike, b: ExprLike): Expr {
  const [x, y] = [toExpr(a), toExpr(b)];
  if (isConstant(y, 0)) return x;
  const minusY = negated(y);
  return minusY ? add(x, minusY) : apply("sub", x, y);
}
/** a b */
export function mul(a: ExprLike, b: ExprLike): Expr {
  const [x, y] = sorted(a, b);
  if (isConstant(x, 1)) return y;
  if (isConstant(y, 1)) return x;
  const [minusX, minusY] = [negated(x), negated(y)];
  if (minusX) return neg(mul(minusX, y));
  if (minusY) return neg(mul(x, minusY));
  return apply("mul", x, y);
}
/** a / b */
export function div(a: ExprLike, b: ExprLike): Expr {
  const [x, y] = [toExpr(a), toExpr(b)];
  if (isConstant(y, 1)) return x;
  const [minusX, minusY] = [negated(x), negated(y)];
  if (minusX) return neg(div(minusX, y));
  if (minusY) return neg(div(x, minusY));
  return apply("div", x, y);
}
/** the larger of a and b; NaN if either is */
export const max = (a: ExprLike, b: ExprLike): Expr => apply("max", ...sorted(a, b));
/** a to the power b; NaN for a negative a unless b is an integer; 1 for b = 0 */
export const pow = (a: ExprLike, b: ExprLike): Expr => apply("pow", toExpr(a), toExpr(b));
/** 1 where a < b, else 0 */
export const less = (a: ExprLike, b: ExprLike): Expr => apply("less", toExpr(a), toExpr(b));
/** 1 where a <= b, else 0 */
export const lessEqual = (a: ExprLike, b: ExprLike): Expr => apply("lessEqual", toExpr(a), toExpr(b));
/** 1 where a = b, else 0 */
export const equal = (a: ExprLike, b: ExprLike): Expr => apply("equal", ...sorted(a, b));
/** a where the condition is not 0, else b */
export function where(condition: ExprLike, a: ExprLike, b: ExprLike): Expr {
  const [c, x, y] = [toExpr(condition), toExpr(a), toExpr(b)];
  if (x === y) return x;
  if (c.kind === "constant") return c.value !== 0 ? x : y;
  return apply("where", c, x, y);
}

// What follows is composed of the above: values and derivatives are theirs.

/** a^2 */
export const square = (a: ExprLike): Expr => mul(a, a);
/** |a|; its derivative at 0 is 0, as in PyTorch */
export const abs = (a: ExprLike): Expr => max(a, neg(a));
/** the smaller of a and b; NaN if either is */
export const min = (a: ExprLike, b: ExprLike): Expr => neg(max(neg(a), neg(b)));
/** a where it is positive, else 0; NaN for NaN; its derivative at 0 is 0 */
export const relu = (a: ExprLike): Expr => where(lessEqual(a, 0), 0, a);
/** 1 where a > 0, -1 where a < 0, else 0 */
export const sign = (a: ExprLike): Expr => sub(less(0, a), less(a, 0));

// -|a| for smooth functions of |a|: unlike abs, it has at 0 the derivative of one side, and those of the two sides agree.
const minusAbs = (a: ExprLike): Expr => where(less(a, 0), a, neg(a));

/** 1 / (1 + e^-a), computed from e^-|a|, which cannot overflow */
export function sigmoid(a: ExprLike): Expr {
  const z = exp(minusAbs(a));
  return div(where(less(a, 0), z, 1), add(1, z));
}
/** ln(1 + e^a) = max(a, 0) + ln(1 + e^-|a|), which cannot overflow and is accurate where e^a is small */
export const softplus = (a: ExprLike): Expr => add(where(less(a, 0), 0, a), log1p(exp(minusAbs(a))));

/** Every node that `roots` need, each once, arguments before the nodes that use them. */
export function topological(roots: readonly Expr[]): Expr[] {
  const order = new Set<Expr>();
  const visit = (node: Expr): void => {
    if (order.has(node)) return;
    if (node.kind === "apply") node.args.forEach(visit);
    order.add(node);
  };
  roots.forEach(visit);
  return [...order];
}

/** Indices of the inputs that `roots` read, in increasing order. */
export const inputsOf = (roots: readonly Expr[]): number[] =>
  topological(roots)
    .flatMap((node) => (node.kind === "input" ? [node.index] : []))
    .sort((a, b) => a - b);

/** The same expression over other inputs: input i becomes `replace(i)`. */
export function substitute(root: Expr, replace: (index: number) => Expr): Expr {
  const images = new Map<Expr, Expr>();
  const imageOf = (node: Expr): Expr => images.get(node) ?? node;
  for (const node of topological([root])) {
    if (node.kind === "input") images.set(node, replace(node.index));
    if (node.kind === "apply") images.set(node, rebuild(node.op, node.args.map(imageOf)));
  }
  return imageOf(root);
}

// prettier-ignore
const constructors = {
  neg, exp, expm1, log, log1p, sqrt, sin, cos, tanh, erf, floor, round,
  add, sub, mul, div, max, pow, less, lessEqual, equal, where,
} satisfies Record<ScalarOp, (a: Expr, b: Expr, c: Expr) => Expr>;

/** Applies a scalar function through its simplifying constructor. */
export function rebuild(op: ScalarOp, args: readonly Expr[]): Expr {
  const [a, b = a, c = a] = args;
  if (!a || !b || !c) throw new RangeError(`rebuild: ${op} without arguments`);
  return constructors[op](a, b, c);
}
