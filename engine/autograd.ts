/**
 * Reverse-mode differentiation: walk the tape from the output back to the leaves, once, in reverse topological order,
 * and add up what each op's rule sends to its inputs (the chain rule).
 */
import { elementwise } from "./elementwise.ts";
import { DTypeError, NotDifferentiableError, ShapeError } from "./errors.ts";
import * as e from "./expr/expr.ts";
import { commonBackend } from "./op.ts";
import { keep, refusePromise, scope } from "./scope.ts";
import { formatShape, sameShape } from "./shape.ts";
import { Variable, withRecording } from "./tape.ts";
import type { TapeNode } from "./tape.ts";
import { Storage, Tensor } from "./tensor.ts";

/** Options of {@link backward} and {@link grad}. */
export interface GradOptions {
  /** dL/d(output), of the output's shape. Default 1, for an output of one element. */
  readonly gradient?: Tensor;
  /** Records the gradients' own computation, so that they can be differentiated again. Implies `retainGraph`. */
  readonly createGraph?: boolean;
  /** Keeps what the tape saved, so that the same output can be differentiated again. */
  readonly retainGraph?: boolean;
}

/**
 * Runs `body` without recording: what it computes has no gradient. Throws ValueError if `body` returns a promise: what
 * happens after an `await` would be recorded.
 */
export function noGrad<T>(body: () => T): T {
  const result = withRecording(false, body);
  refusePromise("noGrad", result);
  return result;
}

/** The same elements, cut off from the tape: no gradient flows through. Throws DisposedError. */
export function stopGradient(x: Tensor): Tensor {
  x.checkAlive("stopGradient");
  return x.alias(null);
}

/**
 * The same elements as a leaf: what is computed from it is differentiated down to here, and `backward` accumulates into
 * its `.grad`. PyTorch's `x.detach().requires_grad_()`. Throws DisposedError, DTypeError for integers.
 */
export function leafOf(x: Tensor): Tensor {
  x.checkAlive("leafOf");
  if (x.dtype !== "f32") throw new DTypeError(`leafOf: expected f32, got ${x.dtype}`);
  return x.alias(new Variable(x.shape, null));
}

const add = elementwise("accumulateGradient", (a, b) => e.add(a, b));
const copy = elementwise("copyGradient", (x) => x);

/**
 * Adds to `.grad` of every leaf that `loss` depends on the derivative of `loss` with respect to it. Gradients belong
 * to their leaves alone (they may be changed in place) and outlive scopes; `zeroGrad()` forgets them. What the tape
 * saved is freed on the way, unless `retainGraph` or `createGraph`.
 *
 * Throws ShapeError if `loss` has several elements and no `gradient` is given, NotDifferentiableError if it depends on
 * no leaf with a gradient, or through an op that has no derivative; ShapeError, DTypeError or BackendError if
 * `gradient` does not fit `loss`, DisposedError if one of them is gone.
 */
export function backward(loss: Tensor, options: GradOptions = {}): void {
  const isLeaf = (variable: Variable): boolean => variable.node === null;
  for (const [leaf, gradient] of walk("backward", loss, options, isLeaf)) {
    const before = leaf.grad;
    // Rules hand gradients on as they are: d(a + b) is one tensor for both, and may be the caller's `gradient`.
    if (leaf.alive && (before || gradient.storage.isShared)) {
      const sum = () => (before ? add(before, gradient) : copy(gradient));
      leaf.grad = keep(withRecording(options.createGraph ?? false, sum));
      before?.dispose();
      gradient.dispose();
    } else if (leaf.alive) leaf.grad = gradient;
    else gradient.dispose();
  }
}

/**
 * The derivatives of `output` with respect to each of `inputs` (leaves or intermediate tensors), without touching
 * `.grad`. They may share their elements with one another and with `gradient`. Throws as {@link backward}, and
 * NotDifferentiableError if `output` does not depend on one of the inputs.
 *
 * A Hessian-vector product, by differentiating twice:
 * ```ts
 * const [g] = grad(loss, [x], { createGraph: true });
 * const [hv] = grad(sum(mul(g, v)), [x]);
 * ```
 */
export function grad<const T extends readonly Tensor[]>(
  output: Tensor,
  inputs: T,
  options: GradOptions = {},
): { -readonly [K in keyof T]: Tensor } {
  for (const input of inputs) input.checkAlive("grad");
  const variables = new Set(inputs.map((input) => input.variable));
  const found = walk("grad", output, options, (variable) => variables.has(variable));
  const handleOn = ({ variable, shape }: Tensor, i: number): Tensor => {
    const gradient = variable && found.get(variable);
    if (gradient) return gradient.alias();
    throw new NotDifferentiableError(
      `grad: expected an output that depends on input ${i} (shape ${formatShape(shape)}), got one that does not; ` +
        `make the input with requiresGrad before it is used`,
    );
  };
  try {
    return scope(() => mapTuple(inputs, handleOn));
  } finally {
    for (const gradient of found.values()) gradient.dispose();
  }
}

/** Applies `f` to every entry of a tuple and keeps its length. */
function mapTuple<const T extends readonly unknown[], B>(tuple: T, f: (value: T[number], i: number) => B) {
  // `map` keeps the length, which its type does not say.
  return tuple.map(f) as { -readonly [K in keyof T]: B };
}

/** The nodes on a path from `root` to a wanted variable, each after all nodes that it feeds. */
function reverseTopological(root: TapeNode, isWanted: (variable: Variable) => boolean): Set<TapeNode> {
  const visited = new Set<TapeNode>([root]);
  const leading = new Set<TapeNode>();
  // Depth first with an explicit stack: a deep network's chain is longer than the call stack.
  const stack = [{ node: root, next: 0 }];
  for (let top = stack.at(-1); top; top = stack.at(-1)) {
    const { node } = top;
    if (top.next < node.inputs.length) {
      const parent = node.inputs[top.next++]?.node;
      if (!parent || visited.has(parent)) continue;
      visited.add(parent);
      stack.push({ node: parent, next: 0 });
    } else {
      stack.pop();
      if (node.inputs.some((input) => input && leads(input, leading, isWanted))) leading.add(node);
    }
  }
  return new Set([...leading].reverse());
}

const leads = (
  variable: Variable,
  leading: ReadonlySet<TapeNode>,
  isWanted: (variable: Variable) => boolean,
) => isWanted(variable) || (variable.node !== null && leading.has(variable.node));

/** The gradients of all wanted variables that `output` depends on, as tensors outside of every scope. */
function walk(
  who: string,
  output: Tensor,
  { gradient, createGraph = false, retainGraph = createGraph }: GradOptions,
  isWanted: (variable: Variable) => boolean,
): Map<Variable, Tensor> {
  const start = checkStart(who, output, gradient);
  const found = new Map<Variable, Tensor>();
  const seed = gradient ? gradient.alias(createGraph ? gradient.variable : null) : oneLike(output);
  const pending = new Map<Variable, Tensor>([[start, keep(seed)]]);
  const receive = (target: Variable, incoming: Tensor): void => {
    const before = pending.get(target);
    pending.set(target, keep(before ? withRecording(createGraph, () => add(before, incoming)) : incoming));
    if (before) [before, incoming].forEach((tensor) => { tensor.dispose(); }); // prettier-ignore
  };
  const settle = (target: Variable): void => {
    const total = pending.get(target);
    pending.delete(target);
    if (total && isWanted(target)) found.set(target, total);
    else total?.dispose();
  };
  const order = start.node ? reverseTopological(start.node, isWanted) : new Set<TapeNode>();
  try {
    for (const node of order) {
      const gradients = node.outputs.map((target) => pending.get(target) ?? null);
      if (gradients.some((tensor) => tensor !== null)) {
        if (node.freed) {
          throw new NotDifferentiableError(
            `${who}: expected a graph that is still whole, but what ${node.name} saved was freed by an earlier call; ` +
              `pass retainGraph: true to that call`,
          );
        }
        const wanted = node.inputs.map((input) => input !== null && leads(input, order, isWanted));
        node.pull(gradients, wanted, createGraph).forEach((incoming, i) => {
          const target = node.inputs[i];
          if (incoming && target) receive(target, incoming);
        });
      }
      node.outputs.forEach(settle);
      if (!retainGraph) node.free();
    }
    [...pending.keys()].forEach(settle);
    return found;
  } catch (error) {
    for (const tensor of [...pending.values(), ...found.values()]) tensor.dispose();
    throw error;
  }
}

/** dL/dL for an L of one element, on its backend. */
function oneLike({ backend, shape }: Tensor): Tensor {
  const storage = new Storage(backend, 1, "f32");
  storage.write([1]);
  return new Tensor(storage, shape);
}

function checkStart(who: string, output: Tensor, gradient: Tensor | undefined): Variable {
  commonBackend(who, gradient ? [output, gradient] : [output]);
  if (gradient && gradient.dtype !== "f32") {
    throw new DTypeError(`${who}: expected a gradient of type f32, got ${gradient.dtype}`);
  }
  if (gradient && !sameShape(gradient.shape, output.shape)) {
    throw new ShapeError(
      `${who}: expected a gradient of the output's shape ${formatShape(output.shape)}, got ${formatShape(gradient.shape)}`,
    );
  }
  if (!gradient && output.size !== 1) {
    throw new ShapeError(
      `${who}: expected an output of one element, got shape ${formatShape(output.shape)}; reduce it, or pass its gradient`,
    );
  }
  if (!output.variable) {
    throw new NotDifferentiableError(
      `${who}: expected a tensor computed from tensors with requiresGrad, got one that has no gradient; ` +
        `was it computed under noGrad, or from constants only?`,
    );
  }
  return output.variable;
}
