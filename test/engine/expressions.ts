/** Random scalar expressions, and an evaluator of them that knows nothing of {@link Expr}. */
import fc from "fast-check";
import { arity, constant, evaluate, input, rebuild, topological } from "../../engine/expr/expr.ts";
import type { Expr, ScalarOp } from "../../engine/expr/expr.ts";

/** A list of steps. Operands count back from the step: 0 is the step before, and so on to constants and inputs. */
export interface Program {
  readonly inputs: number;
  readonly constants: readonly number[];
  readonly steps: readonly { readonly op: ScalarOp; readonly args: readonly number[] }[];
}

/** The values of all steps, in any domain: expressions, numbers. */
function walk<T>(
  { inputs, constants, steps }: Program,
  leaf: (index: number) => T,
  literal: (value: number) => T,
  apply: (op: ScalarOp, args: T[]) => T,
): T[] {
  const nodes = [...Array.from({ length: inputs }, (_, i) => leaf(i)), ...constants.map(literal)];
  for (const { op, args } of steps) {
    const operands = args.slice(0, arity[op]).map((back) => nodes[nodes.length - 1 - (back % nodes.length)]!);
    nodes.push(apply(op, operands));
  }
  return nodes.slice(-steps.length);
}

/** The program as an expression, made with the simplifying constructors. */
export const build = (program: Program): Expr => walk(program, input, constant, rebuild).at(-1)!;

/** What each step of the program gives for these inputs, in f64. */
export const trace = (program: Program, inputs: readonly number[]): number[] =>
  walk(program, (i) => inputs[i]!, (value) => value, evaluate); // prettier-ignore

/** What the program gives for these inputs, in f64. */
export const interpret = (program: Program, inputs: readonly number[]): number =>
  trace(program, inputs).at(-1)!;

/** Whether the program raises a negative number to a power: by the exponent that has no derivative. */
export function raisesNegatives(program: Program, inputs: readonly number[]): boolean {
  let found = false;
  walk(program, (i) => inputs[i]!, (value) => value, (op, args) => {
    found ||= op === "pow" && args[0]! < 0;
    return evaluate(op, args);
  }); // prettier-ignore
  return found;
}

/** What an expression gives for these inputs; `round` follows every operation: `Math.fround` computes in f32. */
export function evaluateExpr(
  root: Expr,
  inputs: readonly number[],
  round: (value: number) => number = (value) => value,
): number {
  const values = new Map<Expr, number>();
  for (const node of topological([root])) {
    const value =
      node.kind === "input"
        ? inputs[node.index]!
        : node.kind === "constant"
          ? node.value
          : evaluate(
              node.op,
              node.args.map((arg) => values.get(arg)!),
            );
    values.set(node, round(value));
  }
  return values.get(root)!;
}

export interface ProgramOptions {
  readonly ops: readonly ScalarOp[];
  readonly maxSteps?: number;
  readonly constants?: readonly number[];
}

/** Programs of `ops` over `inputs` inputs. */
export const programs = (
  inputs: number,
  { ops, maxSteps = 16, constants = [0, -0, 1, -1, 0.5, 2, -3] }: ProgramOptions,
): fc.Arbitrary<Program> =>
  fc.record({
    inputs: fc.constant(inputs),
    constants: fc.array(fc.constantFrom(...constants), { minLength: 1, maxLength: 3 }),
    steps: fc.array(
      fc.record({
        op: fc.constantFrom(...ops),
        args: fc.array(fc.nat(10), { minLength: 3, maxLength: 3 }),
      }),
      { minLength: 1, maxLength: maxSteps },
    ),
  });

/** Ops with a derivative wherever they are defined. */
export const smoothOps: ScalarOp[] = [
  ...(["neg", "exp", "expm1", "log", "log1p", "sqrt", "sin", "cos", "tanh", "erf"] as const),
  ...(["add", "sub", "mul", "div", "pow"] as const),
];

export const allOps = Object.keys(arity) as ScalarOp[];
