/**
 * The tape: which tensor came from which op. A {@link Variable} is a tensor's identity in differentiation, shared by
 * all handles on it; a {@link TapeNode} is one recorded call of an op.
 *
 * Memory: a node holds the tensors that its backward needs. It lives as long as someone can still ask for a gradient
 * through it: a live handle on one of its outputs, or a live node that consumed one. When the last is gone it lets go
 * of what it saved, so a forward pass that is never differentiated leaks nothing.
 */
import type { Shape } from "./shape.ts";
import type { Tensor } from "./tensor.ts";

/** A tensor's identity in differentiation: a leaf (node null), or one output of a recorded call. */
export class Variable {
  readonly shape: Shape;
  readonly node: TapeNode | null;
  /** What `backward` accumulated; leaves only. Owned by this variable. */
  grad: Tensor | null = null;
  #handles = 0;

  constructor(shape: Shape, node: TapeNode | null) {
    this.shape = shape;
    this.node = node;
  }

  /** Whether a handle is left: without one nobody can read, or dispose, a gradient. */
  get alive(): boolean {
    return this.#handles > 0;
  }

  /** Counts a handle. */
  retain(): void {
    this.#handles++;
    this.node?.retain();
  }

  /** Undoes {@link retain}; the gradient goes with the last handle. */
  release(): void {
    if (--this.#handles === 0) this.zeroGrad();
    this.node?.release();
  }

  /** Forgets the gradient. */
  zeroGrad(): void {
    this.grad?.dispose();
    this.grad = null;
  }
}

/** One recorded call of an op. */
export abstract class TapeNode {
  readonly name: string;
  /** The variable of each input, null where it has none. */
  readonly inputs: readonly (Variable | null)[];
  readonly outputs: readonly Variable[];
  #users = 0;
  #freed = false;

  constructor(name: string, inputs: readonly (Variable | null)[], outputs: readonly Shape[]) {
    this.name = name;
    this.inputs = inputs;
    this.outputs = outputs.map((shape) => new Variable(shape, this));
    for (const input of inputs) input?.node?.retain();
  }

  /**
   * Gradients of the inputs from those of the outputs (null where nothing depends on the output), for the inputs that
   * are wanted. With `createGraph` their own computation is recorded.
   */
  abstract pull(
    gradients: readonly (Tensor | null)[],
    wanted: readonly boolean[],
    createGraph: boolean,
  ): readonly (Tensor | null)[];

  /** Lets go of what `pull` needs. */
  protected abstract letGo(): void;

  /** Whether what backward needs is gone. */
  get freed(): boolean {
    return this.#freed;
  }

  /** Counts a handle on an output, or a node that consumes one. */
  retain(): void {
    this.#users++;
  }

  /** Undoes {@link retain}; with the last user the node's saved tensors go, and its hold on its own inputs. */
  release(): void {
    // A chain of thousands of nodes may fall at once: a list instead of recursion.
    const falling: TapeNode[] = [this];
    for (let node = falling.pop(); node; node = falling.pop()) {
      if (--node.#users > 0) continue;
      node.free();
      for (const input of node.inputs) if (input?.node) falling.push(input.node);
    }
  }

  /** Lets go of the saved tensors: nothing can be differentiated through this node any more. */
  free(): void {
    if (this.#freed) return;
    this.#freed = true;
    this.letGo();
  }
}

let recording = true;

/** Whether ops are being recorded. */
export const isRecording = (): boolean => recording;

/** Runs `body` with recording switched on or off. */
export function withRecording<T>(on: boolean, body: () => T): T {
  const before = recording;
  recording = on;
  try {
    return body();
  } finally {
    recording = before;
  }
}
