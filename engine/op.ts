/**
 * How an op comes to be: a shape rule, a forward written with kernels and a backward written with ops become one
 * plain function on tensors. Because backward is written with ops, it is recorded like any other computation, and
 * gradients of gradients need no further rule.
 */
import type { DeviceBuffer } from "./backend.ts";
import { perform } from "./call.ts";
import type { OpCall } from "./call.ts";
import { BackendError } from "./errors.ts";
import type { DType, Kernel, Params } from "./kernel.ts";
import { mapRecord } from "./record.ts";
import { sizeOf } from "./shape.ts";
import type { Shape } from "./shape.ts";
import { Storage, Tensor } from "./tensor.ts";

/** Shape and element type of an output. */
export interface TensorSpec {
  readonly shape: Shape;
  readonly dtype: DType;
}

/** An f32 output of this shape. */
export const f32 = (shape: Shape): TensorSpec => ({ shape, dtype: "f32" });

/** An i32 output of this shape. */
export const i32 = (shape: Shape): TensorSpec => ({ shape, dtype: "i32" });

/** Tensors by name. */
export type Tensors = Readonly<Record<string, Tensor>>;

/** An op with several outputs, as given to {@link defineMultiOp}. */
export interface MultiOpDefinition<
  In extends Tensors,
  Options,
  Plan,
  Out extends Tensors,
  Saved extends Tensors,
> {
  readonly name: string;
  /** The shape rule: refuses bad inputs and options with a typed error, and returns what forward and backward need. */
  readonly infer: (inputs: In, options: Options) => Plan;
  /**
   * Computes the outputs with kernels ({@link run}), and names the tensors that backward will need. Outputs are new
   * tensors, never inputs: the caller disposes the two apart from each other.
   */
  readonly forward: (inputs: In, plan: Plan) => { outputs: Out; saved: Saved };
  /**
   * Given the saved tensors and the gradient of each output (null where nothing depends on it): for each input a
   * function that computes its gradient, called only if someone wants it, or null where the op has no derivative
   * with respect to it by nature (labels, conditions). Without `backward` the op has no derivative at all: asking for
   * one throws NotDifferentiableError.
   */
  readonly backward?: (
    saved: { readonly [K in keyof Saved]: Tensor },
    gradients: { readonly [K in keyof Out]: Tensor | null },
    plan: Plan,
  ) => { readonly [K in keyof In]: (() => Tensor) | null };
}

/** An op with one output, as given to {@link defineOp}. Fields as in {@link MultiOpDefinition}. */
export interface OpDefinition<In extends Tensors, Options, Plan, Saved extends Tensors> {
  readonly name: string;
  readonly infer: (inputs: In, options: Options) => Plan;
  readonly forward: (inputs: In, plan: Plan) => { output: Tensor; saved: Saved };
  readonly backward?: (
    saved: { readonly [K in keyof Saved]: Tensor },
    gradient: Tensor,
    plan: Plan,
  ) => { readonly [K in keyof In]: (() => Tensor) | null };
}

/** Runs a kernel on tensors; returns its outputs, one for each spec. Not recorded: ops are made of it. */
export function run<P extends string>(
  kernel: Kernel<P>,
  params: Params<P>,
  inputs: readonly Tensor[],
  specs: readonly TensorSpec[],
): Tensor[] {
  const backend = commonBackend(kernel.name, inputs);
  const outputs = specs.map(
    ({ shape, dtype }) => new Tensor(new Storage(backend, sizeOf(shape), dtype), shape),
  );
  backend.run(kernel, params, inputs.map(bufferOf), outputs.map(bufferOf));
  return outputs;
}

/** {@link run} for a kernel with one output. */
export function runOne<P extends string>(
  kernel: Kernel<P>,
  params: Params<P>,
  inputs: readonly Tensor[],
  spec: TensorSpec,
): Tensor {
  const [output] = run(kernel, params, inputs, [spec]);
  if (!output) throw new RangeError(`${kernel.name}: no output`);
  return output;
}

/** Runs a kernel that writes into existing tensors: optimiser updates, running statistics. Not recorded. */
export function runInPlace<P extends string>(
  kernel: Kernel<P>,
  params: Params<P>,
  inputs: readonly Tensor[],
  outputs: readonly Tensor[],
): void {
  const backend = commonBackend(kernel.name, [...inputs, ...outputs]);
  backend.run(kernel, params, inputs.map(bufferOf), outputs.map(bufferOf));
}

const bufferOf = (tensor: Tensor): DeviceBuffer => tensor.buffer;

/** Makes an op with one output: a plain function on tensors by name, recorded on the tape. */
export function defineOp<In extends Tensors, Options, Plan, Saved extends Tensors>(
  definition: OpDefinition<In, Options, Plan, Saved>,
): (inputs: In, options: Options) => Tensor {
  const { name, infer, forward, backward } = definition;
  const op = defineMultiOp<In, Options, Plan, { output: Tensor }, Saved>({
    name,
    infer,
    forward: (inputs, plan) => {
      const { output, saved } = forward(inputs, plan);
      return { outputs: { output }, saved };
    },
    ...(backward && {
      backward: (saved, gradients, plan) => {
        if (!gradients.output) throw new RangeError(`${name}: backward without a gradient`);
        return backward(saved, gradients.output, plan);
      },
    }),
  });
  return (inputs, options) => op(inputs, options).output;
}

/** Makes an op with several outputs: a plain function from tensors by name to tensors by name. */
export function defineMultiOp<In extends Tensors, Options, Plan, Out extends Tensors, Saved extends Tensors>(
  definition: MultiOpDefinition<In, Options, Plan, Out, Saved>,
): (inputs: In, options: Options) => { readonly [K in keyof Out]: Tensor } {
  return (inputs, options) => {
    commonBackend(definition.name, Object.values(inputs));
    const call = new NamedCall(definition, inputs, definition.infer(inputs, options));
    perform(call);
    return call.result.outputs;
  };
}

/** A call of an op whose tensors have names. */
class NamedCall<In extends Tensors, Plan, Out extends Tensors, Saved extends Tensors> implements OpCall {
  readonly inputs: readonly Tensor[];
  readonly #definition: MultiOpDefinition<In, never, Plan, Out, Saved>;
  readonly #named: In;
  readonly #plan: Plan;
  #result: { readonly outputs: Out; readonly saved: Saved } | undefined;

  constructor(definition: MultiOpDefinition<In, never, Plan, Out, Saved>, inputs: In, plan: Plan) {
    this.inputs = Object.values(inputs);
    this.#definition = definition;
    this.#named = inputs;
    this.#plan = plan;
  }

  get name(): string {
    return this.#definition.name;
  }

  get differentiable(): boolean {
    return this.#definition.backward !== undefined;
  }

  inputName(index: number): string {
    return Object.keys(this.#named)[index] ?? "";
  }

  /** What forward returns, by name. */
  get result(): { readonly outputs: Out; readonly saved: Saved } {
    return (this.#result ??= this.#definition.forward(this.#named, this.#plan));
  }

  compute(): Tensor[] {
    return Object.values(this.result.outputs);
  }

  saves(): Tensor[] {
    return Object.values(this.result.saved);
  }

  pull(
    saved: readonly Tensor[],
    gradients: readonly (Tensor | null)[],
    wanted: readonly boolean[],
  ): (Tensor | null)[] {
    const result = this.result;
    const thunks = this.#definition.backward?.(
      mapRecord(result.saved, (tensor, _, i) => saved[i] ?? tensor),
      mapRecord(result.outputs, (_tensor, _, i) => gradients[i] ?? null),
      this.#plan,
    );
    return Object.keys(this.#named).map((name, i) => (wanted[i] ? (thunks?.[name]?.() ?? null) : null));
  }
}

/** The backend of all tensors. Throws DisposedError if one is gone, BackendError if there is none or they differ. */
export function commonBackend(who: string, tensors: readonly Tensor[]): Tensor["backend"] {
  const backend = tensors[0]?.backend;
  if (!backend) throw new BackendError(`${who}: expected at least one tensor, got none`);
  for (const tensor of tensors) {
    tensor.checkAlive(who);
    if (tensor.backend !== backend) {
      throw new BackendError(
        `${who}: expected tensors of one backend, got ${backend.name} and ${tensor.backend.name}; ` +
          `read the elements with data() and make a new tensor`,
      );
    }
  }
  return backend;
}
