import { expand, isBasic } from "./expand.ts";
import type { BasicOp } from "./expand.ts";
import { topological } from "./expr.ts";
import type { Expr } from "./expr.ts";

/** Each scalar function in JavaScript, within the subset that gpu.js compiles. */
const templates = {
  neg: (a) => `(-${a})`,
  exp: (a) => `Math.exp(${a})`,
  expm1: (a) => `Math.expm1(${a})`,
  log: (a) => `Math.log(${a})`,
  log1p: (a) => `Math.log1p(${a})`,
  sqrt: (a) => `Math.sqrt(${a})`,
  sin: (a) => `Math.sin(${a})`,
  cos: (a) => `Math.cos(${a})`,
  tanh: (a) => `Math.tanh(${a})`,
  floor: (a) => `Math.floor(${a})`,
  // Math.round takes ties up: it is right but where a is an even integer and a half.
  round: (a) => `(${a} - 2 * Math.floor(${a} / 2) === 0.5 ? ${a} - 0.5 : Math.round(${a}))`,
  add: (a, b) => `(${a} + ${b})`,
  sub: (a, b) => `(${a} - ${b})`,
  mul: (a, b) => `(${a} * ${b})`,
  div: (a, b) => `(${a} / ${b})`,
  max: (a, b) => `Math.max(${a}, ${b})`,
  pow: (a, b) => `Math.pow(${a}, ${b})`,
  less: (a, b) => `(${a} < ${b} ? 1 : 0)`,
  lessEqual: (a, b) => `(${a} <= ${b} ? 1 : 0)`,
  equal: (a, b) => `(${a} === ${b} ? 1 : 0)`,
  where: (c, a, b) => `(${c} !== 0 ? ${a} : ${b})`,
} satisfies Record<BasicOp, (a: string, b: string, c: string) => string>;

// Parentheses: a negative constant after an operator must not read as `--`.
const literal = (value: number): string =>
  Number.isFinite(value)
    ? `(${Object.is(value, -0) ? "-0" : value})`
    : Number.isNaN(value)
      ? "(0 / 0)"
      : `(${value > 0 ? 1 : -1} / 0)`;

/**
 * JavaScript statements that compute `roots`, and the text of each root. `inputs[i]` is the text of input i.
 * Every shared node becomes one `const`; names start with `prefix`.
 */
export function emitJs(
  roots: readonly Expr[],
  inputs: (index: number) => string,
  prefix = "t",
): { statements: string[]; results: string[] } {
  const statements: string[] = [];
  const text = new Map<Expr, string>();
  const textOf = (node: Expr): string => text.get(node) ?? "";
  const basic = expand(roots);
  for (const node of topological(basic)) {
    switch (node.kind) {
      case "input":
        text.set(node, inputs(node.index));
        break;
      case "constant":
        text.set(node, literal(node.value));
        break;
      case "apply": {
        if (!isBasic(node.op)) throw new RangeError(`emitJs: ${node.op} was not expanded`);
        const name = `${prefix}${statements.length}`;
        const [a = "", b = "", c = ""] = node.args.map(textOf);
        statements.push(`const ${name} = ${templates[node.op](a, b, c)};`);
        text.set(node, name);
        break;
      }
      default:
        node satisfies never;
    }
  }
  return { statements, results: basic.map(textOf) };
}
