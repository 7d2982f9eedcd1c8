import { expressionKernel, expressionParams } from "./expr/kernel.ts";
import type { ExpressionDefinition } from "./expr/kernel.ts";
import { broadcastStrides, iterationSpace } from "./expr/space.ts";
import type { Kernel } from "./kernel.ts";
import { f32, run, runInPlace } from "./op.ts";
import type { TensorSpec } from "./op.ts";
import { broadcastShapes, reduceShape } from "./shape.ts";
import type { Shape } from "./shape.ts";
import { Tensor } from "./tensor.ts";

/** A number, a tensor that broadcasts to the shape, or one walked with strides of its own along the shape's axes. */
export type ExpressionOperand =
  number | Tensor | { readonly tensor: Tensor; readonly strides: readonly number[] };

/** Over which shape an expression is evaluated, and which of its axes are folded. */
export interface LaunchOptions {
  /** Default: what the operands broadcast to. */
  readonly shape?: Shape;
  /** Folded axes; they stay as axes of length 1. Default none. */
  readonly axes?: readonly number[];
}

/** How an expression runs on operands of given types and shapes: worked out once, and then looked up. */
export interface Launch {
  readonly shape: Shape;
  readonly axes: readonly number[];
  /** The shape of each operand; a number's is that of a scalar. */
  readonly shapes: readonly Shape[];
  /** The outputs, all of one shape. */
  readonly outputs: readonly TensorSpec[];
  readonly kernel: Kernel;
  /** Sizes and strides, and the numbers among the operands, which each run writes anew. */
  readonly params: Record<string, number>;
  /** The places of tensors among the operands. */
  readonly tensors: readonly number[];
  /** The places of numbers among the operands, and their names among the parameters. */
  readonly numbers: readonly (readonly [index: number, name: string])[];
}

/** The launches of each definition, by all that decides them. */
const launches = new WeakMap<ExpressionDefinition, Map<string, Launch>>();

/** For one definition: a program whose shapes never repeat must not fill the memory. */
const MOST_LAUNCHES = 1000;

/** How the expression runs on these operands. Throws ShapeError if they do not broadcast. */
export function launchOf(
  definition: ExpressionDefinition,
  operands: readonly ExpressionOperand[],
  { shape, axes = [] }: LaunchOptions = {},
): Launch {
  let known = launches.get(definition);
  if (!known) launches.set(definition, (known = new Map<string, Launch>()));
  let key = `${shape ? shape.join() : ""};${axes.join()}`;
  for (const operand of operands) key += keyOf(operand);
  let launch = known.get(key);
  if (!launch) {
    if (known.size >= MOST_LAUNCHES) known.clear();
    known.set(key, (launch = makeLaunch(definition, operands, shape, axes)));
  }
  return launch;
}

function keyOf(operand: ExpressionOperand): string {
  if (typeof operand === "number") return ";";
  if (operand instanceof Tensor) return `;${operand.dtype}${operand.shape.join()}`;
  return `;${operand.tensor.dtype}:${operand.strides.join()}`;
}

function makeLaunch(
  definition: ExpressionDefinition,
  operands: readonly ExpressionOperand[],
  evaluated: Shape | undefined,
  axes: readonly number[],
): Launch {
  const shapes = operands.map((operand) => (operand instanceof Tensor ? operand.shape : []));
  const shape = broadcastShapes(definition.name, ...(evaluated ? [evaluated] : []), ...shapes);
  const kinds = operands.map((operand) => {
    if (typeof operand === "number") return "number";
    return operand instanceof Tensor ? operand.dtype : operand.tensor.dtype;
  });
  const strides = operands.map((operand) => {
    if (typeof operand === "number") return [];
    return operand instanceof Tensor ? broadcastStrides(operand.shape, shape) : operand.strides;
  });
  const space = iterationSpace(shape, axes, strides);
  const output = f32(reduceShape(shape, axes, true));
  return {
    shape,
    axes,
    shapes,
    outputs: definition.outputs.map(() => output),
    kernel: expressionKernel(definition, kinds, space),
    params: expressionParams(space, kinds),
    tensors: kinds.flatMap((kind, i) => (kind === "number" ? [] : [i])),
    numbers: kinds.flatMap((kind, i) => (kind === "number" ? [[i, `x${i}`] as const] : [])),
  };
}

/** Runs an expression as worked out for these operands; one new tensor for each output. Not recorded. */
export const runLaunch = (launch: Launch, operands: readonly ExpressionOperand[]): Tensor[] =>
  run(launch.kernel, paramsOf(launch, operands), tensorsOf(operands), launch.outputs);

/**
 * Runs an expression kernel over `shape`, folding over `axes`, which stay with length 1; one new tensor for each
 * output. Not recorded: ops are made of it.
 */
export const runExpression = (
  definition: ExpressionDefinition,
  operands: readonly ExpressionOperand[],
  shape: Shape,
  axes?: readonly number[],
): Tensor[] => runLaunch(launchOf(definition, operands, axes ? { shape, axes } : { shape }), operands);

/** {@link runExpression} for a kernel with one output. */
export function runOneExpression(
  definition: ExpressionDefinition,
  operands: readonly ExpressionOperand[],
  shape: Shape,
  axes?: readonly number[],
): Tensor {
  const [output] = runExpression(definition, operands, shape, axes);
  if (!output) throw new RangeError(`${definition.name}: no output`);
  return output;
}

/** Runs an expression kernel over the shape of `targets`, which its outputs overwrite. Not recorded. */
export const updateExpression = (
  definition: ExpressionDefinition,
  operands: readonly ExpressionOperand[],
  targets: readonly Tensor[],
): void => {
  runLaunchInto(launchOf(definition, operands), operands, targets);
};

/** {@link runLaunch} into existing tensors, of the launch's shape. */
export function runLaunchInto(
  launch: Launch,
  operands: readonly ExpressionOperand[],
  targets: readonly Tensor[],
): void {
  runInPlace(launch.kernel, paramsOf(launch, operands), tensorsOf(operands), targets);
}

/** The launch's parameters with the numbers of a run: a backend has read them when `run` returns. */
function paramsOf({ params, numbers }: Launch, operands: readonly ExpressionOperand[]): Launch["params"] {
  for (const [index, name] of numbers) {
    const operand = operands[index];
    if (typeof operand === "number") params[name] = operand;
  }
  return params;
}

function tensorsOf(operands: readonly ExpressionOperand[]): Tensor[] {
  const tensors: Tensor[] = [];
  for (const operand of operands) {
    if (typeof operand !== "number") tensors.push(operand instanceof Tensor ? operand : operand.tensor);
  }
  return tensors;
}
