/**
 * Calls of ops, on lists of tensors: what named ops (`op.ts`) and formulas come down to. A call computes its outputs
 * and, where a gradient is wanted, stays on the tape with the tensors that its backward needs.
 */
import { NotDifferentiableError } from "./errors.ts";
import { scope } from "./scope.ts";
import { formatShape, sameShape } from "./shape.ts";
import type { Shape } from "./shape.ts";
import { isRecording, TapeNode, withRecording } from "./tape.ts";
import type { Variable } from "./tape.ts";
import { Tensor } from "./tensor.ts";
import type { Storage } from "./tensor.ts";

/** One call of an op: what it does with its inputs. */
export interface OpCall {
  readonly name: string;
  readonly inputs: readonly Tensor[];
  /** Computes the outputs with kernels: new tensors, none of them an input. */
  compute(): readonly Tensor[];
  /** What `pull` will need: inputs, outputs, or others, which then live on the tape alone. */
  saves(outputs: readonly Tensor[]): readonly Tensor[];
  /** Whether there is a derivative at all: without one asking for it throws NotDifferentiableError. */
  readonly differentiable: boolean;
  /** The gradients of the wanted inputs, by ops: null for others, and where there is none by nature. */
  pull(
    saved: readonly Tensor[],
    gradients: readonly (Tensor | null)[],
    wanted: readonly boolean[],
  ): readonly (Tensor | null)[];
  /** The name of an input, for messages. */
  inputName(index: number): string;
}

/** Makes a call: returns its outputs, recorded on the tape where an input asks for it. Intermediate tensors die. */
export function perform(call: OpCall): readonly Tensor[] {
  return scope(() => {
    const outputs = withRecording(false, () => call.compute());
    if (isRecording() && call.inputs.some((input) => input.requiresGrad)) new RecordedCall(call, outputs);
    return outputs;
  });
}

class RecordedCall extends TapeNode {
  readonly #call: OpCall;
  readonly #saved: readonly SavedTensor[];

  constructor(call: OpCall, outputs: readonly Tensor[]) {
    const variables = call.inputs.map((input) => input.variable);
    super(call.name, variables, outputs.map((output) => output.shape)); // prettier-ignore
    this.#call = call;
    // Outputs first: one that is saved is saved with its place on the tape.
    this.outputs.forEach((variable, i) => outputs[i]?.record(variable));
    this.#saved = call.differentiable ? call.saves(outputs).map((tensor) => new SavedTensor(tensor)) : [];
  }

  override pull(
    gradients: readonly (Tensor | null)[],
    wanted: readonly boolean[],
    createGraph: boolean,
  ): readonly (Tensor | null)[] {
    if (!this.#call.differentiable) {
      throw new NotDifferentiableError(
        `${this.name}: expected an op with a derivative, got one that has none`,
      );
    }
    return withRecording(createGraph, () =>
      scope(() => {
        const saved = this.#saved.map((tensor) => tensor.restore());
        const results = this.#call.pull(saved, gradients, wanted);
        results.forEach((gradient, i) => {
          if (gradient) this.#checkShape(gradient, i);
        });
        return separate(results, gradients);
      }),
    );
  }

  protected override letGo(): void {
    for (const tensor of this.#saved) tensor.release();
  }

  #checkShape({ shape }: Tensor, i: number): void {
    const expected = this.inputs[i]?.shape ?? [];
    if (sameShape(shape, expected)) return;
    throw new Error(
      `${this.name}: the rule for ${this.#call.inputName(i)} gave a gradient of shape ${formatShape(shape)}, ` +
        `expected ${formatShape(expected)}`,
    );
  }
}

/** A tensor held by the tape: its elements stay alive whatever becomes of the user's handle. */
class SavedTensor {
  readonly #storage: Storage;
  readonly #shape: Shape;
  readonly #variable: Variable | null;

  constructor({ storage, shape, variable }: Tensor) {
    this.#storage = storage;
    this.#shape = shape;
    this.#variable = variable;
    storage.retain();
  }

  /** A handle on the elements; on the tape again, so that backward itself can be differentiated. */
  restore(): Tensor {
    return new Tensor(this.#storage, this.#shape, isRecording() ? this.#variable : null);
  }

  release(): void {
    this.#storage.release();
  }
}

/** Every gradient as a handle of its own: a rule may return its incoming gradient, or one tensor for two inputs. */
function separate(
  results: readonly (Tensor | null)[],
  incoming: readonly (Tensor | null)[],
): (Tensor | null)[] {
  return results.map((tensor, i) =>
    tensor && (incoming.includes(tensor) || results.indexOf(tensor) < i) ? tensor.alias() : tensor,
  );
}
