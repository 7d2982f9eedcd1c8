import { expand, isBasic } from "./expand.ts";
import type { BasicOp } from "./expand.ts";
import { topological } from "./expr.ts";
import type { Expr } from "./expr.ts";

/** Comparisons give a boolean, or four. */
const comparisons = {
  less: (a, b) => `${a} < ${b}`,
  lessEqual: (a, b) => `${a} <= ${b}`,
  equal: (a, b) => `${a} == ${b}`,
} satisfies Partial<Record<BasicOp, Template>>;

type Template = (a: string, b: string, c: string) => string;

/**
 * Each scalar function in WGSL, on `T`: f32, or vec4f for four elements at once. `where` takes a boolean.
 *
 * WGSL allows an implementation to assume that there are no NaN and no infinities. In practice they pass through
 * arithmetic; but `max` may return the other operand where one is NaN, and comparisons with NaN may hold.
 */
const templates = {
  neg: (a) => `-${a}`,
  exp: (a) => `exp(${a})`,
  expm1: (a) => `expm1(${a})`,
  log: (a) => `log(${a})`,
  log1p: (a) => `log1p(${a})`,
  sqrt: (a) => `sqrt(${a})`,
  sin: (a) => `sin(${a})`,
  cos: (a) => `cos(${a})`,
  tanh: (a) => `stableTanh(${a})`,
  floor: (a) => `floor(${a})`,
  round: (a) => `round(${a})`,
  add: (a, b) => `${a} + ${b}`,
  sub: (a, b) => `${a} - ${b}`,
  mul: (a, b) => `${a} * ${b}`,
  div: (a, b) => `${a} / ${b}`,
  max: (a, b) => `max(${a}, ${b})`,
  pow: (a, b) => `power(${a}, ${b})`,
  where: (condition, a, b) => `select(${b}, ${a}, ${condition})`,
  ...comparisons,
} satisfies Record<BasicOp, Template>;

/** What WGSL does not have, or not for all arguments. Polynomials from the Cephes library (Moshier). */
const functions = {
  // |x| <= ln(2) / 2: x + x^2 / 2 + ... Beyond, the subtraction cancels no more than two bits.
  expm1: `fn expm1(x: T) -> T {
  let tail = ((((x * 1.9875691500e-4 + 1.3981999507e-3) * x + 8.3334519073e-3) * x + 4.1665795894e-2) * x + 1.6666665459e-1) * x + 5.0000001201e-1;
  return select(exp(x) - T(1), x * x * tail + x, abs(x) < T(0.34657359));
}`,
  // sqrt(1/2) <= 1 + x <= sqrt(2): x - x^2 / 2 + ... Beyond, 1 + x holds enough of x.
  log1p: `fn log1p(x: T) -> T {
  let tail = (((((((x * 7.0376836292e-2 - 1.1514610310e-1) * x + 1.1676998740e-1) * x - 1.2420140846e-1) * x + 1.4249322787e-1) * x - 1.6668057665e-1) * x + 2.0000714765e-1) * x - 2.4999993993e-1) * x + 3.3333331174e-1;
  return select(log(x + T(1)), x * x * x * tail - 0.5 * x * x + x, abs(x) < T(0.29));
}`,
  // Near 0 the quotient would cancel; beyond 10 tanh rounds to 1, and some devices' tanh overflows.
  tanh: `fn stableTanh(x: T) -> T {
  let s = x * x;
  let tail = (((s * -5.70498872745e-3 + 2.06390887954e-2) * s - 5.37397155531e-2) * s + 1.33314422036e-1) * s - 3.33332819422e-1;
  let large = T(1) - T(2) / (exp(2.0 * min(abs(x), T(10))) + T(1));
  return select(sign(x) * large, s * x * tail + x, abs(x) < T(0.625));
}`,
  // WGSL's pow takes no negative base. The error grows with |y log2 x|: about 1e-7 times that.
  pow: `fn power(x: T, y: T) -> T {
  let size = exp2(y * log2(abs(x)));
  let whole = floor(y) == y;
  let odd = abs(y - 2.0 * floor(0.5 * y)) == T(1);
  let negative = select(T(fromBits(0x7fc00000u)), select(size, -size, odd), whole);
  return select(select(size, negative, x < T(0)), T(1), y == T(0));
}`,
} satisfies Partial<Record<BasicOp, string>>;

/** NaN and infinities are no constants of WGSL: an expression that the compiler finds to be one is an error. */
const fromBits = `fn fromBits(bits: u32) -> f32 {
  var word = bits;
  return bitcast<f32>(word);
}`;

/** A number as text of type T. */
export function literal(value: number): string {
  const rounded = Math.fround(value);
  if (Number.isNaN(rounded)) return "T(fromBits(0x7fc00000u))";
  if (rounded === Infinity) return "T(fromBits(0x7f800000u))";
  if (rounded === -Infinity) return "T(fromBits(0xff800000u))";
  // Large integers without a point would be integer literals.
  return `T(${Object.is(rounded, -0) ? "-0.0" : Number.isInteger(rounded) && !`${rounded}`.includes("e") ? `${rounded}.0` : rounded})`;
}

/** The functions that a text of statements calls, and T itself. */
export function prelude(text: string, type: "f32" | "vec4f"): string {
  const called = Object.values(functions).filter((each) =>
    text.includes(`${/fn (\w+)/.exec(each)?.[1] ?? ""}(`),
  );
  const all = [text, ...called].some((each) => each.includes("fromBits(")) ? [fromBits, ...called] : called;
  return [`alias T = ${type};`, ...all].join("\n");
}

/**
 * WGSL statements that compute `roots`, and the text of each root, on values of type T. `inputs(i)` is the text of
 * input i. Every shared node becomes one `let`; names start with `prefix`.
 */
export function emitWgsl(
  roots: readonly Expr[],
  inputs: (index: number) => string,
  prefix = "t",
): { statements: string[]; results: string[] } {
  const statements: string[] = [];
  const values = new Map<Expr, string>();
  const conditions = new Map<Expr, string>();
  const valueOf = (node: Expr): string => values.get(node) ?? "";
  const basic = expand(roots);
  for (const node of topological(basic)) {
    switch (node.kind) {
      case "input":
        values.set(node, inputs(node.index));
        break;
      case "constant":
        values.set(node, literal(node.value));
        break;
      case "apply": {
        if (!isBasic(node.op)) throw new RangeError(`emitWgsl: ${node.op} was not expanded`);
        const name = `${prefix}${statements.length}`;
        const [first, ...rest] = node.args;
        const condition = first && (conditions.get(first) ?? `(${valueOf(first)} != T(0))`);
        const args =
          node.op === "where" && condition ? [condition, ...rest.map(valueOf)] : node.args.map(valueOf);
        const [a = "", b = "", c = ""] = args;
        statements.push(`let ${name} = ${templates[node.op](a, b, c)};`);
        if (node.op in comparisons) conditions.set(node, name);
        values.set(node, node.op in comparisons ? `select(T(0), T(1), ${name})` : name);
        break;
      }
      default:
        node satisfies never;
    }
  }
  return { statements, results: basic.map(valueOf) };
}
