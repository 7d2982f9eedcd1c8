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
import { perform } from "./call.ts";
import type { OpCall } from "./call.ts";
import { differentiate } from "./expr/derivative.ts";
import * as e from "./expr/expr.ts";
import type { Expr } from "./expr/expr.ts";
import type { ExpressionDefinition, Monoid } from "./expr/kernel.ts";
import { range } from "./expr/space.ts";
import { launchOf, runLaunch } from "./launch.ts";
import type { Launch, LaunchOptions } from "./launch.ts";
import { commonBackend } from "./op.ts";
import { broadcastAxes, sameShape } from "./shape.ts";
import type { Shape } from "./shape.ts";
import { withRecording } from "./tape.ts";
import { Tensor } from "./tensor.ts";
import { reshape } from "./view.ts";

/** What stands at an operand's place: a tensor, or a number, which has no gradient. */
export type Operand = Tensor | number;

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
    if (!sameShape(own, shape)) {
      const result = this.#summed.apply(operands, { shape, axes: broadcastAxes(own, shape) });
      return sameShape(result.shape, own) ? result : reshape(result, own);
    }
    const [only] = operands;
    // Where the derivative is an operand as it is (d(a + b) = dy), there is nothing to compute.
    const isThere = this.plain.expr.kind === "input" && only instanceof Tensor && sameShape(only.shape, own);
    return isThere ? only : this.plain.apply(operands, { shape });
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
  apply(operands: readonly Operand[], options?: LaunchOptions): Tensor {
    const tensors = operands.filter((operand) => operand instanceof Tensor);
    commonBackend(this.name, tensors);
    const call = new FormulaCall(this, operands, tensors, launchOf(this.#kernel, operands, options));
    const [output] = perform(call);
    if (!output) throw new RangeError(`${this.name}: no output`);
    return output;
  }

  /** Whether there is a derivative with respect to some operand. */
  get differentiable(): boolean {
    return range(this.operands).some((i) => this.derivative(i) !== null);
  }

  /** The derivative with respect to operand i times dL/dy, or null where there is none. */
  derivative(i: number): Derivative | null {
    const known = this.#derivatives[i];
    return known === undefined ? (this.#derivatives[i] = this.#derive(i)) : known;
  }

  /** How many elements of each fold are equal to y. That changes by jumps alone: it is a constant to second derivatives. */
  countTies(operand: (index: number) => Operand, launch: LaunchOptions): Tensor {
    const { uses, expr } = compact(e.equal(this.expr, e.input(this.operands)));
    const tieCount = (this.#tieCount ??= new Formula(`${this.name}.ties`, uses.length, expr, "sum"));
    return withRecording(false, () => tieCount.apply(uses.map(operand), launch));
  }

  #derive(i: number): Derivative | null {
    const [y, dy, ties] = [e.input(this.operands), e.input(this.operands + 1), e.input(this.operands + 2)];
    const [term] = differentiate(this.expr, dy, [i]);
    if (!term) return null;
    const full = this.fold === "max" ? e.div(e.where(e.equal(this.expr, y), term, 0), ties) : term;
    const { uses, expr } = compact(full);
    return { uses, gradient: new GradientFormula(`${this.name}.d${i}`, uses.length, expr) };
  }
}

/** A formula applied to operands. */
class FormulaCall implements OpCall {
  readonly inputs: readonly Tensor[];
  readonly #formula: Formula;
  readonly #operands: readonly Operand[];
  readonly #launch: Launch;
  /** What backward needs, by index: operands, and for max also y, which comes after them. */
  #saved: readonly number[] = [];

  constructor(formula: Formula, operands: readonly Operand[], inputs: readonly Tensor[], launch: Launch) {
    this.#formula = formula;
    this.#operands = operands;
    this.#launch = launch;
    this.inputs = inputs;
  }

  get name(): string {
    return this.#formula.name;
  }

  get differentiable(): boolean {
    return this.#formula.differentiable;
  }

  inputName(index: number): string {
    return `x${this.#launch.tensors[index] ?? 0}`;
  }

  compute(): Tensor[] {
    return runLaunch(this.#launch, this.#operands);
  }

  saves([y]: readonly Tensor[]): Tensor[] {
    const saved = new Map<number, Tensor>();
    for (const i of this.#launch.tensors) {
      const operand = this.#operands[i];
      if (!(operand instanceof Tensor && operand.requiresGrad)) continue;
      for (const index of this.#formula.derivative(i)?.uses ?? []) {
        const value = index === this.#formula.operands ? y : this.#operands[index];
        if (value instanceof Tensor) saved.set(index, value);
      }
    }
    this.#saved = [...saved.keys()];
    return [...saved.values()];
  }

  pull(
    saved: readonly Tensor[],
    [dy]: readonly (Tensor | null)[],
    wanted: readonly boolean[],
  ): (Tensor | null)[] {
    if (!dy) throw new RangeError(`${this.name}: backward without a gradient`);
    return this.#launch.tensors.map((i, k) => (wanted[k] ? this.#gradient(i, saved, dy) : null));
  }

  #gradient(i: number, saved: readonly Tensor[], dy: Tensor): Tensor | null {
    const derivative = this.#formula.derivative(i);
    if (!derivative) return null;
    const { shape, shapes } = this.#launch;
    const operands = derivative.uses.map((index) => this.#operand(index, saved, dy));
    return derivative.gradient.apply(operands, shape, shapes[i] ?? []);
  }

  /** What stands in a derivative for an index. */
  #operand(index: number, saved: readonly Tensor[], dy: Tensor): Operand {
    const y = this.#formula.operands;
    if (index === y + 1) return dy;
    if (index === y + 2) return this.#formula.countTies((use) => this.#operand(use, saved, dy), this.#launch);
    const value = this.#operands[index];
    if (typeof value === "number") return value;
    const tensor = saved[this.#saved.indexOf(index)];
    if (!tensor) throw new RangeError(`${this.name}: operand ${index} was not saved`);
    return tensor;
  }
}

/** An expression over only the inputs that it reads, with their indices before they were renumbered 0, 1, ... */
function compact(root: Expr): { uses: number[]; expr: Expr } {
  const uses = e.inputsOf([root]);
  const position = new Map(uses.map((index, at) => [index, e.input(at)]));
  return { uses, expr: e.substitute(root, (index) => position.get(index) ?? e.input(index)) };
}
