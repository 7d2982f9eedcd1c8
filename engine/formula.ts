/**
 * Formulas: ops that are one scalar expression over broadcast operands, optionally folded over some axes. Forward,
 * derivative (of any order) and the kernels of every backend come from the expression alone.
 *
 * For y = fold over axes of f(x0, x1, ...), with f applied elementwise over the broadcast shape:
 *
 *   no fold, or sum:  dL/dxi = sum over the axes that broadcasting stretched xi along, of  dL/dy * df/dxi
 *   max:              the same with  dL/dy [f = y] / ties:  equal maxima share the gradient; for a NaN it is 0 / 0
 *
 * so the derivative of a formula is again a formula, whose operands are those of f that still occur, y and dL/dy.
 */
import { differentiate } from "./expr/derivative.ts";
import * as e from "./expr/expr.ts";
import type { Expr } from "./expr/expr.ts";
import type { ExpressionDefinition, Monoid } from "./expr/kernel.ts";
import { runOneExpression } from "./launch.ts";
import { defineOp } from "./op.ts";
import { broadcastAxes, broadcastShapes, sameShape } from "./shape.ts";
import type { Shape } from "./shape.ts";
import { withRecording } from "./tape.ts";
import { Tensor } from "./tensor.ts";
import { reshape } from "./view.ts";

/** What stands at an operand's place: a tensor, or a number, which has no gradient. */
export type Operand = Tensor | number;

/** Over which shape a formula is evaluated, and which of its axes are folded. */
export interface FormulaOptions {
  /** Default: what the operands broadcast to. */
  readonly shape?: Shape;
  /** Folded axes; they stay as axes of length 1. Default none. */
  readonly axes?: readonly number[];
}

/** Tensor operands by name: `x0`, `x1`, ... */
type Inputs = Readonly<Record<string, Tensor>>;

interface Call {
  /** The number at each operand's place, undefined where a tensor stands. */
  readonly numbers: readonly (number | undefined)[];
  readonly shapes: readonly Shape[];
  readonly shape: Shape;
  readonly axes: readonly number[];
}

/** A derivative over `uses`: indices of operands, then y (index n), dL/dy (n + 1) and the number of ties (n + 2). */
interface Derivative {
  readonly uses: readonly number[];
  readonly gradient: GradientFormula;
}

/** The gradient of an operand that broadcasting may have stretched: an expression, summed over the stretched axes. */
export class GradientFormula {
  /** Where the operand was not stretched. */
  readonly plain: Formula;
  readonly #summed: Formula;

  constructor(name: string, operands: number, expr: Expr) {
    this.plain = new Formula(name, operands, expr);
    this.#summed = new Formula(name, operands, expr, "sum");
  }

  /** The gradient, of shape `own`, of an operand that was stretched to `shape`. */
  apply(operands: readonly Operand[], shape: Shape, own: Shape): Tensor {
    const axes = broadcastAxes(own, shape);
    const result = (axes.length > 0 ? this.#summed : this.plain).apply(operands, { shape, axes });
    return sameShape(result.shape, own) ? result : reshape(result, own);
  }
}

/** A scalar expression over operands (inputs 0 ... operands-1), with its fold, and its derivatives when asked for. */
export class Formula {
  readonly name: string;
  readonly operands: number;
  readonly expr: Expr;
  readonly fold: Monoid | "none";
  readonly #kernel: ExpressionDefinition;
  readonly #derivatives: (Derivative | null | undefined)[] = [];
  #op: ((inputs: Inputs, call: Call) => Tensor) | undefined;
  #tieCount: Formula | undefined;

  constructor(name: string, operands: number, expr: Expr, fold: Monoid | "none" = "none") {
    this.name = name;
    this.operands = operands;
    this.expr = expr;
    this.fold = fold;
    this.#kernel = {
      name,
      accumulators: fold === "none" ? [] : [{ monoid: fold, of: expr }],
      outputs: [fold === "none" ? expr : e.input(operands)],
    };
  }

  /** Evaluates the formula on operands that broadcast; throws ShapeError if they do not. */
  apply(operands: readonly Operand[], { shape, axes = [] }: FormulaOptions = {}): Tensor {
    const shapes = operands.map((operand) => (typeof operand === "number" ? [] : operand.shape));
    const inputs = operands.flatMap((operand, i) =>
      typeof operand === "number" ? [] : [[`x${i}`, operand] as const],
    );
    this.#op ??= this.#makeOp();
    return this.#op(Object.fromEntries(inputs), {
      numbers: operands.map((operand) => (typeof operand === "number" ? operand : undefined)),
      shapes,
      shape: broadcastShapes(this.name, ...shapes, ...(shape ? [shape] : [])),
      axes,
    });
  }

  /** The derivative with respect to operand i times dL/dy, or null where there is none. */
  derivative(i: number): Derivative | null {
    const known = this.#derivatives[i];
    return known === undefined ? (this.#derivatives[i] = this.#derive(i)) : known;
  }

  #derive(i: number): Derivative | null {
    const [y, dy, ties] = [e.input(this.operands), e.input(this.operands + 1), e.input(this.operands + 2)];
    const [term] = differentiate(this.expr, dy, [i]);
    if (!term) return null;
    const full = this.fold === "max" ? e.div(e.where(e.equal(this.expr, y), term, 0), ties) : term;
    const { uses, expr } = compact(full);
    return { uses, gradient: new GradientFormula(`${this.name}.d${i}`, uses.length, expr) };
  }

  #makeOp(): (inputs: Inputs, call: Call) => Tensor {
    const derivatives = Array.from({ length: this.operands }, (_, i) => this.derivative(i));
    return defineOp({
      name: this.name,
      infer: (_inputs: Inputs, call: Call) => call,
      forward: (inputs, call) => {
        const output = this.#launch(inputs, call);
        return { output, saved: this.#whatBackwardNeeds(inputs, output) };
      },
      ...(derivatives.some((derivative) => derivative !== null) && {
        backward: (saved: Inputs, dy: Tensor, call: Call) =>
          Object.fromEntries(
            derivatives.map((derivative, i) => [
              `x${i}`,
              derivative && call.numbers[i] === undefined
                ? () => this.#pull(i, derivative, saved, dy, call)
                : null,
            ]),
          ),
      }),
    });
  }

  #launch(inputs: Inputs, { numbers, shape, axes }: Call): Tensor {
    const operands = numbers.map((number, i) => number ?? inputs[`x${i}`] ?? 0);
    return runOneExpression(this.#kernel, operands, shape, axes);
  }

  /** The operands that occur in the derivative of an operand that has a gradient; for max also y. */
  #whatBackwardNeeds(inputs: Inputs, y: Tensor): Inputs {
    const wanted = Object.keys(inputs).filter((name) => inputs[name]?.requiresGrad);
    const used = new Set(wanted.flatMap((name) => this.derivative(Number(name.slice(1)))?.uses ?? []));
    const saved = Object.entries(inputs).filter(([name]) => used.has(Number(name.slice(1))));
    return Object.fromEntries(this.fold === "max" ? [...saved, [`x${this.operands}`, y]] : saved);
  }

  #pull(i: number, derivative: Derivative, saved: Inputs, dy: Tensor, call: Call): Tensor {
    const operand = (index: number): Operand => {
      if (index === this.operands + 1) return dy;
      if (index === this.operands + 2) return this.#countTies(operand, call);
      const value = call.numbers[index] ?? saved[`x${index}`];
      if (value === undefined) throw new RangeError(`${this.name}: operand ${index} was not saved`);
      return value;
    };
    const { shape } = call;
    const operands = derivative.uses.map(operand);
    const own = call.shapes[i] ?? [];
    // Where the derivative is an operand as it is (d(a + b) = dy), there is nothing to compute.
    const [only] = operands;
    const isOperand =
      derivative.gradient.plain.expr.kind === "input" && broadcastAxes(own, shape).length === 0;
    if (isOperand && only instanceof Tensor && sameShape(only.shape, own)) return only;
    return derivative.gradient.apply(operands, shape, own);
  }

  /** How many elements are equal to y. That changes by jumps alone: it is a constant to second derivatives. */
  #countTies(operand: (index: number) => Operand, call: Call): Tensor {
    const { uses, expr } = compact(e.equal(this.expr, e.input(this.operands)));
    const tieCount = (this.#tieCount ??= new Formula(`${this.name}.ties`, uses.length, expr, "sum"));
    return withRecording(false, () => tieCount.apply(uses.map(operand), call));
  }
}

/** An expression over only the inputs that it reads, with their indices before they were renumbered 0, 1, ... */
function compact(root: Expr): { uses: number[]; expr: Expr } {
  const uses = e.inputsOf([root]);
  const position = new Map(uses.map((index, at) => [index, e.input(at)]));
  return { uses, expr: e.substitute(root, (index) => position.get(index) ?? e.input(index)) };
}
